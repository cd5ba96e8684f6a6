"""Texts with labels as tensors: rows of piece ids that begin with a condition and end with an end piece."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from halluc.augmentation.models.gan.config import GanSynthesisConfig


@dataclass(frozen=True)
class Pieces:
    """The vocabulary: its size, two special ids, and those that are never generated."""

    size: int
    pad: int
    end: int
    never: tuple[int, ...]


@dataclass(frozen=True)
class Sequences:
    """Rows of pieces, padded at the right.

    ``ids`` has shape (rows, length). ``prefixes`` and ``lengths`` have shape (rows,): the number of condition pieces of
    a row, which are given and never generated, and the total number including the end.
    """

    ids: Tensor
    prefixes: Tensor
    lengths: Tensor

    @classmethod
    def of(cls, rows: Sequence[Sequence[int]], prefixes: Sequence[int], pad: int) -> Sequences:
        """Rows of unequal length, each with the number of its condition pieces."""
        tensors = [torch.tensor(row, dtype=torch.long) for row in rows]
        ids = nn.utils.rnn.pad_sequence(tensors, batch_first=True, padding_value=pad)
        return cls(ids, torch.tensor(prefixes, dtype=torch.long), torch.tensor(list(map(len, rows)), dtype=torch.long))

    def __len__(self) -> int:
        return int(self.ids.shape[0])

    def rows(self, indexes: Tensor) -> Sequences:
        """Some rows, without the columns that are padding in all of them."""
        lengths = self.lengths[indexes]
        longest = int(lengths.max()) if len(lengths) else 1
        return Sequences(self.ids[indexes, :longest], self.prefixes[indexes], lengths)

    def to(self, device: torch.device) -> Sequences:
        return Sequences(self.ids.to(device), self.prefixes.to(device), self.lengths.to(device))

    def generated_mask(self) -> Tensor:
        """A mask with the shape of ``ids``: pieces that are generated, neither condition nor padding."""
        places = torch.arange(self.ids.shape[1], device=self.ids.device)
        return (places >= self.prefixes[:, None]) & (places < self.lengths[:, None])


# Returns the words of a generated row, given its pieces and the number of the held-out row with its condition; None if
# it is not a valid example.
Words = Callable[[Sequence[int], int], tuple[str, ...] | None]


@dataclass(frozen=True)
class GanPlan:
    """The training and held-out rows, and the settings."""

    train: Sequences
    held_out: Sequences
    words: Words
    config: GanSynthesisConfig
    seed: int
