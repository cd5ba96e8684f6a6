"""The keys of ``task`` under ``type: token_classification``."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from halluc.tasks.mention_masking import MentionLossConfig


class TokenClassificationConfig(MentionLossConfig):
    later_keys: ClassVar[frozenset[str]] = frozenset(
        {"loss", "focal_gamma", "class_weights", "mention_masking", "border_smoothing"}
    )

    type: Literal["token_classification"]
    border_smoothing: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="share of the target of words at the borders of mentions that goes to the tags which they would "
        "have if a border moved by one word (after Zhu & Li 2022)",
    )
