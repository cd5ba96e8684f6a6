"""The lines of token classification: ``predictions/<split>.jsonl``, and what ``predict`` writes."""

from __future__ import annotations

from halluc.runs.schema import Prediction, Record
from halluc.tasks.records import AssertedLabel, TokenRange


class SpanPrediction(Prediction):
    """The line of token classification; tags are raw IOB2. A confidence is null if another tool does not state it."""

    gold: list[tuple[int, int, str]]
    predicted: list[tuple[int, int, str, float | None]]
    gold_tags: list[str]
    predicted_tags: list[str]


class PredictedClaim(AssertedLabel, TokenRange):
    """A claim that ``predict`` made about a text. The fields of the last base come first in a line."""


class PredictedText(Record):
    """A line of ``predict`` in token classification: one text; ``line`` is its first line in the input."""

    id: str | int | float
    line: int
    text: str | None
    tokens: list[str]
    spans: list[PredictedClaim]
