"""Bounds that an evaluation must keep: exit code 5 where it does not."""

from __future__ import annotations

import os
from collections.abc import Sequence

from halluc.analysis import scoring
from halluc.config.evaluation import GateConfig
from halluc.config.loading import LoadedConfig
from halluc.core.errors import EXIT_GATE, HallucError, ManyErrors, did_you_mean, refuse
from halluc.data.rows.references import DEMO, HUB, SplitName
from halluc.runs.reports import GateResult
from halluc.runs.schema import EvalFile, MetricResult
from halluc.task import build

# How many slices that have a value are named beside one that has none.
_MOST_NAMED = 10


def refuse_invalid(loaded: LoadedConfig) -> None:
    """Before anything is computed.

    Raises:
        HallucError or ManyErrors C103: a gate names no figure of the task, or the split that the model is trained on.
    """
    if not loaded.experiment.gates:
        return
    task = build(loaded.experiment.task)
    known, named = scoring.names(task), task.figures.named
    found = []
    for name, gate in loaded.experiment.gates.items():
        if name not in known:
            near = named.get(name) or did_you_mean(name, known)
            help = f"did you mean `{near}`?" if near else f"one of {', '.join(known)}"
            found.append(
                HallucError("C103", f"`gates.{name}` names no figure", loaded.origins.get(("gates", name)), help)
            )
        elif gate.split is not None and is_trained_on(loaded, gate.split):
            message = f"`gates.{name}` cannot be checked on {gate.split}: it is the split that the model is trained on"
            where = loaded.origins.get(("gates", name, "split"))
            found.append(HallucError("C103", message, where, "name dev or test, or leave `split` out"))
    refuse(found)


def refuse_uncheckable(loaded: LoadedConfig, evaluated: Sequence[SplitName]) -> None:
    """Before a training whose evaluation could not check a gate.

    Raises:
        HallucError C107: no split of ``evaluated`` is one that the gate may be checked on.
    """
    for name, gate in loaded.experiment.gates.items():
        if not any(_counts(loaded, gate, split) for split in evaluated):
            raise HallucError(
                "C107",
                f"`gates.{name}` can be checked on none of the splits that are evaluated: {', '.join(evaluated)}",
                loaded.origins.get(("gates", name)),
                "a gate needs a split that the model is not trained on: see `data.test` and `eval.splits`",
            )


def is_trained_on(loaded: LoadedConfig, split: str) -> bool:
    """Whether a split is the training split, or another name of the same file."""
    if split == "train":
        return True
    data = loaded.experiment.data
    if data.is_held_out(split):
        return False
    name, trained = data.reference(split), data.reference("train")
    if name is None or trained is None or name.startswith(DEMO) or (name.startswith(HUB) and "#" not in name):
        return False  # these two lead to different examples under different splits
    return bool(os.path.realpath(name) == os.path.realpath(trained))


def enforce(loaded: LoadedConfig, files: Sequence[EvalFile]) -> None:
    """Hold the evaluated splits to the gates of the config.

    Raises:
        HallucError or ManyErrors G100, exit code 5: every bound that is not met, with figure, bound and value.
    """
    refuse_broken(loaded, judged(loaded, files))


def refuse_broken(loaded: LoadedConfig, results: Sequence[GateResult]) -> None:
    """Raise what ``enforce`` does, of gates that are judged already."""
    broken = [
        HallucError("G100", f"gate not met: {one.told}", loaded.origins.get(("gates", one.name)), exit_code=EXIT_GATE)
        for one in results
        if not one.met
    ]
    if broken:
        raise broken[0] if len(broken) == 1 else ManyErrors(broken)


def judged(loaded: LoadedConfig, files: Sequence[EvalFile]) -> list[GateResult]:
    """Every gate of the config, in its order, and whether these evaluations keep it."""
    return [_judged(loaded, name, gate, files) for name, gate in loaded.experiment.gates.items()]


def _judged(loaded: LoadedConfig, name: str, gate: GateConfig, files: Sequence[EvalFile]) -> GateResult:
    """Of the splits that a gate may be checked on, the last one counts."""
    file = next((file for file in reversed(files) if _counts(loaded, gate, file.split)), None)
    what = f"{name} {gate.by}" if gate.by else name
    told = f"{what} was not evaluated on {gate.split or 'a split that the model is not trained on'}"
    result = GateResult(name=name, by=gate.by, met=False, told=told, min=gate.min, max=gate.max, use=gate.use)
    if file is None:
        return result
    own = [metric for metric in file.metrics if metric.name == name]
    found = next((metric for metric in own if metric.by == gate.by), None)
    if found is None or found.value is None:
        met, told = False, f"{what} on {file.split} is not measured: {_why_none(own, gate, found)}"
    else:
        met, told = _held(f"{what} on {file.split}", gate, found, found.value)
    value, interval = (found.value, found.interval) if found is not None else (None, None)
    return result.model_copy(
        update={"met": met, "told": told, "split": file.split, "value": value, "interval": interval}
    )


def _counts(loaded: LoadedConfig, gate: GateConfig, split: str) -> bool:
    return gate.split in (None, split) and not is_trained_on(loaded, split)


def _why_none(own: Sequence[MetricResult], gate: GateConfig, found: MetricResult | None) -> str:
    """Why a figure has no value: its denominator is 0, or nothing in the split has what the gate's `by` names.

    Args:
        own: the figures of this name. found: the one that the gate names, if it is there.
    """
    if found is not None:
        return f"it is a share of nothing there (n = {found.n})"
    measured = [one.by for one in own if one.value is not None and one.by.keys() == gate.by.keys()]
    others = f"; measured there: {', '.join(map(str, measured[:_MOST_NAMED]))}" if measured and gate.by else ""
    return f"nothing in the split has that{others}{', …' if len(measured) > _MOST_NAMED else ''}"


def _held(what: str, gate: GateConfig, found: MetricResult, value: float) -> tuple[bool, str]:
    """Whether a figure keeps the bounds, and which: all of them, or the first that it does not keep."""
    low = high = value
    if gate.use == "interval":
        if found.interval is None:
            return False, f"{what} has no interval"
        low, high = found.interval
    told = f"{what} is {value:.4f}" + (f" [{low:.4f}, {high:.4f}]" if gate.use == "interval" else "")
    if gate.min is not None and low < gate.min:
        return False, f"{told}, and must be at least {gate.min:g}"
    if gate.max is not None and high > gate.max:
        return False, f"{told}, and must be at most {gate.max:g}"
    asked = [f"at {end} {bound:g}" for end, bound in {"least": gate.min, "most": gate.max}.items() if bound is not None]
    return True, f"{told}, and must be {' and '.join(asked)}"
