"""The training curves, from ``events.jsonl``."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from halluc.core.errors import HallucError, Location
from halluc.core.files import open_regular
from halluc.runs.reports import Curves
from halluc.runs.schema import RunFile

MOST_POINTS = 200
# The start of every logged line: if a killed training left an incomplete line, the next one follows it directly.
_BEGINNING = b'{"time": '
_HELP = "restore it, or remove it: the report then has no training curves"


class _LoggedStep(BaseModel):
    """The part of an event ``step`` that is drawn; ``loss`` is null if it was not finite."""

    step: int
    loss: float | None = None
    features: int | None = None
    seconds: float | None = None


class _LoggedEvaluation(BaseModel):
    step: int
    metrics: dict[str, float | None]
    best: bool = False


class _LoggedStart(BaseModel):
    resumed_step: int
    epochs: int | None = None


class _LoggedEnd(BaseModel):
    reason: str | None = None


class TrainingCurves:
    """The events of a training, where resumptions replace the events that they repeat."""

    def __init__(self) -> None:
        self.steps: dict[int, _LoggedStep] = {}
        self.evaluated: dict[int, _LoggedEvaluation] = {}
        self.started: _LoggedStart | None = None
        self.stopped: _LoggedEnd | None = None

    def add(self, event: dict[str, Any]) -> None:
        """
        Raises:
            ValidationError: the event lacks a value, or has one of the wrong type.
        """
        kind = event.get("event")
        if kind == "started":
            self.started, self.stopped = _LoggedStart.model_validate(event), None
            # Everything after the step that it resumes from is repeated, or was never completed.
            last = self.started.resumed_step
            self.steps = {step: one for step, one in self.steps.items() if step <= last}
            self.evaluated = {step: one for step, one in self.evaluated.items() if step <= last}
        elif kind == "step":
            step = _LoggedStep.model_validate(event)
            self.steps[step.step] = step
        elif kind == "evaluated":
            evaluated = _LoggedEvaluation.model_validate(event)
            self.evaluated[evaluated.step] = evaluated
        elif kind == "stopped":
            self.stopped = _LoggedEnd.model_validate(event)


def curves(path: Path, record: RunFile) -> tuple[Curves | None, list[str]]:
    """The logged course of a training, and notes about the log; None if nothing was logged.

    Raises:
        FileNotFoundError: there is no log. HallucError R101: a line in it, other than the last, is damaged.
    """
    training, notes = TrainingCurves(), []
    for number, event in _events(path):
        if event is None:
            notes.append(f"Line {number} of {path.name} is truncated: training was killed while it was written.")
            continue
        try:
            training.add(event)
        except ValidationError:
            raise _damage_error(path, number) from None
    if not training.steps:
        return None, [*notes, f"{path.name} has no training steps."]
    return _curves(training, record), notes


def _events(path: Path) -> Iterator[tuple[int, dict[str, Any] | None]]:
    """(line, event) of each line; None for an incomplete line of a killed training."""
    with open_regular(path) as file:
        damaged = 0
        for number, line in enumerate(file, 1):
            if damaged:
                raise _damage_error(path, damaged)
            if line.isspace():
                continue
            event = _object(line)
            begins = line.rfind(_BEGINNING)
            if event is None and begins > 0:  # the rest after an incomplete line
                yield number, None
                event = _object(line[begins:])
            if event is None:
                damaged = number
            else:
                yield number, event
        if damaged:
            yield damaged, None


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        result = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return result if isinstance(result, dict) else None


def _damage_error(path: Path, number: int) -> HallucError:
    return HallucError("R101", "not a line of a training's log", Location(str(path), number), _HELP)


def _curves(training: TrainingCurves, record: RunFile) -> Curves:
    best = record.best or {}
    steps = [training.steps[step] for step in sorted(training.steps)]
    return Curves(
        loss=thin_points([(one.step, one.loss) for one in steps if one.loss is not None and math.isfinite(one.loss)]),
        dev=_dev(training),
        best_step=best.get(
            "step", max((step for step, event in training.evaluated.items() if event.best), default=None)
        ),
        chosen_by=best.get("chosen_by") if best.get("dev") else None,  # otherwise the last checkpoint was kept
        steps=steps[-1].step,
        epochs=training.started.epochs if training.started else None,
        features=sum(one.features or 0 for one in steps) or None,
        seconds=round(sum(one.seconds or 0.0 for one in steps), 2) or None,
        stopped=training.stopped.reason if training.stopped else None,
    )


def _dev(training: TrainingCurves) -> dict[str, list[tuple[int, float]]]:
    result: dict[str, list[tuple[int, float]]] = {}
    for step in sorted(training.evaluated):
        for name, value in training.evaluated[step].metrics.items():
            if value is not None and math.isfinite(value):
                result.setdefault(name, []).append((step, value))
    return result


def thin_points(points: list[tuple[int, float]], most: int = MOST_POINTS) -> list[tuple[int, float]]:
    """At most this many points: the mean of each group of neighbours, at the last of their steps."""
    width = math.ceil(len(points) / most) or 1
    groups = [points[at : at + width] for at in range(0, len(points), width)]
    return [(group[-1][0], sum(loss for _, loss in group) / len(group)) for group in groups]
