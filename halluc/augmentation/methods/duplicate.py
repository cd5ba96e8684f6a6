"""Copies: the control arm of every augmentation."""

from __future__ import annotations

from typing import ClassVar, Literal

from halluc.augmentation.methods.base import Augmenter, Lexicon, MethodConfig


class DuplicateConfig(MethodConfig):
    type: Literal["duplicate"]


class Duplicate(Augmenter):
    """Copies examples as they are: the control that every augmentation is compared with."""

    Config: ClassVar[type[MethodConfig]] = DuplicateConfig
    makes_copies: ClassVar[bool] = True

    def __init__(self, config: DuplicateConfig, training: Lexicon) -> None:
        self.config = config
