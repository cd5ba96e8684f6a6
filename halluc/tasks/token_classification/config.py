"""The keys of ``task`` under ``type: token_classification``."""

from __future__ import annotations

from typing import ClassVar, Literal

from halluc.tasks.mention_masking import MentionLossConfig


class TokenClassificationConfig(MentionLossConfig):
    later_keys: ClassVar[frozenset[str]] = frozenset({"loss", "focal_gamma", "class_weights", "mention_masking"})

    type: Literal["token_classification"]
