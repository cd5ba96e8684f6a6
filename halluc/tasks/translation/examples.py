"""The example of translation: a source text and its reference translations."""

from __future__ import annotations

from typing import Any, ClassVar

from halluc.runs.inference import InferenceSchema
from halluc.tasks.text_generation.examples import GenerationExamples, WrittenAnswer, inference_schema
from halluc.tasks.text_generation.source_text import Sourced

# The fields of several references, and of languages.
TARGETS, LANGUAGES = "targets", ("source_language", "target_language")


class TranslationAnswer(WrittenAnswer):
    translation_text: str


class TranslationExamples(GenerationExamples):
    """The input has one part, ``source``."""

    inference: ClassVar[InferenceSchema] = inference_schema(TranslationAnswer, "translation_text")

    def record(self, example: Sourced) -> dict[str, Any]:
        several = {TARGETS: list(example.targets)} if len(example.targets) > 1 else {}
        languages = zip(LANGUAGES, (example.source_language, example.language), strict=True)
        return {
            "id": example.id,
            "tokens": list(example.tokens),
            "source": example.full_text,
            "target": example.targets[0] if example.targets else None,
            **several,
            **{key: language for key, language in languages if language},
        }
