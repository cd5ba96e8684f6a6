"""The keys of ``task`` under ``type: summarisation``."""

from __future__ import annotations

from typing import Literal

from halluc.tasks.text_generation.config import GenerationConfig


class SummarisationConfig(GenerationConfig):
    type: Literal["summarisation"]
