"""The answers of ``halluc serve``: Hugging Face has no task for relations, so the format is that of
text-classification."""

from __future__ import annotations

from halluc.runs.inference import InferenceSchema
from halluc.tasks.records import LabelAnswer, TopParameters
from halluc.tasks.relation_extraction.records import PredictedRelations


def _answers(record: PredictedRelations, asked: TopParameters) -> list[LabelAnswer]:
    return [LabelAnswer.of(one, label=one.label) for one in record.relations][: asked.top_k]


INFERENCE = InferenceSchema(LabelAnswer, _answers, TopParameters, nested=True)
