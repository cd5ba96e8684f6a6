"""From predictions to a ledger: the task states claims, its detectors judge them, the training split is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy

from halluc.analysis import calibration, ledger
from halluc.core.claims import Judged
from halluc.runs.schema import LedgerLine
from halluc.task import AnyTask, TrainingKnowledge


def verdicts(task: AnyTask, examples: Sequence[Any], predictions: Sequence[Any]) -> list[Judged]:
    """The judged claims of each example."""
    pairs = zip(examples, predictions, strict=True)
    return [task.judge.judge(example, task.judge.claims(example, prediction)) for example, prediction in pairs]


def ledger_lines(
    task: AnyTask,
    examples: Sequence[Any],
    judged: Sequence[Judged],
    knowledge: TrainingKnowledge | None,
    threshold: float | None,
) -> list[LedgerLine]:
    return list(ledger.lines(judged, map(task.judge.gold, examples), knowledge, threshold))


def scores(predictions: Sequence[Any]) -> tuple[numpy.ndarray, numpy.ndarray, numpy.ndarray | None]:
    """The logits behind all claims, (rows, classes), the claim that each row belongs to, and the class that is claimed
    there, both (rows,); None where this is the largest, which it is unless predictions say otherwise in ``claimed``."""
    parts = [part for prediction in predictions for part in prediction.scores]
    if not parts:
        return numpy.zeros((0, 1)), numpy.zeros(0, dtype=numpy.int64), None
    claim = numpy.repeat(numpy.arange(len(parts)), [len(part) for part in parts])
    told = [place for prediction in predictions for place in getattr(prediction, "claimed", ())]
    return numpy.concatenate(parts), claim, numpy.array(told) if told else None


def calibrated(predictions: Sequence[Any], temperature: float) -> list[Any]:
    """The same predictions with the confidences that their scores have at ``temperature``, and with whatever else they
    scale themselves."""
    if temperature == 1.0:
        return list(predictions)
    claims = sum(len(prediction.confidences) for prediction in predictions)
    rows, claim, claimed = scores(predictions)
    new = iter(calibration.confidences(rows, claim, claims, temperature, claimed).tolist())
    found = [replace(p, confidences=tuple(next(new) for _ in p.confidences)) for p in predictions]
    return [p.scaled(temperature) if hasattr(p, "scaled") else p for p in found]
