"""The lines of token classification: ``predictions/<split>.jsonl``, and the output of ``predict``."""

from __future__ import annotations

from halluc.runs.schema import Prediction, Record
from halluc.tasks.records import AssertedLabel, TokenRange


class SpanPrediction(Prediction):
    """The line of ``predictions/<split>.jsonl``; tags are raw IOB2. A confidence is null if another
    tool does not state it.
    """

    gold: list[tuple[int, int, str]]
    predicted: list[tuple[int, int, str, float | None]]
    gold_tags: list[str]
    predicted_tags: list[str]


class PredictedClaim(AssertedLabel, TokenRange):
    """A claim about a span; in a line, the fields of the last base come first."""


class PredictedText(Record):
    """A line of ``predict`` in token classification: one text; ``line`` is its first line in the input."""

    id: str | int | float
    line: int
    text: str | None
    tokens: list[str]
    spans: list[PredictedClaim]
