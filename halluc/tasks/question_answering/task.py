"""Question answering: the part of a text that answers a question, or that there is none."""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar

from halluc.config.section import Section
from halluc.tasks.defaults import TaskDefaults
from halluc.tasks.question_answering.claims import AnswerJudge
from halluc.tasks.question_answering.config import QuestionAnsweringConfig
from halluc.tasks.question_answering.examples import QuestionExamples
from halluc.tasks.question_answering.figures import PROTOCOLS, AnswerFigures
from halluc.tasks.question_answering.knowledge import AnswerKnowledge
from halluc.tasks.question_answering.model import NAME, SETTINGS, ExtractiveReader
from halluc.tasks.question_answering.wording import WORDING


class QuestionAnswering(TaskDefaults):
    """Answers questions with a part of a text, or not at all if the text has no answer."""

    name: ClassVar[str] = NAME
    head: ClassVar[tuple[str, ...]] = ("ForQuestionAnswering",)
    Config: ClassVar[type[Section]] = QuestionAnsweringConfig
    saved_keys: ClassVar[tuple[str, ...]] = SETTINGS

    @classmethod
    def evaluated(cls, protocols: Collection[str]) -> QuestionAnswering:
        forms = [form for form, protocol in PROTOCOLS.items() if protocol in protocols]
        return cls(QuestionAnsweringConfig(type="question_answering", normalisation=forms[0] if forms else "auto"))

    def __init__(self, config: QuestionAnsweringConfig) -> None:
        super().__init__(config)
        self.examples = QuestionExamples(config.augment_side)
        self.model = ExtractiveReader(config)
        self.judge = AnswerJudge(config.normalisation)
        self.figures = AnswerFigures(config.normalisation)
        self.knowledge = AnswerKnowledge()
        self.wording = WORDING
