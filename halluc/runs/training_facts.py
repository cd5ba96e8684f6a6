"""Facts about the training of a run: those that decide which figures are comparable, and its speed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from halluc.core.errors import HallucError
from halluc.core.files import read_regular
from halluc.runs.directory import RunDir
from halluc.runs.studies import Plain, TrainingDifference, TrainingFacts

# field -> its name
TITLES = {
    "steps": "optimizer steps",
    "chosen_step": "step of the chosen checkpoint",
    "examples": "training examples",
    "epochs": "epochs",
    "precision": "precision",
    "hardware": "hardware",
    "chosen_by": "checkpoint chosen by",
}


def facts(runs: Iterable[RunDir]) -> TrainingFacts:
    """For several runs, the distinct values of each fact in order; empty if none is recorded."""
    results: dict[str, dict[Plain, None]] = {name: {} for name in TITLES}
    for run in runs:
        for name, value in _facts(run).items():
            if isinstance(value, (int, float, str)):
                results[name][value] = None
    return TrainingFacts(**{name: list(values) for name, values in results.items()})


def differences(a: TrainingFacts, b: TrainingFacts) -> list[TrainingDifference]:
    """The facts in which two runs, or two arms, differ, except the selected step, which is a result."""
    pairs = ((name, title, getattr(a, name), getattr(b, name)) for name, title in TITLES.items())
    return [
        TrainingDifference(what=title, a=shown(one), b=shown(other))
        for name, title, one, other in pairs
        if name != "chosen_step" and set(map(str, one)) != set(map(str, other))
    ]


def varying(cells: Iterable[TrainingFacts]) -> list[str]:
    """The facts in which cells differ, except the selected step: ``optimizer steps (8 to 70)``."""
    known = list(cells)
    results = []
    for name, title in TITLES.items():
        sides = {tuple(map(str, getattr(one, name))) for one in known}
        values = list(dict.fromkeys(value for one in known for value in getattr(one, name)))
        if name != "chosen_step" and len(sides) > 1:
            results.append(f"{title} ({shown(values)})")
    return results


def shown(values: Sequence[Plain]) -> str:
    """``70``, for several numbers ``25 to 70``, for several words ``bf16, fp32``."""
    if not values:
        return "not recorded"
    numbers = [value for value in values if isinstance(value, (int, float))]
    if len(numbers) == len(values) > 1:
        return f"{min(numbers):,} to {max(numbers):,}"
    return ", ".join(f"{value:,}" if isinstance(value, int) else _in_words(str(value)) for value in values)


def _in_words(value: str) -> str:
    """``last: `f1` on dev was 0.1 in all 2 evaluations`` as ``no figure, so the last is kept (f1 on dev …)``."""
    why = value.removeprefix("last: ").replace("`", "")
    return why if why == value else f"no figure, so the last is kept ({why})"


def _facts(run: RunDir) -> dict[str, Plain]:
    try:
        record = run.read()
    except HallucError:
        return {}  # reported when the run's figures are needed
    newest = {event["event"]: event for event in logged_events(run, "started", "stopped")}
    started, stopped = newest.get("started", {}), newest.get("stopped", {})
    hardware, best = record.hardware, record.best or {}
    device = hardware.get("gpu") or f"{hardware.get('device', 'cpu')}, {hardware.get('machine', '')}".strip(", ")
    processes = hardware.get("processes") or 1
    return {
        "steps": stopped.get("step"),
        "chosen_step": best.get("step"),
        "examples": started.get("features"),
        "epochs": started.get("epochs"),
        "precision": hardware.get("precision") or started.get("precision"),
        "hardware": str(device) + (f", {processes} processes" if processes != 1 else "") if started else None,
        "chosen_by": best.get("chosen_by"),
    }


def logged_events(run: RunDir, *kinds: str) -> Iterator[dict[str, Any]]:
    """The events of these kinds in ``events.jsonl``, in order; none if the log cannot be read."""
    try:
        lines = read_regular(run.events).splitlines()
    except OSError:
        return
    marks = [f'"event": "{kind}"'.encode() for kind in kinds]
    for line in lines:
        if any(mark in line for mark in marks):
            try:
                event = json.loads(line)
            except (ValueError, RecursionError):
                continue  # truncated by a kill: the report of the run says so
            if isinstance(event, dict) and event.get("event") in kinds:
                yield event


@dataclass(frozen=True)
class TrainingSpeed:
    """Total optimizer steps, epochs and evaluations on dev, seconds per step and per evaluation (0 without one).

    ``is_resumed``: the training was interrupted, so that ``run.json`` has the duration of its last part only.
    """

    steps: int
    epochs: int
    evaluations: int
    step_seconds: float
    evaluation_seconds: float
    is_resumed: bool


def speed(run: RunDir) -> TrainingSpeed | None:
    """None if the log is missing, or has no step of a training."""
    started: dict[str, Any] = {}
    seconds: dict[str, list[float]] = {"step": [], "evaluated": []}
    for event in logged_events(run, "started", *seconds):
        if event["event"] == "started":
            started = event
        elif isinstance(event.get("seconds"), (int, float)):
            seconds[event["event"]].append(event["seconds"])
    steps, epochs = started.get("steps"), started.get("epochs")
    if not (isinstance(steps, int) and steps > 0 and isinstance(epochs, int) and epochs > 0 and seconds["step"]):
        return None
    evaluated = seconds["evaluated"]
    per_evaluation = fmean(evaluated) if evaluated else 0.0
    is_resumed = bool(started.get("resumed_step"))
    return TrainingSpeed(steps, epochs, len(evaluated), fmean(seconds["step"]), per_evaluation, is_resumed)
