"""The keys of ``task`` under ``type: token_classification``."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from halluc.tasks.mention_masking import MentionLossConfig


class TokenClassificationConfig(MentionLossConfig):
    later_keys: ClassVar[frozenset[str]] = frozenset(
        {"loss", "focal_gamma", "class_weights", "mention_masking", "border_smoothing", "context", "head"}
    )

    type: Literal["token_classification"]
    head: Literal["linear", "crf"] = Field(
        default="linear",
        description="what is on the encoder. crf: a conditional random field, which scores whole sequences of tags "
        "(Lafferty et al. 2001)",
    )
    context: int | None = Field(
        default=None,
        ge=16,
        le=100_000,
        description="document context: consecutive sentences of a document are read in rows of at most this many "
        "word pieces, special ones included; null: each sentence by itself",
    )

    border_smoothing: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="share of the target of words at the borders of mentions that goes to the tags which they would "
        "have if a border moved by one word (after Zhu & Li 2022)",
    )

    @model_validator(mode="after")
    def _crf_has_a_loss_of_its_own(self) -> Self:
        keys = ("loss", "class_weights", "label_smoothing", "border_smoothing")
        changed = [key for key in keys if getattr(self, key) != type(self).model_fields[key].default]
        if self.head == "crf" and changed:
            raise ValueError(f"`task.{changed[0]}` does not go with `head: crf`, whose loss is that of whole sentences")
        return self
