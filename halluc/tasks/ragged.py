"""Sequences of whole numbers of any length, in flat arrays: two bytes a word piece instead of forty."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from typing import overload


class Ragged(Sequence[tuple[int, ...]]):
    """``values`` are those of all sequences, one after the other; sequence ``i`` ends before ``ends[i + 1]``.

    Args:
        most: no number is larger, nor its negative smaller.
    """

    def __init__(self, rows: Iterable[Iterable[int]] = (), most: int = 2**31 - 1) -> None:
        self.values = array("h" if most < 2**15 else "i")
        self.ends = array("q", (0,))
        for row in rows:
            self.append(row)

    def append(self, row: Iterable[int]) -> None:
        self.values.extend(row)
        self.ends.append(len(self.values))

    def size(self, index: int) -> int:
        return self.ends[index + 1] - self.ends[index]

    def __len__(self) -> int:
        return len(self.ends) - 1

    @overload
    def __getitem__(self, index: int) -> tuple[int, ...]: ...
    @overload
    def __getitem__(self, index: slice) -> list[tuple[int, ...]]: ...
    def __getitem__(self, index: int | slice) -> tuple[int, ...] | list[tuple[int, ...]]:
        places = range(len(self))[index]
        if not isinstance(places, int):
            return [self[place] for place in places]
        return tuple(self.values[self.ends[places] : self.ends[places + 1]])
