"""The keys of low-rank adapters."""

from __future__ import annotations

from pydantic import Field

from halluc.config.section import Section


class LowRankConfig(Section):
    """Low-rank adapters (LoRA; Hu et al. 2022) on all linear layers, instead of full fine-tuning."""

    rank: int = Field(default=16, ge=1, le=1_024, description="rank of the adapters")
    alpha: int | None = Field(default=None, ge=1, le=4_096, description="scale of the adapters; null: twice the rank")
    dropout: float = Field(default=0.0, ge=0, lt=1, description="dropout rate of the adapter inputs")
