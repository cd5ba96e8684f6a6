"""Several methods, one after the other, on the same example."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from halluc.augmentation.methods.base import Augmenter, Changed, Lexicon, MethodConfig, build
from halluc.core.edits import Edit, Editable
from halluc.core.rng import Draws


class SequenceConfig(MethodConfig):
    type: Literal["sequence"]
    methods: list[Any] = Field(
        min_length=1, max_length=100, description="the methods, in order, each with its own keys"
    )


class Sequence(Augmenter):
    """Chains methods: each is given what the one before it made."""

    Config: ClassVar[type[MethodConfig]] = SequenceConfig

    def __init__(self, config: SequenceConfig, training: Lexicon) -> None:
        self.steps = [build(step, training) for step in config.methods]
        # One step that changes words is enough for the whole to be judged by its words.
        self.changes_form_only = all(step.changes_form_only for step in self.steps)  # type: ignore[misc]

    def change(self, example: Editable, draws: Draws) -> Changed:
        steps: list[tuple[Edit, ...]] = []
        for step in self.steps:
            example, edits = step.change(example, draws)
            steps += edits
        return Changed(example, tuple(steps))
