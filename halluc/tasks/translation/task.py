"""Translation: a text in another language, judged by its source and by reference translations."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from halluc.config.schema import Section
from halluc.tasks.text_generation.judge import EvidenceRule, GenerationJudge
from halluc.tasks.text_generation.knowledge import WrittenKnowledge
from halluc.tasks.text_generation.model import GenerationModel
from halluc.tasks.translation.config import TranslationConfig
from halluc.tasks.translation.examples import TranslationExamples
from halluc.tasks.translation.figures import TranslationFigures
from halluc.tasks.translation.wording import WORDING


class Translation:
    """Writes a text in another language, judged by its source and by reference translations."""

    name: ClassVar[str] = "translation"
    head: ClassVar[str | tuple[str, ...]] = "ForConditionalGeneration"
    Config: ClassVar[type[Section]] = TranslationConfig

    def __init__(self, config: TranslationConfig) -> None:
        self.config = config
        self.judge = GenerationJudge(config.claims, config.grounding, EvidenceRule(is_same_language=False))
        self.examples = TranslationExamples(self.judge)
        self.model = GenerationModel(config, self.judge, ("source",), "{source}\n")
        self.figures = TranslationFigures()
        self.knowledge = WrittenKnowledge()
        self.wording = WORDING

    @classmethod
    def settings_of(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        return {}

    @classmethod
    def evaluated(cls, protocols: Collection[str]) -> Translation:
        return cls(TranslationConfig(type="translation"))
