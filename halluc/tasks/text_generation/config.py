"""The keys of ``task`` shared by all tasks whose model writes a text."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from halluc.config.models import LowRankConfig
from halluc.config.section import DISTINCT, Reference, Section, Share
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
    def _entailment_requires_a_model(self) -> GroundingConfig:
        if (self.scorer == "entailment") != (self.model is not None):
            raise ValueError("`grounding.model` and `grounding.scorer: entailment` need each other")
        if self.cross_lingual and self.model is None:
            raise ValueError("`grounding.cross_lingual` needs `grounding.model`, which reads both languages")
        return self


MOST_TOKENS = 100_000


class DecodingConfig(Section):
    """How a text is decoded, both in ``eval`` (also during training) and in ``predict``."""

    strategy: Literal["beam", "greedy", "sampling"] = Field(
        default="beam", description="beam search, greedy search, or sampling from the model's distribution"
    )
    beams: int = Field(default=4, ge=1, le=64, description="number of beams of beam search")
    length_penalty: float = Field(
        default=1.0,
        ge=-10,
        le=10,
        description="beam search divides the log-probability of a hypothesis by its length to this power: above 1 "
        "favours longer texts",
    )
    no_repeat_ngrams: int = Field(
        default=0,
        ge=0,
        le=100,
        description="n-grams of this size are not repeated in the output; 0: no limit. A name of this many pieces then "
        "occurs once at most. Not used in sampling",
    )
    max_new_tokens: int = Field(
        default=128,
        ge=1,
        le=MOST_TOKENS,
        description="maximum number of generated tokens; longer texts are cut and counted",
    )
    temperature: float = Field(
        default=1.0, ge=0.05, le=10, description="temperature of sampling: below 1 texts are less diverse"
    )
    top_k: int = Field(
        default=0, ge=0, le=1_000_000, description="sample only from this many most probable tokens; 0: all"
    )
    top_p: float = Field(
        default=1.0,
        gt=0,
        le=1,
        description="nucleus sampling: sample only from the smallest set of tokens with this total probability",
    )
    copy_bias: float = Field(
        default=0.0,
        ge=0,
        le=100,
        description="bonus on the logits of tokens that occur in the input, in all strategies; 0: none",
    )
    rerank: Literal["none", "grounding"] = Field(
        default="none",
        description="grounding: of the output and samples for the same input, choose the one with the highest "
        "`task.grounding` score against the source",
    )
    candidates: int = Field(
        default=4, ge=2, le=100, description="with `rerank`: number of texts to choose from, including the output"
    )


class GenerationConfig(Section):
    """A subclass adds ``type``."""

    # A trained model may be used with other settings; decoding affects the selection of the checkpoint only as a
    # default.
    undeciding_keys: ClassVar[frozenset[str]] = frozenset({"agreement", "claims", "grounding", "decoding"})

    label_smoothing: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="label smoothing: share of the target probability that is spread over all tokens",
    )
    prompt: str | None = Field(
        default=None,
        min_length=1,
        max_length=10_000,
        description="the prompt template: `{input}` is the whole input, names such as `{source}` are parts of it. "
        "null: `{input}`; for a causal model, the default prompt of the task",
    )
    chat: bool | None = Field(
        default=None,
        description="put the prompt into the chat template of a causal model, as the user message; null: if its "
        "tokenizer has one",
    )
    max_source: int = Field(
        default=512,
        ge=1,
        le=MOST_TOKENS,
        description="maximum number of input tokens; longer inputs are truncated and counted",
    )
    max_target: int = Field(
        default=256,
        ge=1,
        le=MOST_TOKENS,
        description="maximum number of target tokens in training; longer targets are truncated and counted",
    )
    decoding: DecodingConfig = Field(default=DecodingConfig(), description="how texts are decoded")
    lora: LowRankConfig | None = Field(
        default=None,
        description="train low-rank adapters instead of all weights of `model.name`; needs the extra `lora`",
    )
    agreement: int | None = Field(
        default=None,
        ge=2,
        le=100,
        description="the confidence of a claim is the share of this many sampled texts that also state it; null: the "
        "geometric mean of the token probabilities of the output",
    )
    claims: ClaimsConfig = Field(default=ClaimsConfig(), description="what counts as a claim")
    grounding: GroundingConfig = Field(
        default=GroundingConfig(), description="how a sentence is compared with its evidence"
    )

    @model_validator(mode="after")
    def _prompt_reads_the_input(self) -> GenerationConfig:
        if self.prompt is not None and "{" not in self.prompt:
            raise ValueError("`task.prompt` contains no part of the input, such as `{input}`")
        return self
