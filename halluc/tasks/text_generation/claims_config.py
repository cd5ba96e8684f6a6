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
        description="what is taken as a claim: names, numbers, dates, quotations, sentences. That an output is "
        "oscillatory or detached is said of its sentences",
    )
    name_model: Reference | None = Field(
        default=None,
        description="a trained token classifier, such as the folder `model` in a run of token classification, whose "
        "spans are the names; null: rules find them",
    )


class GroundingConfig(Section):
    """How a sentence is compared with its evidence."""

    scorer: ScorerName = Field(
        default="combined",
        description="how much of a sentence the evidence has: its content words, its 2- and 3-grams, the longest "
        "common subsequence of words, or its character 4-grams; combined: the mean of these but the n-grams, times "
        "the share of the names, numbers and dates that the evidence states; entailment: the probability of the "
        "sequence-pair classifier `model`",
    )
    model: Reference | None = Field(
        default=None,
        description="for `scorer: entailment`: a sequence-pair classifier with a label `entailment`, a local path, "
        "`hub:NAME@REVISION` or `package:IMPORT_NAME/FOLDER`",
    )
    threshold: Share | None = Field(
        default=None,
        description="a sentence with a lower score is unsupported; null: the scorer's own, fitted on human labels",
    )
    references: bool = Field(
        default=True,
        description="what a reference says is supported too. false: evidence is the input alone, and where it is in "
        "another language sentences are unverifiable",
    )
    cross_lingual: bool = Field(
        default=False,
        description="`model` reads the languages of both source and output: sentences are judged by a source in "
        "another language too, instead of being unverifiable",
    )

    @model_validator(mode="after")
    def _a_model_goes_with_entailment(self) -> GroundingConfig:
        if (self.scorer == "entailment") != (self.model is not None):
            raise ValueError("`grounding.model` and `grounding.scorer: entailment` need each other")
        if self.cross_lingual and self.model is None:
            raise ValueError("`grounding.cross_lingual` needs `grounding.model`, which reads both languages")
        return self
