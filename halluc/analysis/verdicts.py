"""From predictions to a ledger, with a line for each claim and each omission (DEFINITIONS, section 1).

The task extracts claims and judges them; their novelty is looked up in the training knowledge.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy

from halluc.analysis import calibration
from halluc.core.claims import Claim, Judged, Mark, rounded
from halluc.gap.knowledge import TrainingKnowledge
from halluc.runs.records import read_lines
from halluc.runs.schema import ConfidenceFile, GoldMention, LedgerLine
from halluc.task import ExampleT, Predicted, PredictionT, Task


def verdicts(
    task: Task[ExampleT, PredictionT], examples: Sequence[ExampleT], predictions: Sequence[PredictionT]
) -> list[Judged]:
    """The judged claims of each example."""
    return [
        task.judge.judge(example, task.judge.claims(example, prediction))
        for example, prediction in zip(examples, predictions, strict=True)
    ]


def scores(predictions: Sequence[Predicted]) -> tuple[numpy.ndarray, numpy.ndarray, numpy.ndarray | None]:
    """The logits of all claims, (rows, outputs); for each row, (rows,), the number of its claim; and, (rows,), its
    claimed output, or None if predictions have no ``claimed``, so that the largest logit is claimed.

    A claim with fewer outputs than another has minus infinity for the missing ones.
    """
    parts = [part for prediction in predictions for part in prediction.scores]
    if not parts:
        return numpy.zeros((0, 1)), numpy.zeros(0, dtype=numpy.int64), None
    claim = numpy.repeat(numpy.arange(len(parts)), [len(part) for part in parts])
    claimed = [output for prediction in predictions for output in getattr(prediction, "claimed", ())]
    most = max(part.shape[1] for part in parts)
    parts = [
        part if part.shape[1] == most
        else numpy.pad(part, ((0, 0), (0, most - part.shape[1])), constant_values=-numpy.inf)
        for part in parts
    ]  # fmt: skip
    return numpy.concatenate(parts), claim, numpy.array(claimed) if claimed else None


def calibrated(predictions: Sequence[PredictionT], temperature: float) -> list[PredictionT]:
    """The predictions with their confidences at ``temperature``; their method ``scaled``, if any, is applied too."""
    if temperature == 1.0:
        return list(predictions)
    claims = sum(len(prediction.confidences) for prediction in predictions)
    rows, claim, claimed = scores(predictions)
    new = iter(calibration.confidences(rows, claim, claims, temperature, claimed).tolist())
    # The protocol cannot express that predictions are dataclasses.
    scaled = [
        replace(p, confidences=tuple(next(new) for _ in p.confidences)) for p in cast("Sequence[Any]", predictions)
    ]
    return [p.scaled(temperature) if hasattr(p, "scaled") else p for p in scaled]


def ledger_lines(
    judged: Sequence[Judged],
    gold: Iterable[Sequence[Claim]],
    knowledge: TrainingKnowledge | None,
    threshold: ConfidenceFile | float | None,
) -> list[LedgerLine]:
    """The claims of each example, then its omissions, in the order of the examples.

    Args:
        gold: the gold claims of each example.
        threshold: claims with less confidence are withdrawn.
    """
    look_up = getattr(knowledge, "look_up", None)
    if look_up is not None:  # faster than one claim after the other
        look_up(claim for one in judged for claim in (*one.claims, *one.omissions))
    withdraw = threshold if isinstance(threshold, ConfidenceFile) else ConfidenceFile(threshold=threshold)
    lines: list[LedgerLine] = []
    for one, gold_claims in zip(judged, gold, strict=True):
        marked = {claim.mark: claim for claim in gold_claims}
        lines += [_claim(claim, marked, knowledge, withdraw) for claim in one.claims]
        lines += [LedgerLine(record="omission", **_about(omission, knowledge)) for omission in one.omissions]
    return lines


def _claim(
    claim: Claim, marked: dict[Mark, Claim], knowledge: TrainingKnowledge | None, withdraw: ConfidenceFile
) -> LedgerLine:
    matched, touched = claim.evidence.matched, claim.evidence.touched
    around = sorted([*touched, *([matched] if matched else [])], key=_in_order)
    # The threshold is applied to the rounded value, which is in the file.
    confidence = rounded(claim.confidence)
    about = _about(claim, knowledge)
    return LedgerLine(
        record="claim",
        confidence=confidence,
        verdict=claim.verdict,
        reason=claim.reason,
        matched=matched,
        touched=list(touched),
        gold=[_mention(marked[mark], knowledge) for mark in around],
        abstained=withdraw.withdraws(confidence, claim.label, about.get("novelty")),
        **about,
    )


def _about(claim: Claim, knowledge: TrainingKnowledge | None) -> dict[str, Any]:
    """The fields that claims and omissions share."""
    start, end, _ = claim.mark
    place: dict[str, Any] = {"id": claim.example_id, "kind": claim.kind, "text": claim.text, "label": claim.label}
    place |= {"start": start, "end": end}
    if knowledge is None:
        return place
    return {
        **place,
        "novelty": knowledge.novelty(claim),
        "confusable": knowledge.is_confusable(claim),
        "nearest": knowledge.nearest(claim),
        "withheld": knowledge.is_withheld(claim),
    }


def _in_order(mark: Mark) -> tuple[int, int, str]:
    start, end, label = mark
    return start or 0, end or 0, label


def _mention(claim: Claim, knowledge: TrainingKnowledge | None) -> GoldMention:
    start, end, label = claim.mark
    return GoldMention(
        start=start,
        end=end,
        label=label,
        novelty=knowledge.novelty(claim) if knowledge else None,
        withheld=knowledge.is_withheld(claim) if knowledge else False,
    )


# The fields that omissions do not have.
_ONLY_CLAIMS = {"confidence", "verdict", "reason", "matched", "touched", "gold", "abstained"}


def ledger_record(line: LedgerLine) -> dict[str, object]:
    return line.model_dump(mode="json", exclude=_ONLY_CLAIMS if line.record == "omission" else None)


def read_ledger(path: Path) -> list[LedgerLine]:
    """A ledger file.

    Raises:
        HallucError R111: it is missing, or a line is incomplete; names the line.
    """
    return list(read_lines(path, LedgerLine, damaged="R111", what="a ledger", help="write it again with `halluc eval`"))
