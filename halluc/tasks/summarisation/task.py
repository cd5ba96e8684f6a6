"""Summarisation: a short text of a document or a dialogue, judged by it and by reference summaries."""

from __future__ import annotations

from typing import ClassVar

from halluc.config.section import Section
from halluc.tasks.defaults import TaskDefaults
from halluc.tasks.summarisation.config import SummarisationConfig
from halluc.tasks.summarisation.examples import DOCUMENT, SummarisationExamples
from halluc.tasks.summarisation.figures import SummaryFigures
from halluc.tasks.summarisation.wording import WORDING
from halluc.tasks.text_generation.judge import GenerationJudge
from halluc.tasks.text_generation.knowledge import WrittenKnowledge
from halluc.tasks.text_generation.model import GenerationModel

PROMPT = "Summarize the following text in one or two sentences.\n\n{document}\n\nSummary:"


class Summarisation(TaskDefaults):
    """Writes a short text of a document or a dialogue, judged by it and by reference summaries."""

    name: ClassVar[str] = "summarisation"
    head: ClassVar[tuple[str, ...]] = ("ForConditionalGeneration",)
    Config: ClassVar[type[Section]] = SummarisationConfig

    def __init__(self, config: SummarisationConfig) -> None:
        super().__init__(config)
        self.judge = GenerationJudge(config.claims, config.grounding)
        self.examples = SummarisationExamples(self.judge)
        self.model = GenerationModel(config, self.judge, (DOCUMENT,), PROMPT)
        self.figures = SummaryFigures()
        self.knowledge = WrittenKnowledge()
        self.wording = WORDING
