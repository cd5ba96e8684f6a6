"""Bounds that an evaluation must keep: exit code 5 where it does not."""

from __future__ import annotations

from collections.abc import Sequence

from halluc.commands import experiment, scoring
from halluc.config.loading import LoadedConfig
from halluc.config.schema import GateConfig
from halluc.core.errors import EXIT_GATE, HallucError, ManyErrors, did_you_mean
from halluc.runs.reports import GateResult
from halluc.runs.schema import EvalFile, MetricResult


def refuse_unknown(loaded: LoadedConfig) -> None:
    """Before anything is computed.

    Raises:
        HallucError C103: a gate names no figure of the task.
    """
    known = scoring.names(experiment.task_of(loaded)) if loaded.experiment.gates else ()
    for name in loaded.experiment.gates:
        if name not in known:
            near = did_you_mean(name, known)
            help = f"did you mean `{near}`?" if near else f"one of {', '.join(known)}"
            raise HallucError("C103", f"`gates.{name}` names no figure", loaded.origins.get(("gates", name)), help)


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
    return [_judged(name, gate, files) for name, gate in loaded.experiment.gates.items()]


def _judged(name: str, gate: GateConfig, files: Sequence[EvalFile]) -> GateResult:
    """Of the splits that a gate may be about, the last one counts."""
    file = next((file for file in reversed(files) if gate.split in (None, file.split)), None)
    what = f"{name} {gate.by}" if gate.by else name
    if file is None:
        met, told = False, f"{what} was not evaluated on {gate.split}"
    else:
        found = next((m for m in file.metrics if m.name == name and m.by == gate.by), None)
        met, told = _held(f"{what} on {file.split}", gate, found)
    return GateResult(name=name, by=gate.by, met=met, told=told)


def _held(what: str, gate: GateConfig, found: MetricResult | None) -> tuple[bool, str]:
    """Whether a figure keeps the bounds, and which: all of them, or the first that it does not keep."""
    if found is None or found.value is None:
        return False, f"{what} has no value"
    low = high = found.value
    if gate.use == "interval":
        if found.interval is None:
            return False, f"{what} has no interval"
        low, high = found.interval
    told = f"{what} is {found.value:.4f}" + (f" [{low:.4f}, {high:.4f}]" if gate.use == "interval" else "")
    if gate.min is not None and low < gate.min:
        return False, f"{told}, and must be at least {gate.min:g}"
    if gate.max is not None and high > gate.max:
        return False, f"{told}, and must be at most {gate.max:g}"
    bounds = {"least": gate.min, "most": gate.max}
    asked = [f"at {end} {bound:g}" for end, bound in bounds.items() if bound is not None]
    return True, f"{told}, and must be {' and '.join(asked)}"
