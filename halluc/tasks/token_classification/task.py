"""Token classification: labelled spans of tokens, as in named-entity recognition."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from halluc.config.evaluation import EvalConfig
from halluc.config.section import Section
from halluc.core.errors import HallucError
from halluc.core.examples import Corpus
from halluc.tasks.defaults import SurfacesOfTraining, TaskDefaults
from halluc.tasks.token_classification.claims import SpanJudge
from halluc.tasks.token_classification.config import TokenClassificationConfig
from halluc.tasks.token_classification.examples import SentenceExamples
from halluc.tasks.token_classification.figures import Tagging
from halluc.tasks.token_classification.model import Tagger
from halluc.tasks.token_classification.tagged_sentence import Tagged
from halluc.tasks.token_classification.wording import WORDING


class TokenClassification(TaskDefaults):
    """Labels spans of tokens: named-entity recognition and its kin."""

    name: ClassVar[str] = "token_classification"
    head: ClassVar[tuple[str, ...]] = ("ForTokenClassification",)
    Config: ClassVar[type[Section]] = TokenClassificationConfig
    saved_keys: ClassVar[tuple[str, ...]] = ("context", "head", "casing")

    def __init__(self, config: TokenClassificationConfig) -> None:
        super().__init__(config)
        self.examples = SentenceExamples()
        self.model = Tagger(config)
        self.judge = SpanJudge()
        self.figures = Tagging()
        self.knowledge = SurfacesOfTraining()
        self.wording = WORDING

    def refuse_unfit(self, corpora: Iterable[Corpus[Tagged]], settings: EvalConfig) -> None:
        """
        Raises:
            HallucError C107: the config asks for documents, and a split does not have them.
        """
        context, consistency = self.config.context, settings.consistency
        for corpus in corpora:
            key = f"task.context: {context}" if context is not None else None
            if key is None and consistency != "none" and corpus.split != "train":
                key = f"eval.consistency: {consistency}"
            if key is not None and not any(example.origin.document for example in corpus):
                help = (
                    "set `data.document_field`, or put a `-DOCSTART-` line before each document of a conll file; "
                    "without documents, remove the key"
                )
                raise HallucError("C107", f"`{key}` needs documents, but {corpus.source} has none", help=help)
