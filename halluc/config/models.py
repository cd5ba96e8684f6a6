"""The section ``model``: the encoder or the text-generation model that is fine-tuned."""

from __future__ import annotations

from pydantic import Field, model_validator

from halluc.config.section import DropoutRate, Reference, Section


class LowRankConfig(Section):
    """Low-rank adapters (LoRA; Hu et al. 2022) on all linear layers, instead of full fine-tuning."""

    rank: int = Field(default=16, ge=1, le=1_024, description="rank of the adapters")
    alpha: int | None = Field(default=None, ge=1, le=4_096, description="scale of the adapters; null: twice the rank")
    dropout: DropoutRate = Field(default=0.0, description="dropout rate of the adapter inputs")


# More than the parameters of BERT-large's layers; training takes 16 bytes for each. A layer of width w has 12 w^2.
_MOST_WEIGHTS = 350_000_000


class ScratchConfig(Section):
    """An encoder that is not pre-trained: BERT's architecture with random weights, and its own tokenizer."""

    layers: int = Field(default=4, ge=1, le=100, description="transformer layers")
    width: int = Field(
        default=256, ge=1, le=4_096, description="hidden size; feed-forward layers are four times as wide"
    )
    heads: int = Field(
        default=4, ge=1, le=256, description="number of attention heads; `width` must be a multiple of it"
    )
    vocabulary: int = Field(
        default=8000,
        ge=100,
        le=1_000_000,
        description="maximum size of the WordPiece vocabulary, which is trained on the training split (cased)",
    )

    @model_validator(mode="after")
    def _heads_share_the_width(self) -> ScratchConfig:
        if self.width % self.heads:
            raise ValueError(f"`width: {self.width}` is not divisible by `heads: {self.heads}`")
        weights = self.layers * 12 * self.width**2
        if weights > _MOST_WEIGHTS:
            raise ValueError(
                f"`layers: {self.layers}` of `width: {self.width}` are {weights:,} weights, more than {_MOST_WEIGHTS:,}"
            )
        return self


class ModelConfig(Section):
    name: Reference | None = Field(
        default=None,
        description="the pre-trained encoder: a local path, `hub:NAME@REVISION` (needs the network) or "
        "`package:IMPORT_NAME/FOLDER` (a model in an installed Python package)",
    )
    scratch: ScratchConfig | None = Field(
        default=None,
        description="instead of `name`: an encoder with random weights and a tokenizer trained on the training split",
    )
    trust_remote_code: bool = Field(
        default=False,
        description="allow Python code from the model's repository to run; enable it only if you trust the repository",
    )
    dropout: DropoutRate | None = Field(
        default=None, description="dropout rate of all layers; null: the rates in the model's own config"
    )
    freeze: int | None = Field(
        default=None, ge=0, le=1_000, description="freeze the embeddings and this many of the lowest layers"
    )

    lora: LowRankConfig | None = Field(
        default=None,
        description="train low-rank adapters and the head instead of all weights of an encoder; needs the extra `lora`",
    )

    @model_validator(mode="after")
    def _keys_go_together(self) -> ModelConfig:
        if self.name is None and self.scratch is None:
            raise ValueError("`model` needs `name` (a pre-trained model) or `scratch` (a model with random weights)")
        if self.name is not None and self.scratch is not None:
            raise ValueError("`model` has both `name` and `scratch`: set one of them to null")
        if self.scratch is not None and self.freeze is not None:
            raise ValueError("`model.freeze` requires `model.name`: a model from scratch has nothing to freeze")
        if self.lora is not None and (self.scratch is not None or self.freeze is not None):
            other = "scratch" if self.scratch is not None else "freeze"
            raise ValueError(
                f"`model.lora` cannot be combined with `model.{other}`: LoRA freezes all weights of `model.name`"
            )
        return self
