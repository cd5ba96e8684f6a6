"""The lines of token classification: ``predictions/<split>.jsonl``, and what ``predict`` writes."""

from __future__ import annotations

from halluc.runs.schema import Novelty, Prediction, Record


class SpanPrediction(Prediction):
    """The line of token classification; tags are raw IOB2. A confidence is null where another tool states none."""

    gold: list[tuple[int, int, str]]
    predicted: list[tuple[int, int, str, float | None]]
    gold_tags: list[str]
    predicted_tags: list[str]


class PredictedClaim(Record):
    """A claim that ``predict`` made about a text.

    ``start`` and ``end`` are tokens, ``start_char`` and ``end_char`` characters of the text, null where only tokens
    were given. ``novelty`` and ``confusable`` are null where the training split is not known.
    """

    start: int
    end: int
    start_char: int | None
    end_char: int | None
    text: str
    label: str
    confidence: float
    novelty: Novelty | None
    confusable: bool | None
    abstained: bool


class PredictedText(Record):
    """A line that ``predict`` writes, of token classification: one text; ``line`` is its first in the input."""

    id: str | int | float
    line: int
    text: str | None
    tokens: list[str]
    spans: list[PredictedClaim]
