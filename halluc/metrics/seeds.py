"""Figures over seeds: means, arms paired seed by seed, and lines against an axis (DEFINITIONS, sections 2 and 4).

Intervals are percentiles of a hierarchical bootstrap: examples are drawn, the same ones for all runs, and then seeds.
Where two arms are compared the seeds drawn are the same for both too, so that what a seed or an example does to both
cancels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy

from halluc.core.significance import Difference, Estimate, over_seeds, percentiles, two_sided

Array = numpy.ndarray


@dataclass(frozen=True)
class Seeds:
    """One figure of the runs of an arm, which differ in their seed.

    ``values`` are (seeds,), NaN where undefined; ``resampled`` (seeds, resamples), under the same draws of examples.
    """

    values: Array
    resampled: Array

    @property
    def mean(self) -> float:
        """NaN where the figure is undefined for one of the seeds."""
        return float(self.values.mean())

    def drawn(self, *key: object) -> Array:
        """The mean over seeds drawn anew, (resamples,); ``key`` decides which seeds are drawn."""
        return over_seeds(list(self.resampled), *key)

    def of(self, seeds: Sequence[int]) -> Seeds:
        """The runs of some seeds, by their places."""
        return Seeds(self.values[list(seeds)], self.resampled[list(seeds)])


@dataclass(frozen=True)
class Paired:
    """One figure of an arm and of its reference: the same seeds in the same order."""

    arm: Seeds
    reference: Seeds

    @property
    def mean(self) -> float:
        """Of the differences arm - reference; NaN where one is undefined."""
        return self.arm.mean - self.reference.mean

    def drawn(self, *key: object) -> Array:
        """The mean difference over seeds drawn anew, (resamples,)."""
        return Seeds(self.arm.values, self.arm.resampled - self.reference.resampled).drawn(*key)

    def difference(self, *key: object) -> Difference:
        """With its interval and two-sided p."""
        if numpy.isnan(self.mean):
            return Difference(None, None, None)
        drawn = self.drawn(*key)
        return Difference(self.mean, percentiles(drawn), two_sided(drawn))


@dataclass(frozen=True)
class Line:
    """Least squares against an axis: the slope is per unit of it, the intercept where it is nought."""

    slope: Estimate
    intercept: Estimate


def line(x: Sequence[float], means: Sequence[float], drawn: Sequence[Array]) -> Line:
    """The line through the means of some points, with intervals from the line through each resample of them.

    Args:
        x: where on the axis each point stands; two different places at least.
        means: of each point, NaN where undefined; then there is no line.
        drawn: the mean of each point in every resample, (resamples,) each.
    """
    if numpy.isnan(means).any():
        return Line(Estimate(None), Estimate(None))
    at = numpy.asarray(x, dtype=numpy.float64)
    found = _least_squares(at, numpy.asarray(means))
    resampled = _least_squares(at, numpy.stack(list(drawn), axis=-1))
    return Line(*(Estimate(float(one), percentiles(many)) for one, many in zip(found, resampled, strict=True)))


def _least_squares(x: Array, y: Array) -> tuple[Array, Array]:
    """Slope and intercept of ``y``, (…, points), on ``x``, (points,)."""
    centred = x - x.mean()
    slope = (y * centred).sum(-1) / (centred**2).sum()
    return slope, y.mean(-1) - slope * x.mean()
