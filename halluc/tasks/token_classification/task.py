"""Token classification: labelled spans of tokens, as in named-entity recognition."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from halluc.config.section import Section
from halluc.tasks.token_classification.claims import SpanJudge
from halluc.tasks.token_classification.config import TokenClassificationConfig
from halluc.tasks.token_classification.examples import SentenceExamples
from halluc.tasks.token_classification.figures import Tagging
from halluc.tasks.token_classification.knowledge import MentionKnowledge
from halluc.tasks.token_classification.model import Tagger
from halluc.tasks.token_classification.wording import WORDING


class TokenClassification:
    """Labels spans of tokens: named-entity recognition and its kin."""

    name: ClassVar[str] = "token_classification"
    head: ClassVar[tuple[str, ...]] = ("ForTokenClassification",)
    Config: ClassVar[type[Section]] = TokenClassificationConfig

    def __init__(self, config: TokenClassificationConfig) -> None:
        self.config = config
        self.examples = SentenceExamples()
        self.model = Tagger(config)
        self.judge = SpanJudge()
        self.figures = Tagging()
        self.knowledge = MentionKnowledge()
        self.wording = WORDING

    @classmethod
    def settings_of(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        return {}

    @classmethod
    def evaluated(cls, protocols: Collection[str]) -> TokenClassification:
        return cls(TokenClassificationConfig(type="token_classification"))
