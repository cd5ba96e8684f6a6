"""The ledger: every claim with its verdict and every omission, a line each (DEFINITIONS, section 1)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from halluc.core.claims import Claim, Judged, Mark, rounded
from halluc.runs.records import read_lines
from halluc.runs.schema import GoldMention, LedgerLine, Nearest, Novelty


class Knowledge(Protocol):
    """What the training split shows of a surface and its label (see ``gap``).

    ``label_counts`` is how often it shows each label, where figures are to be told by it.
    """

    @property
    def label_counts(self) -> Mapping[str, int] | None: ...

    def novelty(self, surface: str, label: str) -> Novelty: ...

    def is_confusable(self, surface: str, label: str) -> bool: ...

    def nearest(self, surface: str, label: str) -> Nearest | None: ...

    def is_withheld(self, surface: str, label: str) -> bool: ...


def lines(
    judged: Iterable[Judged], gold: Iterable[Sequence[Claim]], knowledge: Knowledge | None, threshold: float | None
) -> Iterator[LedgerLine]:
    """The claims of each example, then its omissions, in the order of the examples.

    Args:
        gold: the gold claims of each example. threshold: claims of less confidence are withdrawn.
    """
    for one, there in zip(judged, gold, strict=True):
        surfaces = {claim.mark: claim.text for claim in there}
        for claim in one.claims:
            yield _claim(claim, surfaces, knowledge, threshold)
        for omission in one.omissions:
            yield LedgerLine(record="omission", **_about(omission, knowledge))


def _claim(claim: Claim, surfaces: dict[Mark, str], knowledge: Knowledge | None, threshold: float | None) -> LedgerLine:
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
        gold=[_mention(mark, surfaces[mark], knowledge) for mark in around],
        abstained=abstained,
        **_about(claim, knowledge),
    )


def _about(claim: Claim, knowledge: Knowledge | None) -> dict[str, Any]:
    """What holds for claims and omissions alike: where, and what training showed of it."""
    where, text, label = claim.where, claim.text, claim.label
    place: dict[str, Any] = {"id": claim.example_id, "kind": claim.kind, "text": text, "label": label}
    place |= {"start": where.start if where else None, "end": where.end if where else None}
    if knowledge is None:
        return place
    return {
        **place,
        "novelty": knowledge.novelty(text, label),
        "confusable": knowledge.is_confusable(text, label),
        "nearest": knowledge.nearest(text, label),
        "withheld": knowledge.is_withheld(text, label),
    }


def _in_order(mark: Mark) -> tuple[int, int, str]:
    start, end, label = mark
    return start or 0, end or 0, label


def _mention(mark: Mark, text: str, knowledge: Knowledge | None) -> GoldMention:
    start, end, label = mark
    novelty = knowledge.novelty(text, label) if knowledge else None
    withheld = knowledge.is_withheld(text, label) if knowledge else False
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
    help = "write it anew with `halluc eval`"
    return list(read_lines(path, LedgerLine, damaged="R111", what="a ledger", help=help))
