"""Interpretation of a tuning in sentences: which trial is best, and whether it differs significantly from the base
config."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from halluc.runs.tuning import TrialState, TuneFile
from halluc.wording import formats


def values(params: Mapping[str, Any]) -> str:
    """The values of a trial on one line."""
    text = (
        f"{name} {one:.4g}" if isinstance(one, float) else f"{name} {json.dumps(one, ensure_ascii=False)}"
        for name, one in params.items()
    )
    return ", ".join(text) or "the config itself"


def conclusion(tuning: TuneFile) -> list[str]:
    """Sentences; the first one is the outcome."""
    complete = len(tuning.of("complete"))
    states: tuple[TrialState, ...] = ("complete", "pruned", "failed", "running")
    counts = [f"{len(tuning.of(state))} {state}" for state in states if tuning.of(state)]
    tried = f"{len(tuning.trials)} of {tuning.wanted} trials: {', '.join(counts) or 'none'}."
    if not tuning.best:
        why = "no trial meets the constraints" if complete else "no trial is complete"
        return [f"There is no best trial: {why}.", tried]
    parts = [_front(tuning) if len(tuning.metrics) > 1 else _best(tuning), tried]
    for one in tuning.best:
        parts += [f"Trial {one.number}: {sentence}" for sentence in _differences(tuning, one.number)]
    return [
        *parts,
        f"The selection was made on dev, among {complete} trials: the figures of a best trial on dev are optimistic, "
        "and p and intervals do not account for the selection. Evaluate it once on test, which was not used by any "
        "trial.",
    ]


def _figures(tuning: TuneFile, number: int) -> str:
    trial = next(one for one in tuning.trials if one.number == number)
    pairs = zip(tuning.metrics, trial.values or (), strict=False)
    return ", ".join(f"{formats.title(name)} {formats.value(name, one)}" for name, one in pairs)


def _best(tuning: TuneFile) -> str:
    (best,) = tuning.best
    trial = next(one for one in tuning.trials if one.number == best.number)
    if not best.number:
        return f"No trial is better on dev than trial 0, the config itself: {_figures(tuning, 0)}."
    return f"The best trial on dev is trial {best.number} ({values(trial.params)}): {_figures(tuning, best.number)}."


def _front(tuning: TuneFile) -> str:
    names = " and ".join(formats.title(name) for name in tuning.metrics)
    each = "; ".join(f"trial {one.number}: {_figures(tuning, one.number)}" for one in tuning.best[:5])
    more = f"; and {len(tuning.best) - 5} more" if len(tuning.best) > 5 else ""
    return f"Of {names}, {len(tuning.best)} trials are on the Pareto front on dev: {each}{more}."


def _differences(tuning: TuneFile, number: int) -> list[str]:
    best = next(one for one in tuning.best if one.number == number)
    parts = []
    for delta in best.differences:
        if delta.name not in tuning.metrics or delta.difference is None:
            continue
        interval = formats.interval(delta.name, delta.interval)
        verdict = f"the difference is {'' if delta.shown else 'not '}significant on dev"
        change = f"{formats.difference(delta.name, delta.difference)} {interval}".strip()
        name, p = formats.title(delta.name), formats.p_value(delta.p_holm)
        parts.append(f"{name} differs from that of trial 0 by {change}, p {p}: {verdict}.")
    return parts
