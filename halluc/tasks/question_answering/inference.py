"""The answers of ``halluc serve``, in the format of Hugging Face's task question-answering."""

from __future__ import annotations

from halluc.runs.inference import InferenceSchema
from halluc.tasks.question_answering.records import PredictedAnswer
from halluc.tasks.records import ScoredClaim, TopParameters


class SpanAnswer(ScoredClaim):
    """``start`` and ``end`` count characters of the context."""

    answer: str
    start: int
    end: int


def _answers(record: PredictedAnswer, asked: TopParameters) -> list[SpanAnswer]:
    results = [SpanAnswer.of(one, answer=one.text, start=one.start_char, end=one.end_char) for one in record.answers]
    return results[: asked.top_k]


INFERENCE = InferenceSchema(SpanAnswer, _answers, TopParameters, pair=("question", "context"))
