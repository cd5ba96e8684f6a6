"""The keys of ``task`` under ``type: token_classification``."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from halluc.tasks.losses import LossConfig


class TokenClassificationConfig(LossConfig):
    later_keys: ClassVar[frozenset[str]] = frozenset({"loss", "focal_gamma", "class_weights", "context"})

    type: Literal["token_classification"]
    context: int | None = Field(
        default=None,
        ge=16,
        le=100_000,
        description="document context: consecutive sentences of a document are read in rows of at most this many "
        "word pieces, special ones included; null: each sentence by itself",
    )
