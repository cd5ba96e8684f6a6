"""The keys of ``task`` under ``type: token_classification``."""

from __future__ import annotations

from typing import Literal

from halluc.tasks.losses import LossConfig


class TokenClassificationConfig(LossConfig):
    type: Literal["token_classification"]
