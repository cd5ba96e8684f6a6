"""Translation: a text in another language, judged by its source and by reference translations."""

from __future__ import annotations

from typing import ClassVar

from halluc.config.section import Section
from halluc.tasks.defaults import TaskDefaults
from halluc.tasks.text_generation.judge import EvidenceRule, GenerationJudge
from halluc.tasks.text_generation.knowledge import WrittenKnowledge
from halluc.tasks.translation.config import TranslationConfig
from halluc.tasks.translation.examples import TranslationExamples
from halluc.tasks.translation.figures import TranslationFigures
from halluc.tasks.translation.model import TranslationModel
from halluc.tasks.translation.wording import WORDING


class Translation(TaskDefaults):
    """Writes a text in another language, judged by its source and by reference translations."""

    name: ClassVar[str] = "translation"
    head: ClassVar[tuple[str, ...]] = ("ForConditionalGeneration",)
    Config: ClassVar[type[Section]] = TranslationConfig

    def __init__(self, config: TranslationConfig) -> None:
        super().__init__(config)
        self.judge = GenerationJudge(config.claims, config.grounding, EvidenceRule(is_same_language=False))
        self.examples = TranslationExamples(self.judge)
        self.model = TranslationModel(config, self.judge, ("source",), "{source}\n")
        self.model.perturbation = config.perturbation
        self.figures = TranslationFigures()
        self.knowledge = WrittenKnowledge()
        self.wording = WORDING
