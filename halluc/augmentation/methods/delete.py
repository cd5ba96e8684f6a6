"""Tokens deleted (random deletion; Wei & Zou 2019)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field

from halluc.augmentation.methods.base import Augmenter, Lexicon, MethodConfig, Rate, RateConfig
from halluc.core.edits import Edit, Editable, Range, Replace, is_free
from halluc.core.rng import Draws


class DeleteConfig(RateConfig):
    type: Literal["delete"]
    rate: Rate = Field(default=0.1, description="share of the tokens that could be that is deleted, on average")
    mentions: bool = Field(default=False, description="whether tokens of mentions are deleted too, never all of one")


class Delete(Augmenter):
    """Deletes tokens, outside of mentions unless told otherwise (Wei & Zou 2019)."""

    Config: ClassVar[type[MethodConfig]] = DeleteConfig

    def __init__(self, config: DeleteConfig, training: Lexicon) -> None:
        self.config = config

    def propose(self, example: Editable, draws: Draws) -> Sequence[Edit]:
        kept = self._kept_in_part(example)
        positions = self._positions(example, kept)
        deleted = [positions[number] for number in self.config.chosen(len(positions), draws)]
        for start, end in kept:
            if len(deleted) < end - start:
                continue
            inside = [at for at in deleted if start <= at < end]
            if inside and len(inside) == end - start:
                deleted.remove(draws.choice(inside))
        return [Replace(at, at + 1, (), "deleted") for at in deleted]

    def _positions(self, example: Editable, kept: Sequence[Range]) -> list[int]:
        """What may be deleted by itself: no token that stands alone in its mention or its field."""
        held = {start for start, end in kept if end - start == 1}
        if not self.config.mentions:
            for start, end, _ in example.spans:
                held.update(range(start, end))
        positions = [at for at in range(len(example.tokens)) if at not in held]
        return [at for at in positions if is_free(example, at, at + 1)] if example.locked else positions

    def _kept_in_part(self, example: Editable) -> list[Range]:
        """Ranges of which a token must be left: the fields between locked ranges, and mentions."""
        kept = [(start, end) for start, end, _ in example.spans] if self.config.mentions else []
        done = 0
        for first, last in example.locked:
            kept.append((done, first))
            done = last
        return [*kept, (done, len(example.tokens))]
