"""The keys of ``task`` under ``type: dialogue``."""

from __future__ import annotations

from typing import Literal

from halluc.tasks.text_generation.config import GenerationConfig


class DialogueConfig(GenerationConfig):
    type: Literal["dialogue"]
