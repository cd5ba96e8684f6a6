"""Which texts were seen before: 64-bit hashes in one flat array, so that millions of them take no more than their
size."""

from __future__ import annotations

import hashlib
import unicodedata
from array import array
from collections.abc import Iterable, Sequence

# A hash table of this load finds its place in two or three looks.
_LOAD = 0.6
_LEAST = 1 << 10

_blake2b = hashlib.blake2b


def exact(tokens: Sequence[str]) -> int:
    """Hash of the tokens as they stand."""
    text = "\x1f".join(tokens).encode("utf-8", "surrogatepass")
    return int.from_bytes(_blake2b(text, digest_size=8).digest(), "little")


def normalised(tokens: Sequence[str]) -> int:
    """Hash of the text whatever its case, its white space, its tokens' borders and its Unicode form (NFKC)."""
    text = "".join(tokens)
    if text.isascii():
        text = text.lower()
    else:
        text = unicodedata.normalize("NFKC", text).casefold()
    text = "".join(text.split())
    return int.from_bytes(
        _blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8, person=b"norm").digest(), "little"
    )


class HashSet:
    """A set of 64-bit numbers: open addressing in an array, eight bytes an entry and as much again to spare.

    ``expected`` saves the copying when it grows. Two different texts of a million share a hash with a chance of one in
    37 million; the second would be taken for a duplicate, which costs one new example.
    """

    def __init__(self, expected: int = 0) -> None:
        slots = _LEAST
        while slots * _LOAD < expected:
            slots *= 2
        self._table = array("Q", bytes(8 * slots))
        self._most = int(slots * _LOAD)
        self._size = 0
        self._has_zero = False  # nought marks an empty slot

    def __len__(self) -> int:
        return self._size + self._has_zero

    def __contains__(self, number: int) -> bool:
        if not number:
            return self._has_zero
        table = self._table
        mask = len(table) - 1
        slot = number & mask
        while found := table[slot]:
            if found == number:
                return True
            slot = (slot + 1) & mask
        return False

    def add(self, number: int) -> None:
        if not number:
            self._has_zero = True
            return
        table = self._table
        mask = len(table) - 1
        slot = number & mask
        while found := table[slot]:
            if found == number:
                return
            slot = (slot + 1) & mask
        table[slot] = number
        self._size += 1
        if self._size > self._most:
            self._grow()

    def update(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            self.add(number)

    def _grow(self) -> None:
        old = self._table
        self._table = array("Q", bytes(16 * len(old)))
        self._most *= 2
        self._size = 0
        for number in old:
            if number:
                self.add(number)
