"""Tokens deleted (random deletion; Wei & Zou 2019)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field

from halluc.augmentation.methods.base import Augmenter, Lexicon, MethodConfig, RateConfig
from halluc.config.section import Share
from halluc.core.edits import Edit, Editable, Range, Replace, between_locked, free_positions
from halluc.core.rng import Draws


class DeleteConfig(RateConfig):
    type: Literal["delete"]
    rate: Share = Field(default=0.1, description="average share of the deletable tokens that is deleted")
    mentions: bool = Field(
        default=False, description="whether tokens of mentions are also deleted (never all tokens of a mention)"
    )


class Delete(Augmenter):
    """Deletes tokens, outside of mentions unless configured otherwise (Wei & Zou 2019)."""

    Config: ClassVar[type[MethodConfig]] = DeleteConfig

    def __init__(self, config: DeleteConfig, training: Lexicon) -> None:
        self.config = config

    def propose(self, example: Editable, draws: Draws) -> Sequence[Edit]:
        kept = self._protected_ranges(example)
        positions = self._positions(example, kept)
        deleted = [positions[number] for number in self.config.choose(len(positions), draws)]
        for start, end in kept:
            if len(deleted) < end - start:
                continue
            inside = [at for at in deleted if start <= at < end]
            if inside and len(inside) == end - start:
                deleted.remove(draws.choice(inside))
        return [Replace(at, at + 1, (), "deleted") for at in deleted]

    def _positions(self, example: Editable, kept: Sequence[Range]) -> Sequence[int]:
        """The tokens that may be deleted: none that is alone in its mention or its field."""
        free = free_positions(example, self.config.mentions)
        alone = [start for start, end in kept if end - start == 1]
        return [at for at in free if at not in alone] if alone else free

    def _protected_ranges(self, example: Editable) -> list[Range]:
        """Ranges that must keep at least one token: the fields between locked ranges, and mentions."""
        mentions = [span[:2] for span in example.spans] if self.config.mentions else []
        return [*mentions, *between_locked(example)]
