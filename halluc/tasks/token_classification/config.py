"""The keys of ``task`` under ``type: token_classification``."""

from __future__ import annotations

from typing import ClassVar, Literal

from halluc.tasks.losses import LossConfig


class TokenClassificationConfig(LossConfig):
    later_keys: ClassVar[frozenset[str]] = frozenset({"loss", "focal_gamma", "class_weights"})

    type: Literal["token_classification"]
