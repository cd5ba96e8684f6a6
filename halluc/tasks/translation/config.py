"""The keys of ``task`` under ``type: translation``."""

from __future__ import annotations

from typing import Literal

from halluc.tasks.text_generation.config import GenerationConfig


class TranslationConfig(GenerationConfig):
    type: Literal["translation"]
