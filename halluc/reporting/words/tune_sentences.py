"""What a tuning says, in sentences: which trial is best, and whether dev can tell it from the config itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from halluc.runs.tuning import TrialState, TuneFile
from halluc.wording import formats


def values(given: Mapping[str, Any]) -> str:
    """The values of a trial on one line."""
    told = (
        f"{name} {one:.4g}" if isinstance(one, float) else f"{name} {json.dumps(one, ensure_ascii=False)}"
        for name, one in given.items()
    )
    return ", ".join(told) or "the config itself"


def conclusion(found: TuneFile) -> list[str]:
    """The first sentence is the outcome."""
    complete = len(found.of("complete"))
    states: tuple[TrialState, ...] = ("complete", "pruned", "failed", "running")
    counts = [f"{len(found.of(state))} {state}" for state in states if found.of(state)]
    tried = f"{len(found.trials)} of {found.wanted} trials: {', '.join(counts) or 'none'}."
    if not found.best:
        why = "no trial keeps the constraints" if complete else "no trial is complete"
        return [f"There is no best trial: {why}.", tried]
    told = [_front(found) if len(found.metrics) > 1 else _best(found), tried]
    for one in found.best:
        told += [f"Trial {one.number}: {sentence}" for sentence in _differences(found, one.number)]
    return [
        *told,
        f"The selection was made on dev, among {complete} trials: the figures of a best trial on dev are optimistic, "
        "and p and intervals do not account for the selection. Evaluate it once on test, which no trial has read.",
    ]


def _figures(found: TuneFile, number: int) -> str:
    trial = next(one for one in found.trials if one.number == number)
    pairs = zip(found.metrics, trial.values or (), strict=False)
    return ", ".join(f"{formats.title(name)} {formats.value(name, one)}" for name, one in pairs)


def _best(found: TuneFile) -> str:
    (best,) = found.best
    trial = next(one for one in found.trials if one.number == best.number)
    if not best.number:
        return f"No trial is better on dev than trial 0, the config itself: {_figures(found, 0)}."
    return f"The best trial on dev is trial {best.number} ({values(trial.params)}): {_figures(found, best.number)}."


def _front(found: TuneFile) -> str:
    names = " and ".join(formats.title(name) for name in found.metrics)
    each = "; ".join(f"trial {one.number}: {_figures(found, one.number)}" for one in found.best[:5])
    more = f"; and {len(found.best) - 5} more" if len(found.best) > 5 else ""
    return f"Of {names}, {len(found.best)} trials are on the Pareto front on dev: {each}{more}."


def _differences(found: TuneFile, number: int) -> list[str]:
    best = next(one for one in found.best if one.number == number)
    told = []
    for delta in best.differences:
        if delta.name not in found.metrics or delta.difference is None:
            continue
        interval = formats.interval(delta.name, delta.interval)
        shown = delta.shown
        verdict = "dev can tell them apart" if shown else "dev cannot tell them apart"
        change = f"{formats.difference(delta.name, delta.difference)} {interval}".strip()
        name, p = formats.title(delta.name), formats.p_value(delta.p_holm)
        told.append(f"{name} differs from that of trial 0 by {change}, p {p}: {verdict}.")
    return told
