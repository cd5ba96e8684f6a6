"""Figures over seeds: means, arms paired by seed, and lines along an axis (DEFINITIONS, section 4).

Each figure is computed separately for each seed, d_1 to d_k. Their mean varies with the examples and with the seeds:

- V_e: variance of the mean over resamples of the examples, the same draws for all seeds.
- v: mean over seeds of the variance of each d_s over the same resamples.
- V_m = max(0, V_e - (v - V_e) / (k - 1)): the contribution of the examples that all seeds share. The rest of V_e, the
  interaction of seeds and examples, is also a part of s^2, and must not be counted twice.
- s^2: sample variance of the d_s.

The interval is ``d ± sqrt(z^2 V_m + t^2 s^2 / k)`` with Student's t of k - 1 degrees of freedom, and p inverts it. With
one seed the interval is over examples alone, and there is no p-value: other seeds are unknown.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

import numpy
from scipy.special import ndtri, stdtrit

from halluc.core.exact_intervals import Interval, Limits, of_difference, p_value
from halluc.core.significance import LEVEL, NEGLIGIBLE, percentiles, snapped, two_sided

Array = numpy.ndarray


def half_width(common: Any, between: Any, seeds: int, level: float = LEVEL) -> Any:
    """Half the interval of a mean over seeds.

    Args:
        common, between: V_m and s^2, of the same shape.
        seeds: k >= 2.
        level: in (0, 1).
    """
    z, t = ndtri((1 + level) / 2), stdtrit(seeds - 1, (1 + level) / 2)
    return numpy.sqrt(z**2 * common + t**2 * between / seeds)


def common_variance(of_mean: Any, of_each: Any, seeds: int) -> Any:
    """V_m from V_e and v, of any shape."""
    return numpy.maximum(0.0, of_mean - (of_each - of_mean) / (seeds - 1))


@dataclass(frozen=True)
class SeedMean:
    """A mean over the ``n`` of ``seeds`` that have the figure; ``sd`` is their standard deviation, None if n = 1.

    ``p`` is None for a single seed, and if some seed does not have the figure. ``smallest`` is the smallest difference
    from 0 that would have had p < .05, None without p.
    """

    value: float | None
    interval: Interval | None = None
    p: float | None = None
    sd: float | None = None
    seeds: int = 0
    n: int = 0
    smallest: float | None = None


@dataclass(frozen=True)
class Seeds:
    """One figure of runs that differ only in their seed.

    ``names`` identify the seeds. ``values`` are (seeds,), NaN if undefined; ``resampled`` is (seeds, resamples), with
    the same draws of examples. ``limits`` has an exact interval for each value of 0 or 1, None for other values; it may
    be empty.
    """

    names: tuple[Any, ...]
    values: Array
    resampled: Array
    limits: tuple[Limits | None, ...] = field(default=(), compare=False)

    @property
    def mean(self) -> float:
        """The mean over the seeds that have the figure; NaN if none has."""
        return float(self.values[self.defined].mean()) if self.defined.any() else math.nan

    @cached_property
    def defined(self) -> Array:
        """Which seeds have the figure, (seeds,)."""
        return numpy.asarray(~numpy.isnan(self.values))

    def of(self, names: Sequence[Hashable]) -> Seeds:
        """Some of the seeds, in the order of ``names``."""
        places = [self.names.index(name) for name in names]
        limits = tuple(self.limits[place] for place in places) if self.limits else ()
        return Seeds(tuple(names), self.values[places], self.resampled[places], limits)

    @cached_property
    def estimate(self) -> SeedMean:
        """The mean with its interval and the p-value of its difference from 0."""
        known = self.of([name for name, is_defined in zip(self.names, self.defined, strict=True) if is_defined])
        k = len(known.names)
        if not k:
            return SeedMean(None, seeds=len(self.names))
        estimate = replace(known._estimate(k), seeds=len(self.names))
        return estimate if k == len(self.names) else replace(estimate, p=None, smallest=None)

    def _estimate(self, k: int) -> SeedMean:
        """The estimate if every seed has the figure."""
        mean = float(snapped(self.mean))
        sd = float(self.values.std(ddof=1)) if k > 1 else None
        if sd is None or sd < NEGLIGIBLE:
            limits = self.shared_limits
            means = snapped(self.resampled.mean(axis=0))
            interval = limits(LEVEL) if limits is not None else percentiles(means)
            p = two_sided(means) if k > 1 else None
            smallest = (interval[1] - interval[0]) / 2 if k > 1 and interval is not None else None
            return SeedMean(mean, interval, p, sd, n=k, smallest=smallest)
        common = self._common_variance()
        if common is None:
            return SeedMean(mean, sd=sd, n=k)
        half = partial(half_width, common, sd**2, k)
        p = p_value(lambda level: (mean - half(level), mean + half(level)))
        smallest = float(half())
        return SeedMean(mean, (mean - smallest, mean + smallest), p, sd, n=k, smallest=smallest)

    def _common_variance(self) -> float | None:
        """V_m; None if in most resamples some seed does not have the figure."""
        together = self.resampled[:, ~numpy.isnan(self.resampled).any(axis=0)]
        if 2 * together.shape[1] <= self.resampled.shape[1]:
            return None
        of_mean, of_each = together.mean(axis=0).var(), together.var(axis=1).mean()
        return float(common_variance(of_mean, of_each, len(self.names)))

    @property
    def shared_limits(self) -> Limits | None:
        """The mean of the exact intervals, if all seeds have one. More seeds do not make it narrower, since all are on
        the same examples."""
        known = [limits for limits in self.limits if limits is not None]
        if not known or len(known) < len(self.names):
            return None

        def limits(level: float) -> Interval:
            low, high = numpy.mean([one(level) for one in known], axis=0).tolist()
            return low, high

        return limits


@dataclass(frozen=True)
class Paired:
    """One figure of an arm and of its reference, with the same seeds in the same order."""

    arm: Seeds
    reference: Seeds

    @cached_property
    def seeds(self) -> Seeds:
        """The differences arm - reference, by seed."""
        return Seeds(
            self.arm.names,
            snapped(self.arm.values - self.reference.values),
            self.arm.resampled - self.reference.resampled,
        )

    @cached_property
    def estimate(self) -> SeedMean:
        """The mean difference; with the score interval if all figures are 0 or 1, and all differences are equal."""
        mean = self.seeds.estimate
        limits = self.arm.shared_limits, self.reference.shared_limits
        if mean.value is None or mean.interval is not None or None in limits or mean.sd not in (None, 0.0):
            return mean

        def at(level: float) -> Interval:
            arm, reference = (one(level) for one in limits if one is not None)
            return of_difference(self.arm.mean, arm, self.reference.mean, reference)

        several = mean.seeds > 1
        return replace(mean, interval=at(LEVEL), p=p_value(at) if several and mean.value else mean.p)


def line(x: Sequence[float], points: Sequence[Seeds]) -> list[SeedMean]:
    """Slope, per unit of the axis, and intercept, at 0: means of the least-squares lines of the seeds that every point
    has.

    Args:
        x: the position of each point on the axis; at least two different positions.
    """
    shared = [name for name in points[0].names if all(name in point.names for point in points)]
    if not shared:
        return [SeedMean(None), SeedMean(None)]
    at = numpy.asarray(x, dtype=numpy.float64)
    chosen = [point.of(shared) for point in points]
    values = _least_squares(at, numpy.stack([one.values for one in chosen], axis=-1))
    resampled = _least_squares(at, numpy.stack([one.resampled for one in chosen], axis=-1))
    return [
        Seeds(tuple(shared), snapped(result), many).estimate for result, many in zip(values, resampled, strict=True)
    ]


def _least_squares(x: Array, y: Array) -> tuple[Array, Array]:
    """Slope and intercept of ``y``, (…, points), on ``x``, (points,); NaN if a point is undefined."""
    centred = x - x.mean()
    slope = (y * centred).sum(-1) / (centred**2).sum()
    return slope, y.mean(-1) - slope * x.mean()
