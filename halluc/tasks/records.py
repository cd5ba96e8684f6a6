"""Parts of the lines that ``predict`` writes, of several tasks."""

from __future__ import annotations

from typing import Any, Self

from halluc.runs.schema import Novelty, Record
from halluc.task import Asserted


class TokenRange(Record):
    """Tokens ``start`` to ``end`` (half open), and their characters in the text, null where only tokens were given."""

    start: int
    end: int
    start_char: int | None
    end_char: int | None
    text: str


class AssertedLabel(Record):
    """A label that ``predict`` claims; ``novelty`` and ``confusable`` are null where training is not known."""

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
