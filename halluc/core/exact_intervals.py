"""Intervals for figures whose error a bootstrap cannot estimate: shares of 0 or 1, and rates of rare events.

Every resample of 0 wrong claims has 0 wrong claims, so a percentile interval would have no width. These intervals
assume independent draws, although claims of one example are not independent.

``scipy.special`` is imported when it is used: the import takes .14 s, and most commands need no interval.
"""

from __future__ import annotations

import math
from collections.abc import Callable

Interval = tuple[float, float]
# A function from the two-sided confidence level, in (0, 1), to an interval, which widens with the level.
Limits = Callable[[float], Interval]


def clopper_pearson(hits: float, n: float, level: float) -> Interval:
    """The exact interval of a share, ``hits`` of ``n`` > 0 (Clopper & Pearson 1934)."""
    from scipy.special import betaincinv

    tail = (1 - level) / 2
    low = 0.0 if hits <= 0 else float(betaincinv(hits, n - hits + 1, tail))
    high = 1.0 if hits >= n else float(betaincinv(hits + 1, n - hits, 1 - tail))
    return low, high


def poisson(count: float, exposure: float, level: float) -> Interval:
    """The exact interval of a rate, ``count`` events in ``exposure`` > 0 units (Garwood 1936)."""
    from scipy.special import gammaincinv

    tail = (1 - level) / 2
    low = 0.0 if count <= 0 else float(gammaincinv(count, tail))
    return low / exposure, float(gammaincinv(count + 1, 1 - tail)) / exposure


def wilson(hits: float, n: float, level: float) -> Interval:
    """The score interval of a share (Wilson 1927), from which intervals of differences are built."""
    from scipy.special import ndtri

    z = float(ndtri((1 + level) / 2))
    share, square = hits / n, z * z / n
    middle = (share + square / 2) / (1 + square)
    half = z / (1 + square) * math.sqrt(share * (1 - share) / n + square / (4 * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def f1(precision: Interval, recall: Interval) -> Interval:
    """Bounds for an F1 of 0 or 1, from the exact intervals of its precision and recall."""
    low, high = (2 * p * r / (p + r) if p + r else 0.0 for p, r in zip(precision, recall, strict=True))
    return low, high


def of_difference(one: float, of_one: Interval, other: float, of_other: Interval) -> Interval:
    """The interval of ``one - other`` from the intervals of both (Newcombe 1998, method 10; Zou & Donner 2008).

    Newcombe's method for paired shares also uses a correlation, which is 0 if one of the shares is 0 or 1.
    """
    difference = one - other
    below = math.hypot(one - of_one[0], of_other[1] - other)
    above = math.hypot(of_one[1] - one, other - of_other[0])
    return difference - below, difference + above


def p_value(limits: Limits) -> float:
    """Two-sided p-value by inverting an interval: 1 minus the highest level at which the interval excludes zero."""

    def excludes_zero(level: float) -> bool:
        low, high = limits(level)
        return not low <= 0 <= high

    if not excludes_zero(1e-9):
        return 1.0
    # Search over the logarithm of p, so that very small values are found too.
    low, high = math.log(1e-12), 0.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if excludes_zero(1 - math.exp(middle)) else (middle, high)
    return math.exp(high)
