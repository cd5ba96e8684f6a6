"""Mention masking: in training, some words of mentions are replaced by the mask token.

This is word dropout (Iyyer et al. 2015, section 3.3) on mentions only: the model relies less on known names and more on
their context.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pydantic import Field

from halluc.config.section import Share
from halluc.core.edits import Range
from halluc.core.errors import HallucError
from halluc.tasks.losses import LossConfig

if TYPE_CHECKING:
    import numpy

    from halluc.engine.batching import Batch


class MentionLossConfig(LossConfig):
    """The keys of tasks that learn from mentions."""

    mention_masking: Share = Field(
        default=0.0,
        description="in training, the share of the words of mentions that are replaced by the mask token, drawn "
        "again in each step",
    )


@dataclass(frozen=True)
class MentionMasking:
    """Replaces a ``share`` of words by the piece ``mask``."""

    share: float
    mask: int

    @classmethod
    def of(cls, config: MentionLossConfig, tokenizer: Any) -> MentionMasking | None:
        """None if the config masks nothing.

        Raises:
            HallucError C220: the tokenizer has no mask token.
        """
        if not config.mention_masking:
            return None
        if tokenizer.mask_token_id is None:
            message = "`task.mention_masking` needs a tokenizer with a mask token, which this model does not have"
            raise HallucError("C220", message, help="set it to 0, or use an encoder with a mask token, such as BERT")
        return cls(config.mention_masking, int(tokenizer.mask_token_id))

    def mask_batch(self, batch: Batch, words: Sequence[Sequence[Range]], generator: numpy.random.Generator) -> Batch:
        """The batch with some words masked.

        Args:
            words: for each row, the ranges of pieces of the words of its mentions.
        """
        ids = batch.inputs["input_ids"].clone()
        drawn = iter((generator.random(sum(map(len, words))) < self.share).tolist())
        for row, of_row in enumerate(words):
            for start, end in of_row:
                if next(drawn):
                    ids[row, start:end] = self.mask
        return replace(batch, inputs={**batch.inputs, "input_ids": ids})
