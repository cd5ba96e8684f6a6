"""The ledger: every claim with its verdict and every omission, a line each (DEFINITIONS, section 1)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from halluc.core.claims import Claim, Judged, Mark, rounded
from halluc.runs.records import read_lines
from halluc.runs.schema import GoldMention, LedgerLine
from halluc.task import TrainingKnowledge


def lines(
    judged: Iterable[Judged],
    gold: Iterable[Sequence[Claim]],
    knowledge: TrainingKnowledge | None,
    threshold: float | None,
) -> Iterator[LedgerLine]:
    """The claims of each example, then its omissions, in the order of the examples.

    Args:
        gold: the gold claims of each example. threshold: claims of less confidence are withdrawn.
    """
    for one, there in zip(judged, gold, strict=True):
        marked = {claim.mark: claim for claim in there}
        for claim in one.claims:
            yield _claim(claim, marked, knowledge, threshold)
        for omission in one.omissions:
            yield LedgerLine(record="omission", **_about(omission, knowledge))


def _claim(
    claim: Claim, marked: dict[Mark, Claim], knowledge: TrainingKnowledge | None, threshold: float | None
) -> LedgerLine:
    matched, touched = claim.evidence.matched, claim.evidence.touched
    around = sorted([*touched, *([matched] if matched else [])], key=_in_order)
    # Rounded first, so that the file itself says which claims a threshold withdraws.
    confidence = rounded(claim.confidence)
    abstained = threshold is not None and confidence is not None and confidence < threshold
    return LedgerLine(
        record="claim",
        confidence=confidence,
        verdict=claim.verdict,
        reason=claim.reason,
        matched=matched,
        touched=list(touched),
        gold=[_mention(marked[mark], knowledge) for mark in around],
        abstained=abstained,
        **_about(claim, knowledge),
    )


def _about(claim: Claim, knowledge: TrainingKnowledge | None) -> dict[str, Any]:
    """What holds for claims and omissions alike: where, and what training showed of it."""
    where, text, label = claim.where, claim.text, claim.label
    place: dict[str, Any] = {"id": claim.example_id, "kind": claim.kind, "text": text, "label": label}
    place |= {"start": where.start if where else None, "end": where.end if where else None}
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
    novelty = knowledge.novelty(claim) if knowledge else None
    withheld = knowledge.is_withheld(claim) if knowledge else False
    return GoldMention(start=start, end=end, label=label, novelty=novelty, withheld=withheld)


# An omission lacks what only a claim has.
_ONLY_CLAIMS = {"confidence", "verdict", "reason", "matched", "touched", "gold", "abstained"}


def as_record(line: LedgerLine) -> dict[str, object]:
    """The JSON object of one line."""
    return line.model_dump(mode="json", exclude=_ONLY_CLAIMS if line.record == "omission" else None)


def read(path: Path) -> list[LedgerLine]:
    """A ledger file.

    Raises:
        HallucError R111: it is absent, or a line is not whole; names the line.
    """
    return list(read_lines(path, LedgerLine, damaged="R111", what="a ledger", help="write it anew with `halluc eval`"))
