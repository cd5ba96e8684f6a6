"""The keys of a language model that writes labelled sentences."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from halluc.augmentation.methods.base import MethodConfig
from halluc.config.models import LowRankConfig
from halluc.config.section import (
    DISTINCT,
    DropoutRate,
    EpochCount,
    HeldOutShare,
    LargeCount,
    PositiveShare,
    Reference,
    Section,
    SmallCount,
    Temperature,
    TopK,
)


class CausalScratchConfig(Section):
    """The size of a language model that starts with random weights (GPT-2's architecture)."""

    layers: int = Field(default=2, ge=1, le=48, description="transformer layers")
    width: int = Field(default=256, ge=8, le=4_096, description="hidden size; a multiple of `heads`")
    heads: int = Field(default=4, ge=1, le=64, description="attention heads")
    dropout: DropoutRate = Field(default=0.1, description="dropout rate of all layers")
    vocabulary: int = Field(
        default=8_000, ge=100, le=100_000, description="maximum number of WordPiece pieces, learned from the data"
    )

    @model_validator(mode="after")
    def _heads_share_the_width(self) -> CausalScratchConfig:
        if self.width % self.heads:
            raise ValueError(f"`width: {self.width}` is not divisible by `heads: {self.heads}`")
        return self


class LmSynthesisConfig(MethodConfig):
    type: Literal["lm_synthesis"]
    model: Reference | None = Field(
        default=None,
        description="a pre-trained causal model for fine-tuning: a folder, `hub:NAME@REVISION`, "
        "`package:IMPORT_NAME/FOLDER`, or a .gguf file in one of these; null: a small one from scratch",
    )
    scratch: CausalScratchConfig = Field(
        default=CausalScratchConfig(), description="size of the model from scratch; ignored if `model` is set"
    )
    lora: LowRankConfig | None = Field(
        default=None, description="train low-rank adapters instead of all weights of `model`; needs the extra `lora`"
    )
    unlabelled: Annotated[list[Reference], Field(max_length=100), DISTINCT] = Field(
        default=[],
        description="unlabelled text files that the model is also trained on, marked by a special token: one "
        "sentence per line, split into tokens at white space; .jsonl: the field `tokens` or `text`",
    )
    unlabelled_lines: LargeCount = Field(
        default=20_000, description="maximum number of lines that are read from all unlabelled files"
    )
    epochs: EpochCount | None = Field(
        default=None, description="maximum number of epochs; null: as many as for 60,000 sequences, from 3 to 10"
    )
    patience: SmallCount = Field(
        default=2, description="early stopping: stop after this many epochs without lower loss on held-out sequences"
    )
    learning_rate: PositiveShare | None = Field(
        default=None,
        description="peak learning rate; null: 2.0e-3 from scratch, 5.0e-5 for all weights, 2.0e-4 with LoRA",
    )
    batch_tokens: LargeCount = Field(
        default=512, description="batch size in word pieces and label tokens, without padding"
    )
    held_out: HeldOutShare = Field(
        default=0.05, description="held-out share of the training split, whose perplexity selects the epoch"
    )
    longest: int = Field(
        default=128,
        ge=8,
        le=4_096,
        description="maximum number of word pieces and label tokens of a sequence. Longer training examples are not "
        "used, longer samples are rejected",
    )
    temperature: Temperature = Field(
        default=0.8, description="temperature: below 1 samples are less diverse, above 1 more diverse"
    )
    constrained: bool = Field(
        default=True,
        description="constrained sampling: no token that makes the sequence invalid (a misplaced label token, a "
        "label that was not requested, the end inside a mention). false: such sequences are rejected",
    )
    top_k: TopK = Field(default=0, description="sample only from this many most probable tokens; 0: all")
    top_p: PositiveShare = Field(
        default=1.0,
        description="nucleus sampling: sample only from the smallest set of tokens with this total probability",
    )

    @model_validator(mode="after")
    def _lora_needs_a_model(self) -> LmSynthesisConfig:
        if self.lora is not None and self.model is None:
            raise ValueError("`lora` requires `model`: a model from scratch has no weights to adapt")
        return self
