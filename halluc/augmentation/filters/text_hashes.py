"""Sets of texts as 64-bit hashes in one flat array, so that millions of them take little memory."""

from __future__ import annotations

import unicodedata
from array import array
from collections.abc import Iterable, Sequence

from halluc.core.rng import hash64

# The maximum load of the hash table, at which a lookup takes two or three probes.
_LOAD = 0.6
_LEAST = 1 << 10


def exact_hash(tokens: Sequence[str]) -> int:
    """Hash of the exact tokens."""
    return hash64("\x1f".join(tokens))


def normalised_hash(tokens: Sequence[str]) -> int:
    """Hash of the text, ignoring case, white space, token borders and Unicode form (NFKC)."""
    text = "".join(tokens)
    text = text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).casefold()
    return hash64("".join(text.split()), b"norm")


class HashSet:
    """A set of 64-bit numbers: a hash table with open addressing in an array, about 16 bytes per number.

    The probability that two of a million texts share a hash is one in 37 million; the second would wrongly be a
    duplicate.
    """

    def __init__(self) -> None:
        self._table = array("Q", bytes(8 * _LEAST))
        self._size = 0
        self._has_zero = False  # zero marks an empty slot

    def __len__(self) -> int:
        return self._size + self._has_zero

    def __contains__(self, number: int) -> bool:
        return self._table[self._slot(number)] == number if number else self._has_zero

    def _slot(self, number: int) -> int:
        """The slot of a number other than 0, or the empty slot for it."""
        table = self._table
        mask = len(table) - 1
        slot = number & mask
        while (entry := table[slot]) and entry != number:
            slot = (slot + 1) & mask
        return slot

    def add(self, number: int) -> None:
        if not number:
            self._has_zero = True
        elif not self._table[slot := self._slot(number)]:
            self._table[slot] = number
            self._size += 1
            if self._size > len(self._table) * _LOAD:
                self._grow()

    def update(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            self.add(number)

    def _grow(self) -> None:
        old = self._table
        self._table = array("Q", bytes(16 * len(old)))
        self._size = 0
        self.update(filter(None, old))
