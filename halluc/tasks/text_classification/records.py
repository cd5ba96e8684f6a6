"""The lines of text classification: ``predictions/<split>.jsonl``, and what ``predict`` writes."""

from __future__ import annotations

from typing import Any

from pydantic import SerializerFunctionWrapHandler, model_serializer

from halluc.runs.schema import Prediction, Record
from halluc.tasks.records import AssertedLabel

# Keys that are missing in the lines of most data.
_OPTIONAL = ("group", "timestamp", "positive")


class LabelPrediction(Prediction):
    """The line of text classification; ``second`` is the first token of the second text of a pair.

    ``in_scope`` is the highest probability of a label, null if unknown. Without a predicted label the text is predicted
    to be out of scope or, if a text may have several labels, to have none. A confidence is null if another tool does
    not state it. ``group`` and ``timestamp`` are those of the data, and ``positive`` is the probability of
    ``task.ranking.positive``: all three are left out if there is none.
    """

    second: int | None = None
    gold: list[str]
    group: str | None = None
    timestamp: str | None = None
    predicted: list[tuple[str, float | None]]
    in_scope: float | None = None
    positive: float | None = None

    @model_serializer(mode="wrap")
    def _without_absent(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        made: dict[str, Any] = handler(self)
        return {key: value for key, value in made.items() if value is not None or key not in _OPTIONAL}


class RetrievedAnswer(AssertedLabel):
    """An answer of a bank: its id as ``label``, and its text."""

    answer: str


class PredictedLabels(Record):
    """The output of ``predict`` for a text, or a pair of texts, in text classification.

    ``second`` is the first token of the second text of a pair. Without a label the text is predicted to be out of scope
    (``out_of_scope``) or, if a text may have several labels, to have none; for a blank text there is no prediction
    (null). ``in_scope`` is the highest probability of a label, null if a text may have several.
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
