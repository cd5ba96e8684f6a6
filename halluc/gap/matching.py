"""Matched sizes: every fraction of a study trains on as many examples of each stratum, such as
sentences with 0, 1, 2, and 3 or more mentions.

Withholding by itself leaves fewer and emptier sentences, and a model that sees emptier ones claims less: without
matching, a study would show that and not the missing knowledge.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from halluc.core.examples import Example
from halluc.gap.units import example_hash

Sizes = tuple[int, ...]


@dataclass(frozen=True)
class Strata:
    """The groups of examples whose sizes are matched: their names, and ``of``, the place of an example's among them.

    With ``has_free`` the first one holds the examples that show nothing, which keep their share whatever is withheld.
    ``noun`` is what an example is, and ``thing`` what it shows; ``free`` and ``distinct`` are what files call the share
    of examples that show nothing, and the number of distinct things. ``labels_whole``: the thing is a label of the
    whole example. ``for_labels`` are the strata where whole labels go, if not these.
    """

    names: tuple[str, ...]
    of: Callable[[Any], int]
    has_free: bool
    noun: str = "sentence"
    thing: str = "mention"
    free: str = "entity_free"
    distinct: str = "surfaces"
    labels_whole: bool = False
    for_labels: Strata | None = None

    def sizes(self, examples: Sequence[Example]) -> Sizes:
        """How many examples each stratum has."""
        places = Counter(map(self.of, examples))
        return tuple(places[number] for number in range(len(self.names)))

    def as_record(self, examples: Sequence[Example]) -> dict[str, int]:
        """The same by name; of strata as fine as classes and lengths, those that have any."""
        sizes = self.sizes(examples)
        return {name: size for name, size in zip(self.names, sizes, strict=True) if size or self.has_free}

    def bearing(self, sizes: Sizes) -> int:
        """How many of the examples show something."""
        return sum(sizes[1:] if self.has_free else sizes)

    def matched(self, original: Sizes, left: Sizes) -> Sizes:
        """The most that can be taken of what is ``left``, with examples that show nothing, where there are such, at
        their share in ``original``.

        All examples that show something are taken where enough others are left for the share; where too few are, all
        of those, and so many that show something that the share holds, each stratum shrunk in proportion. The share
        holds to the nearest example.
        """
        if not self.has_free:
            return left
        free, bearing, wanted = original[0], sum(original[1:]), sum(left[1:])
        if not bearing or not wanted:
            return (0,) * len(original)
        if _quotient(wanted * free, bearing) > left[0]:
            wanted = min(wanted, _quotient(left[0] * bearing, free))
        return (min(left[0], _quotient(wanted * free, bearing)), *apportion(wanted, left[1:]))


BY_MENTIONS = Strata(("0", "1", "2", "3+"), lambda example: min(len(example.pairs), 3), has_free=True)


def apportion(total: int, weights: Sequence[int]) -> Sizes:
    """``total`` shared out in proportion to ``weights`` by largest remainders (Hamilton's method).

    No share is larger than its weight where ``total`` is not larger than their sum.
    """
    whole = sum(weights)
    if not whole:
        return (0,) * len(weights)
    shares = [total * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda number: (-(total * weights[number] % whole), number))
    for number in by_remainder[: total - sum(shares)]:
        shares[number] += 1
    return tuple(shares)


def take(examples: Sequence[Example], left: Sequence[int], sizes: Sizes, strata: Strata) -> list[int]:
    """The positions of ``sizes`` examples of each stratum, of those ``left``, in their order.

    They are taken by hash, so that fractions share as many as can be.
    """
    groups: list[list[int]] = [[] for _ in strata.names]
    for position in sorted(left, key=lambda position: example_hash("matched", examples[position])):
        groups[strata.of(examples[position])].append(position)
    return sorted(position for group, size in zip(groups, sizes, strict=True) for position in group[:size])


def _quotient(dividend: int, divisor: int) -> int:
    """Divide to the nearest whole number, halves up; exact, whatever the size."""
    return (2 * dividend + divisor) // (2 * divisor)
