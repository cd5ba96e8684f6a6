"""Parts of the output of ``predict`` and ``serve`` that several tasks share."""

from __future__ import annotations

from typing import Any, Self

from pydantic import Field

from halluc.runs.schema import Novelty, Record
from halluc.task import Asserted


class TokenRange(Record):
    """Tokens ``start`` to ``end`` (half open), and their characters in the text, null if only tokens were given."""

    start: int
    end: int
    start_char: int | None
    end_char: int | None
    text: str


class AssertedLabel(Record):
    """A label that ``predict`` claims; ``novelty`` and ``confusable`` are null without coverage of training data."""

    label: str
    confidence: float
    novelty: Novelty | None
    confusable: bool | None
    abstained: bool

    @classmethod
    def of(cls, asserted: Asserted, **place: Any) -> Self:
        """
        Args:
            place: the other fields of a subclass.
        """
        claim = asserted.claim
        assert claim.confidence is not None, "a model states a confidence"
        return cls(
            label=claim.label,
            confidence=round(claim.confidence, 6),
            novelty=asserted.novelty,
            confusable=asserted.confusable,
            abstained=asserted.abstained,
            **place,
        )


class ScoredClaim(Record):
    """A claim in a response of ``halluc serve``: ``score``, as in Hugging Face's format, is the confidence."""

    score: float
    confidence: float
    novelty: Novelty | None
    confusable: bool | None
    abstained: bool

    @classmethod
    def of(cls, claim: AssertedLabel, **own: Any) -> Self:
        """
        Args:
            own: the other fields of a subclass.
        """
        shared = claim.model_dump(include={"confidence", "novelty", "confusable", "abstained"})
        return cls(score=claim.confidence, **shared, **own)


class LabelAnswer(ScoredClaim):
    """A label of a whole input."""

    label: str


class TopParameters(Record):
    top_k: int | None = Field(None, ge=1, le=1_000_000, description="The most answers, by confidence.")
