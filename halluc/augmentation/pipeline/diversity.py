"""Distinct-n (Li et al. 2016): how many different n-grams a corpus has, as a share of all its n-grams.

It falls as a corpus grows, whatever the corpus is like: so it is taken from samples of one size.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

T = TypeVar("T")

MOST = 10_000


class TextSample:
    """At most ``MOST`` texts of any number, evenly spaced: every one, or every second, fourth, …"""

    def __init__(self) -> None:
        self._stride, self._offered = 1, 0
        self.texts: list[Sequence[str]] = []

    def offer(self, tokens: Sequence[str]) -> None:
        if self._offered % self._stride == 0:
            self.texts.append(tokens)
            if len(self.texts) > MOST:
                del self.texts[1::2]
                self._stride *= 2
        self._offered += 1


def alike_in_size(one: Sequence[T], other: Sequence[T]) -> tuple[Sequence[T], Sequence[T]]:
    """Both, the longer one thinned out evenly to the length of the other."""
    size = min(len(one), len(other))
    thinned = [[each[place * len(each) // size] for place in range(size)] for each in (one, other)]
    return thinned[0], thinned[1]


def distinct(texts: Iterable[Sequence[str]], n: int) -> float | None:
    """Different n-grams over all; None where there is no n-gram."""
    found: set[tuple[str, ...]] = set()
    total = 0
    for tokens in texts:
        grams = [tuple(tokens[at : at + n]) for at in range(len(tokens) - n + 1)]
        total += len(grams)
        found.update(grams)
    return round(len(found) / total, 4) if total else None
