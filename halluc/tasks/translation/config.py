"""The keys of ``task`` under ``type: translation``."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from halluc.tasks.text_generation.config import GenerationConfig
from halluc.tasks.translation.perturbation import PerturbationConfig


class TranslationConfig(GenerationConfig):
    undeciding_keys: ClassVar[frozenset[str]] = GenerationConfig.undeciding_keys | {"perturbation"}

    type: Literal["translation"]
    perturbation: PerturbationConfig | None = Field(
        default=None,
        description="perturbation test: `halluc eval` translates sources again with one inserted token and counts "
        "hallucinations (Lee et al. 2018): {} or {sources: 200, tokens: 1}; null: off",
    )
