"""The keys of ``task.claims`` and ``task.grounding``: which claims a written text makes, and how sentences are
judged."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from halluc.config.bounds import DISTINCT, Reference, Share
from halluc.config.section import Section
from halluc.tasks.text_generation.grounding import ScorerName
from halluc.tasks.text_generation.statements import KINDS, StatementKind


class ClaimsConfig(Section):
    """What counts as a claim of a written text."""

    kinds: Annotated[list[StatementKind], Field(min_length=1, max_length=len(KINDS)), DISTINCT] = Field(
        default=list(KINDS),
        description="what counts as a claim: names, numbers, dates, quotations, sentences. Oscillatory and detached "
        "outputs are verdicts on sentences",
    )
    name_model: Reference | None = Field(
        default=None,
        description="a token classifier that finds the names, such as the folder `model` of a token classification "
        "run; null: rules",
    )


class GroundingConfig(Section):
    """How a sentence is compared with its evidence."""

    scorer: ScorerName = Field(
        default="combined",
        description="the score of a sentence: the share of its content words, bigrams and trigrams, longest common "
        "subsequence of words, or character 4-grams that is in the evidence; combined: the mean of these without "
        "n-grams, times the share of its names, numbers and dates in the evidence; entailment: the probability "
        "of the sequence-pair classifier `model`",
    )
    model: Reference | None = Field(
        default=None,
        description="for `scorer: entailment`: a sequence-pair classifier with a label `entailment`, a local path, "
        "`hub:NAME@REVISION` or `package:IMPORT_NAME/FOLDER`",
    )
    threshold: Share | None = Field(
        default=None,
        description="a sentence with a lower score is unsupported; null: the default of the scorer, fitted on human "
        "labels",
    )
    references: bool = Field(
        default=True,
        description="whether references are evidence. false: the evidence is only the input, and if it is in another "
        "language, sentences are unverifiable",
    )
    cross_lingual: bool = Field(
        default=False,
        description="whether `model` reads the languages of both source and output, so that sentences are compared "
        "with a source in another language instead of being unverifiable",
    )

    @model_validator(mode="after")
    def _a_model_goes_with_entailment(self) -> GroundingConfig:
        if (self.scorer == "entailment") != (self.model is not None):
            raise ValueError("`grounding.model` and `grounding.scorer: entailment` need each other")
        if self.cross_lingual and self.model is None:
            raise ValueError("`grounding.cross_lingual` needs `grounding.model`, which reads both languages")
        return self
