"""The answers of ``halluc serve``, in the format of Hugging Face's task token-classification."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from halluc.runs.inference import InferenceSchema
from halluc.runs.schema import Record
from halluc.tasks.records import ScoredClaim
from halluc.tasks.token_classification.records import PredictedText


class SpanParameters(Record):
    aggregation_strategy: Literal["simple"] | None = Field(None, description="Spans are always whole mentions.")
    ignore_labels: list[str] = Field([], description="Labels that are not returned.")


class MentionAnswer(ScoredClaim):
    """``start`` and ``end`` count characters of the input; both are null if the input has only tokens."""

    entity_group: str
    word: str
    start: int | None
    end: int | None


def _answers(record: PredictedText, asked: SpanParameters) -> list[MentionAnswer]:
    return [
        MentionAnswer.of(one, entity_group=one.label, word=one.text, start=one.start_char, end=one.end_char)
        for one in record.spans
        if one.label not in asked.ignore_labels
    ]


INFERENCE = InferenceSchema(MentionAnswer, _answers, SpanParameters)
