"""Random numbers as a pure function of keys, so that results do not depend on order, workers or shards."""

from __future__ import annotations

import hashlib
import struct
from bisect import bisect_right
from collections.abc import Sequence
from typing import TypeVar

import numpy

T = TypeVar("T")

_EIGHT = struct.Struct("<8Q").unpack
_blake2b = hashlib.blake2b


def hash64(text: str, person: bytes = b"") -> int:
    """A 64-bit hash of a text (BLAKE2b); each ``person`` (BLAKE2's personalization) gives a different function."""
    data = text.encode("utf-8", "surrogatepass")
    return int.from_bytes(_blake2b(data, digest_size=8, person=person).digest(), "little")


def keyed_seed(*keys: object) -> int:
    """A 64-bit seed from keys of any type (``repr`` of each, so that ``1`` and ``"1"`` differ)."""
    return hash64("\x1f".join(map(repr, keys)))


def keyed_generator(*keys: object) -> numpy.random.Generator:
    return numpy.random.Generator(numpy.random.PCG64(keyed_seed(*keys)))


class Draws:
    """A stream of random draws for one key: BLAKE2b in counter mode.

    Seeding a ``random.Random`` would cost more than augmenting most examples; here the first eight draws cost one hash.
    Streams of different keys are independent.
    """

    __slots__ = ("_blocks", "_key", "_words")

    def __init__(self, key: bytes) -> None:
        self._key = _blake2b(key).digest()
        self._words: list[int] = list(_EIGHT(self._key))
        self._blocks = 0

    @classmethod
    def of(cls, *keys: object) -> Draws:
        """A stream for keys of any type (``repr`` of each)."""
        return cls("\x1f".join(map(repr, keys)).encode("utf-8", "surrogatepass"))

    def bits(self) -> int:
        """The next 64 bits."""
        words = self._words
        if not words:
            self._blocks += 1
            words.extend(_EIGHT(_blake2b(self._key + self._blocks.to_bytes(8, "little")).digest()))
        return words.pop()

    def uniform(self) -> float:
        """A number in [0, 1), a multiple of 2**-53."""
        words = self._words  # inlined here and below: a call of ``bits`` would double the cost
        return ((words.pop() if words else self.bits()) >> 11) * 1.1102230246251565e-16

    def below(self, bound: int) -> int:
        """An integer from 0 to ``bound - 1``; the bias is below ``bound`` / 2**64."""
        return (self.bits() * bound) >> 64

    def chance(self, probability: float) -> bool:
        return self.uniform() < probability

    def choice(self, options: Sequence[T]) -> T:
        return options[(self.bits() * len(options)) >> 64]

    def weighted(self, cumulative: Sequence[float]) -> int:
        """An index with probability proportional to its weight; ``cumulative`` are the running sums of the weights."""
        return min(bisect_right(cumulative, self.uniform() * cumulative[-1]), len(cumulative) - 1)

    def count(self, expected: float) -> int:
        """``expected`` rounded up or down at random, so that the mean is ``expected``."""
        whole = int(expected)
        return whole + (self.uniform() < expected - whole)

    def some(self, total: int, wanted: int) -> list[int]:
        """``wanted`` distinct integers below ``total``, ascending; all of them if ``wanted`` is larger."""
        if wanted >= total:
            return list(range(total))
        words = self._words
        if wanted == 1:
            return [((words.pop() if words else self.bits()) * total) >> 64]
        if 3 * wanted > total:
            return sorted(self.shuffled(range(total))[:wanted])
        chosen: set[int] = set()
        while len(chosen) < wanted:
            chosen.add(((words.pop() if words else self.bits()) * total) >> 64)
        return sorted(chosen)

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """The items in random order (Fisher-Yates shuffle)."""
        mixed, words = list(items), self._words
        for last in range(len(mixed) - 1, 0, -1):
            other = ((words.pop() if words else self.bits()) * (last + 1)) >> 64
            mixed[last], mixed[other] = mixed[other], mixed[last]
        return mixed
