"""Matched sizes: every fraction of a study trains on the same number of examples of each stratum, such as sentences
with 0, 1, 2, and 3 or more mentions.

Withholding alone leaves fewer sentences with fewer mentions, and a model trained on them claims less: without matching,
a study would measure this effect and not that of the missing knowledge.
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
    """The groups of examples whose sizes are matched: their names, and ``of``, the group of an example.

    With ``has_free`` the first group has the examples without mentions, whose share stays constant. ``noun`` is the
    word for an example, and ``thing`` for what it shows; ``free`` and ``distinct`` are the names in files of the share
    of examples that show nothing, and of the number of distinct things. ``labels_whole``: the thing is a label of the
    whole example. ``for_labels`` are the strata for withholding whole labels, if they differ.
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
        """The number of examples in each stratum."""
        places = Counter(map(self.of, examples))
        return tuple(places[number] for number in range(len(self.names)))

    def as_record(self, examples: Sequence[Example]) -> dict[str, int]:
        """The same by name; for strata as fine as classes and lengths, only those that are not empty."""
        sizes = self.sizes(examples)
        return {name: size for name, size in zip(self.names, sizes, strict=True) if size or self.has_free}

    def bearing(self, sizes: Sizes) -> int:
        """How many of the examples show something."""
        return sum(sizes[1:] if self.has_free else sizes)

    def matched(self, original: Sizes, left: Sizes) -> Sizes:
        """The largest sample of what is ``left`` in which examples that show nothing, if there are such strata, have
        their share in ``original``.

        All examples that show something are taken if enough others are left for the share. If too few are left, all of
        those are taken, and each other stratum is reduced in proportion until the share fits, to the nearest example.
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
    """Distribute ``total`` in proportion to ``weights`` by largest remainders (Hamilton's method).

    No share exceeds its weight if ``total`` does not exceed their sum.
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
    """The positions of ``sizes`` examples of each stratum, among those ``left``, in order.

    They are chosen by hash, so that fractions share as many examples as possible.
    """
    groups: list[list[int]] = [[] for _ in strata.names]
    for position in sorted(left, key=lambda position: example_hash("matched", examples[position])):
        groups[strata.of(examples[position])].append(position)
    return sorted(position for group, size in zip(groups, sizes, strict=True) for position in group[:size])


def _quotient(dividend: int, divisor: int) -> int:
    """Divide and round to the nearest integer, halves up; exact for any size."""
    return (2 * dividend + divisor) // (2 * divisor)
