"""The example of summarisation: a document and its reference summaries."""

from __future__ import annotations

from typing import Any, ClassVar

from halluc.runs.inference import InferenceSchema
from halluc.tasks.text_generation.examples import (
    GenerationExamples,
    WrittenAnswer,
    inference_schema,
    language_of_record,
    record_targets,
)
from halluc.tasks.text_generation.source_text import Sourced

DOCUMENT, SUMMARY = "document", "summary"


class SummaryAnswer(WrittenAnswer):
    summary_text: str


class SummarisationExamples(GenerationExamples):
    """The input has one part, ``document``: prose, or a dialogue with its speakers."""

    inference: ClassVar[InferenceSchema] = inference_schema(SummaryAnswer, "summary_text")

    part: ClassVar[str] = DOCUMENT

    def record(self, example: Sourced) -> dict[str, Any]:
        return {
            "id": example.id,
            "tokens": list(example.tokens),
            DOCUMENT: example.full_text,
            SUMMARY: record_targets(example.targets),
            **language_of_record(example),
        }
