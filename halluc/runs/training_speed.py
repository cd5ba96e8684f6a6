"""The training speed of a run, from ``events.jsonl``."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean
from typing import Any

from halluc.runs.directory import RunDir
from halluc.runs.training_facts import logged_events


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
    return TrainingSpeed(
        steps,
        epochs,
        len(evaluated),
        fmean(seconds["step"]),
        fmean(evaluated) if evaluated else 0.0,
        bool(started.get("resumed_step")),
    )
