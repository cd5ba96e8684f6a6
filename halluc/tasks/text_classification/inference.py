"""The answers of ``halluc serve``, in the format of Hugging Face's task text-classification."""

from __future__ import annotations

from halluc.runs.inference import InferenceSchema
from halluc.tasks.records import LabelAnswer, TopParameters
from halluc.tasks.text_classification.records import PredictedLabels, RetrievedAnswer


class StoredAnswer(LabelAnswer):
    """``answer`` is the text of an answer of a bank."""

    answer: str | None = None


def _answers(record: PredictedLabels, asked: TopParameters) -> list[StoredAnswer]:
    results = [
        StoredAnswer.of(one, label=one.label, answer=one.answer if isinstance(one, RetrievedAnswer) else None)
        for one in record.labels
    ]
    return sorted(results, key=lambda one: -one.score)[: asked.top_k]


INFERENCE = InferenceSchema(StoredAnswer, _answers, TopParameters, pair=("text", "text_pair"), nested=True)
