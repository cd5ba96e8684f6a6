"""The keys of ``task`` shared by all tasks whose model writes a text."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from halluc.config.low_rank import LowRankConfig
from halluc.config.section import Section
from halluc.tasks.text_generation.claims_config import ClaimsConfig, GroundingConfig

MOST_TOKENS = 100_000


class DecodingConfig(Section):
    """How a text is decoded, both in ``eval`` (also during training) and in ``predict``."""

    strategy: Literal["beam", "greedy", "sampling"] = Field(
        default="beam", description="beam search, greedy search, or sampling from the model's distribution"
    )
    beams: int = Field(default=4, ge=1, le=64, description="hypotheses of beam search")
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
        description="no n-gram of this many tokens is written twice; 0: it may. Not in sampling",
    )
    max_new_tokens: int = Field(
        default=128,
        ge=1,
        le=MOST_TOKENS,
        description="a text that has not ended after this many tokens is cut; counted",
    )
    temperature: float = Field(default=1.0, ge=0.05, le=10, description="of sampling: below 1 texts are more usual")
    top_k: int = Field(default=0, ge=0, le=1_000_000, description="of sampling: the most probable tokens kept; 0: all")
    top_p: float = Field(
        default=1.0, gt=0, le=1, description="of sampling: the fewest tokens with this summed probability (nucleus)"
    )
    copy_bias: float = Field(
        default=0.0,
        ge=0,
        le=100,
        description="bonus on the logits of tokens that occur in the input, in all strategies; 0: none",
    )
    rerank: Literal["none", "grounding"] = Field(
        default="none",
        description="grounding: of the output and samples for the same input, the one that `task.grounding` scores "
        "highest against the source",
    )
    candidates: int = Field(
        default=4, ge=2, le=100, description="with `rerank`: texts to choose from, the output included"
    )


class GenerationConfig(Section):
    """A subclass adds ``type``."""

    # A trained model may be used with other settings; decoding affects the selection of the checkpoint only as a
    # default.
    undeciding_keys: ClassVar[frozenset[str]] = frozenset({"agreement", "claims", "grounding", "decoding"})

    label_smoothing: float = Field(
        default=0.0, ge=0, lt=1, description="share of the target's probability that is spread over all tokens"
    )
    prompt: str | None = Field(
        default=None,
        min_length=1,
        max_length=10_000,
        description="what the model reads: `{input}` is the whole input, `{source}` and the like one part of it. null: "
        "`{input}`; for a causal model the task's own prompt",
    )
    chat: bool | None = Field(
        default=None,
        description="put the prompt into the chat template of a causal model, as the message of a user; null: where "
        "its tokenizer has one",
    )
    max_source: int = Field(
        default=512,
        ge=1,
        le=MOST_TOKENS,
        description="longer inputs are cut to this many tokens, at their end; counted",
    )
    max_target: int = Field(
        default=256, ge=1, le=MOST_TOKENS, description="training targets are cut to this many tokens; counted"
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
        description="the confidence of a claim is the share of this many sampled texts that state it too; null: the "
        "geometric mean of the probabilities of the output's tokens",
    )
    claims: ClaimsConfig = Field(default=ClaimsConfig(), description="what counts as a claim")
    grounding: GroundingConfig = Field(
        default=GroundingConfig(), description="how a sentence is compared with its evidence"
    )

    @model_validator(mode="after")
    def _prompt_reads_the_input(self) -> GenerationConfig:
        if self.prompt is not None and "{" not in self.prompt:
            raise ValueError("`task.prompt` names no part of the input: `{input}` is the whole of it")
        return self
