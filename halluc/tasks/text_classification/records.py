"""The lines of text classification: ``predictions/<split>.jsonl``, and the output of ``predict``."""

from __future__ import annotations

from typing import Any

from pydantic import SerializerFunctionWrapHandler, model_serializer

from halluc.runs.schema import Prediction, Record
from halluc.tasks.records import AssertedLabel

# Keys that lines do not have if their value is null.
_OPTIONAL = ("group", "timestamp", "positive")


class LabelPrediction(Prediction):
    """The line of ``predictions/<split>.jsonl``; ``second`` is the first token of the second text of a pair.

    ``in_scope`` is the highest probability of a label, null if unknown. Without predicted labels the prediction is out
    of scope, unless texts may have several labels. A confidence is null if another tool does not state it. ``group``
    and ``timestamp`` are those of the data, and ``positive`` is the probability of ``task.ranking.positive``: these
    three keys are optional.
    """

    second: int | None = None
    gold: list[str]
    group: str | None = None
    timestamp: str | None = None
    predicted: list[tuple[str, float | None]]
    in_scope: float | None = None
    positive: float | None = None

    @model_serializer(mode="wrap")
    def _omit_absent(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        line: dict[str, Any] = handler(self)
        return {key: value for key, value in line.items() if value is not None or key not in _OPTIONAL}


class RetrievedAnswer(AssertedLabel):
    """An answer of a bank: its id as ``label``, and its text."""

    answer: str


class PredictedLabels(Record):
    """The output of ``predict`` for a text, or a pair of texts, in text classification.

    ``second`` is the first token of the second text of a pair. Without labels the prediction is ``out_of_scope``,
    unless texts may have several labels; null for a blank text. ``in_scope`` is the highest probability of a label,
    null if texts may have several.
    """

    id: str | int | float
    line: int
    text: str | None
    second_text: str | None
    tokens: list[str]
    second: int | None
    labels: list[RetrievedAnswer | AssertedLabel]
    out_of_scope: bool | None
    in_scope: float | None
