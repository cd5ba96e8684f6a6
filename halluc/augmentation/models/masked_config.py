"""The keys of a masked language model that fills in words."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from halluc.augmentation.methods.base import RateConfig
from halluc.config.section import (
    DISTINCT,
    EpochCount,
    HeldOutShare,
    LargeCount,
    PositiveShare,
    Reference,
    Section,
    Share,
    SmallCount,
    Temperature,
    Text,
    TopK,
)


class MaskedFitConfig(Section):
    """How the masked language model is trained before it fills in words."""

    epochs: EpochCount | None = Field(
        default=None,
        description="maximum number of epochs, each with new masks; null: enough for 20,000 texts, 3 to 30",
    )
    texts: Annotated[list[Reference], Field(max_length=100), DISTINCT] = Field(
        default=[],
        description="unlabelled text files for training, in addition to the training split: one sentence per "
        "line, split into tokens at white space; .jsonl: the field `tokens` or `text`",
    )
    lines: LargeCount = Field(default=20_000, description="maximum number of lines that are read from `texts`")
    patience: SmallCount = Field(
        default=2, description="early stopping: stop after this many epochs without lower loss on held-out texts"
    )
    learning_rate: PositiveShare | None = Field(
        default=None, description="peak learning rate; null: 5.0e-5, or 3.0e-4 if the head is random"
    )
    batch_tokens: LargeCount = Field(default=1_024, description="batch size in word pieces, without padding")
    held_out: HeldOutShare = Field(
        default=0.05, description="held-out share of the training split, whose perplexity selects the epoch"
    )
    masked: float = Field(
        default=0.15, gt=0, le=0.9, description="share of the words outside mentions that are masked in training"
    )
    masked_mentions: PositiveShare = Field(
        default=0.7,
        description="share of the words of mentions that are masked in training; only if mentions are filled",
    )


class MaskedInfillConfig(RateConfig):
    type: Literal["masked_infill"]
    model: Reference = Field(
        description="a masked language model: a folder, `hub:NAME@REVISION`, or `package:IMPORT_NAME/FOLDER`"
    )
    fill: Literal["context", "mentions", "both"] = Field(
        default="context",
        description="context: words outside mentions; mentions: words of mentions, given their label (MELM), which "
        "needs `fit`",
    )
    fit: MaskedFitConfig | None = Field(
        default=None,
        description="train the model on the training split first; needed if its masked-LM head has no weights. null: "
        "no training",
    )
    mention_rate: Share = Field(
        default=0.5, description="average share of the words of mentions that are filled (at least one word)"
    )
    label_words: Annotated[dict[Text, Text], Field(max_length=20_000)] = Field(
        default={},
        description="words that describe a label, such as {PER: person}: the embeddings of its markers are "
        "initialised with them. Default: the label itself, with common abbreviations written out",
    )
    function_words: bool = Field(
        default=False, description="whether English function words (the, not, by) are also replaced and inserted"
    )
    temperature: Temperature = Field(
        default=1.0, description="temperature: below 1 insertions are less diverse, above 1 more diverse"
    )
    top_k: TopK = Field(default=10, description="sample only from this many most probable words; 0: all")
    longest: int = Field(
        default=128,
        ge=32,
        le=4_096,
        description="maximum number of word pieces per input; longer texts are split",
    )

    @property
    def fills_context(self) -> bool:
        return self.fill != "mentions"

    @property
    def fills_mentions(self) -> bool:
        return self.fill != "context"

    @model_validator(mode="after")
    def _mentions_need_a_fit(self) -> MaskedInfillConfig:
        if self.fills_mentions and self.fit is None:
            raise ValueError(f"`fill: {self.fill}` needs `fit`: the model must learn the labels, as in `fit: {{}}`")
        return self
