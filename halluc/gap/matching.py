"""Matched sizes: every fraction of a study trains on as many sentences with 0, 1, 2, and 3 or more mentions.

Withholding by itself leaves fewer and emptier sentences, and a model that sees emptier ones claims less: without
matching, a study would show that and not the missing knowledge.
"""

from __future__ import annotations

from collections.abc import Sequence

from halluc.core.examples import Tagged
from halluc.gap.units import example_hash

STRATA = ("0", "1", "2", "3+")

Sizes = tuple[int, ...]


def stratum(example: Tagged) -> int:
    """The place in ``STRATA`` of an example: by how many mentions it has."""
    return min(len(example.spans), len(STRATA) - 1)


def sizes_of(examples: Sequence[Tagged]) -> Sizes:
    """How many examples each stratum has."""
    strata = [stratum(example) for example in examples]
    return tuple(strata.count(number) for number in range(len(STRATA)))


def matched_sizes(original: Sizes, left: Sizes) -> Sizes:
    """The most that can be taken of what is ``left``, with entity-free sentences at their share in ``original``.

    All entity-bearing sentences are taken where enough entity-free ones are left for the share; where too few are, all
    of those, and so many entity-bearing ones that the share holds, each stratum shrunk in proportion. The share holds
    to the nearest sentence.
    """
    free, bearing = original[0], sum(original[1:])
    wanted = sum(left[1:])
    if not bearing or not wanted:
        return (0,) * len(original)
    if _quotient(wanted * free, bearing) > left[0]:
        wanted = min(wanted, _quotient(left[0] * bearing, free))
    return (min(left[0], _quotient(wanted * free, bearing)), *apportion(wanted, left[1:]))


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


def take(examples: Sequence[Tagged], left: Sequence[int], sizes: Sizes) -> list[int]:
    """The positions of ``sizes`` examples of each stratum, of those ``left``, in their order.

    They are taken by hash, so that fractions share as many as can be.
    """
    strata: list[list[int]] = [[] for _ in STRATA]
    for position in left:
        strata[stratum(examples[position])].append(position)
    taken: list[int] = []
    for positions, size in zip(strata, sizes, strict=True):
        taken += sorted(positions, key=lambda position: example_hash("matched", examples[position]))[:size]
    return sorted(taken)


def _quotient(dividend: int, divisor: int) -> int:
    """Divide to the nearest whole number, halves up; exact, whatever the size."""
    return (2 * dividend + divisor) // (2 * divisor)
