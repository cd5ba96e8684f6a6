"""From predictions to a ledger: the task states claims and judges them, the training split is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import numpy

from halluc.analysis import calibration, ledger
from halluc.core.claims import Judged
from halluc.runs.schema import LedgerLine
from halluc.task import ExampleT, Predicted, PredictionT, Task, TrainingKnowledge


def verdicts(
    task: Task[ExampleT, PredictionT], examples: Sequence[ExampleT], predictions: Sequence[PredictionT]
) -> list[Judged]:
    """The judged claims of each example."""
    pairs = zip(examples, predictions, strict=True)
    return [task.judge.judge(example, task.judge.claims(example, prediction)) for example, prediction in pairs]


def ledger_lines(
    task: Task[ExampleT, PredictionT],
    examples: Sequence[ExampleT],
    judged: Sequence[Judged],
    knowledge: TrainingKnowledge | None,
    threshold: float | None,
) -> list[LedgerLine]:
    return list(ledger.lines(judged, map(task.judge.gold, examples), knowledge, threshold))


def scores(predictions: Sequence[Predicted]) -> tuple[numpy.ndarray, numpy.ndarray, numpy.ndarray | None]:
    """The logits behind all claims, (rows, outputs), the claim that each row belongs to, and the output that is claimed
    there, both (rows,); None where this is the largest, which it is unless predictions say otherwise in ``claimed``.

    A claim of fewer outputs than another has minus infinity for those that it lacks.
    """
    parts = [part for prediction in predictions for part in prediction.scores]
    if not parts:
        return numpy.zeros((0, 1)), numpy.zeros(0, dtype=numpy.int64), None
    claim = numpy.repeat(numpy.arange(len(parts)), [len(part) for part in parts])
    told = [place for prediction in predictions for place in getattr(prediction, "claimed", ())]
    most = max(part.shape[1] for part in parts)
    rows = [part if part.shape[1] == most else _widened(part, most) for part in parts]
    return numpy.concatenate(rows), claim, numpy.array(told) if told else None


def _widened(rows: numpy.ndarray, outputs: int) -> numpy.ndarray:
    return numpy.pad(rows, ((0, 0), (0, outputs - rows.shape[1])), constant_values=-numpy.inf)


def calibrated(predictions: Sequence[PredictionT], temperature: float) -> list[PredictionT]:
    """The same predictions with the confidences that their scores have at ``temperature``, and with whatever else they
    scale themselves."""
    if temperature == 1.0:
        return list(predictions)
    claims = sum(len(prediction.confidences) for prediction in predictions)
    rows, claim, claimed = scores(predictions)
    new = iter(calibration.confidences(rows, claim, claims, temperature, claimed).tolist())
    # Predictions are dataclasses, which their protocol cannot say.
    found = [
        replace(p, confidences=tuple(next(new) for _ in p.confidences)) for p in cast("Sequence[Any]", predictions)
    ]
    return [p.scaled(temperature) if hasattr(p, "scaled") else p for p in found]
