"""Copies: the control arm of every augmentation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from halluc.augment.base import Augmenter, MethodConfig, Training
from halluc.core.edits import Edit, Editable
from halluc.core.rng import Draws


class DuplicateConfig(MethodConfig):
    type: Literal["duplicate"]


class Duplicate(Augmenter):
    """Copies examples as they are: the control that every augmentation is compared with."""

    Config: ClassVar[type[MethodConfig]] = DuplicateConfig
    makes_copies: ClassVar[bool] = True

    def __init__(self, config: DuplicateConfig, training: Training) -> None:
        self.config = config

    def propose(self, example: Editable, draws: Draws) -> Sequence[Edit]:
        return ()
