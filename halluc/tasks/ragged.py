"""Sequences of whole numbers of any length, in flat arrays: two bytes a word piece instead of forty."""

from __future__ import annotations

from array import array
from collections.abc import Iterable

from halluc.core.on_demand import OnDemand


class Ragged(OnDemand[tuple[int, ...]]):
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

    def at(self, place: int) -> tuple[int, ...]:
        return tuple(self.values[self.ends[place] : self.ends[place + 1]])
