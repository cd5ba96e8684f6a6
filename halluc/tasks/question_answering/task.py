"""Question answering: the part of a text that answers a question, or that there is none."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from halluc.config.section import Section
from halluc.tasks.question_answering.claims import AnswerJudge
from halluc.tasks.question_answering.config import QuestionAnsweringConfig
from halluc.tasks.question_answering.examples import QuestionExamples
from halluc.tasks.question_answering.figures import AnswerFigures
from halluc.tasks.question_answering.knowledge import AnswerKnowledge
from halluc.tasks.question_answering.model import NAME, SETTINGS, ExtractiveReader
from halluc.tasks.question_answering.wording import WORDING


class QuestionAnswering:
    """Answers questions with a part of a text, or not at all where the text has no answer."""

    name: ClassVar[str] = NAME
    head: ClassVar[tuple[str, ...]] = ("ForQuestionAnswering",)
    Config: ClassVar[type[Section]] = QuestionAnsweringConfig

    def __init__(self, config: QuestionAnsweringConfig) -> None:
        self.config = config
        self.examples = QuestionExamples(config.augment_side)
        self.model = ExtractiveReader(config)
        self.judge = AnswerJudge(config.normalisation)
        self.figures = AnswerFigures(config.normalisation)
        self.knowledge = AnswerKnowledge()
        self.wording = WORDING

    @classmethod
    def settings_of(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        kept = config.get(NAME)
        return {key: kept[key] for key in SETTINGS if key in kept} if isinstance(kept, Mapping) else {}

    @classmethod
    def evaluated(cls, protocols: Collection[str]) -> QuestionAnswering:
        return cls(QuestionAnsweringConfig(type="question_answering"))
