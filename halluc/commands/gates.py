"""Bounds that an evaluation must keep: exit code 5 where it does not."""

from __future__ import annotations

from collections.abc import Sequence

from halluc.commands import experiment, scoring
from halluc.config.loading import LoadedConfig
from halluc.config.schema import GateConfig
from halluc.core.errors import EXIT_GATE, HallucError, ManyErrors, did_you_mean
from halluc.runs.schema import EvalFile, MetricResult


def refuse_unknown(loaded: LoadedConfig) -> None:
    """Before anything is computed.

    Raises:
        HallucError C103: a gate names no figure of the task.
    """
    known = scoring.names(experiment.task_of(loaded))
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
    broken = []
    for name, gate in loaded.experiment.gates.items():
        told = _broken(name, gate, files)
        if told is not None:
            where = loaded.origins.get(("gates", name))
            broken.append(HallucError("G100", told, where, exit_code=EXIT_GATE))
    if broken:
        raise broken[0] if len(broken) == 1 else ManyErrors(broken)


def _broken(name: str, gate: GateConfig, files: Sequence[EvalFile]) -> str | None:
    """Why a gate is not met, or None where it is."""
    judged = [file for file in files if gate.split in (None, file.split)]
    what = f"{name} {gate.by}" if gate.by else name
    if not judged:
        return f"gate not met: {what} was not evaluated on {gate.split}"
    file = judged[-1]
    found = next((m for m in file.metrics if m.name == name and m.by == gate.by), None)
    if found is None or found.value is None:
        return f"gate not met: {what} on {file.split} has no value"
    return _outside(f"{what} on {file.split}", gate, found)


def _outside(what: str, gate: GateConfig, found: MetricResult) -> str | None:
    assert found.value is not None
    low = high = found.value
    if gate.use == "interval":
        if found.interval is None:
            return f"gate not met: {what} has no interval"
        low, high = found.interval
    told = f"{found.value:.4f}" + (f" [{low:.4f}, {high:.4f}]" if gate.use == "interval" else "")
    if gate.min is not None and low < gate.min:
        return f"gate not met: {what} is {told}, and must be at least {gate.min:g}"
    if gate.max is not None and high > gate.max:
        return f"gate not met: {what} is {told}, and must be at most {gate.max:g}"
    return None
