"""Intervals and comparisons by resampling examples (DEFINITIONS, section 4).

A figure is a function of sums over examples: a rate divides two sums, F1 combines three. Examples are counted once, in
the columns of a ``Sheet``; a bootstrap (Efron 1979) then only sums the rows that it draws, without a scorer. The draws
depend on the number of examples alone, so two runs on the same examples get the same resamples and their differences
are paired. ``analysis.seeds`` combines several seeds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy

from halluc.core import exact_intervals
from halluc.core.exact_intervals import Interval, Limits
from halluc.core.rng import keyed_generator

RESAMPLES = 10_000
LEVEL = 0.95
# Draws in memory at once: 16 MB of float32, which may fit into the last-level cache of a processor.
_CELLS_A_CHUNK = 1 << 22
# Draws counted at once: they fit into the first-level cache, ten times faster than a whole chunk.
_CELLS_IN_CACHE = 1 << 12

# Differences, slopes and widths below this are rounding errors, and count as 0.
NEGLIGIBLE = 1e-9

# From sums of the sheet's columns, (…, columns), to the figure, (…); NaN if undefined.
Formula = Callable[[numpy.ndarray], numpy.ndarray]


@dataclass(frozen=True)
class Figure:
    """One number of an evaluation: its name, its slice, and the formula that computes it.

    ``n`` is the denominator of a share; for F1, the number of gold mentions.
    """

    name: str
    by: dict[str, str]
    protocol: str
    n: int
    formula: Formula


# A figure of ranked items, NaN or None if undefined. With weights, an array (resamples, items) of how often each item
# counts, the result has shape (resamples,); with None each item counts once.
WeightedFigure = Callable[[numpy.ndarray | None], Any]


@dataclass(frozen=True)
class Ranked:
    """Figures of ranked items, such as AUROC, which cannot be computed from sums over examples.

    ``example`` (items,) is the index of the example of each item; a figure has a name, a slice, and a function that
    computes it. ``units``: the number of units other than examples to which the items belong; these units are resampled
    instead of examples.
    """

    protocol: str
    example: numpy.ndarray
    figures: tuple[tuple[str, dict[str, str], WeightedFigure], ...]
    units: int | None = None


@dataclass(frozen=True)
class Estimate:
    """A figure, or a difference with a two-sided p-value, and its 95% interval; None if undefined, or if there is
    nothing to resample."""

    value: float | None
    interval: Interval | None = None
    p: float | None = None


class Sheet:
    """Counts per example, one column for each quantity. Equal columns are stored once.

    Hundreds of labels make thousands of columns, nearly all zero: small integers are stored in bytes, and sums use a
    sparse matrix.
    """

    def __init__(self, examples: int) -> None:
        self.examples = examples
        self.columns: list[numpy.ndarray] = []
        self.known: dict[bytes, int] = {}
        self._sparse: Any = None

    def column(self, counts: numpy.ndarray) -> int:
        """Add counts of shape (examples,); returns the number of their column."""
        values = numpy.ascontiguousarray(counts, dtype=numpy.float64)
        if values.shape != (self.examples,):
            raise ValueError(f"a column of shape {values.shape} for {self.examples} examples")
        key = blake2b(values.tobytes(), digest_size=16).digest()
        if key not in self.known:
            self.known[key] = len(self.columns)
            self.columns.append(_compact(values))
        return self.known[key]

    def tally(self, example: numpy.ndarray, weights: numpy.ndarray | None = None) -> int:
        """The column that counts how often each example occurs in ``example`` (indexes), or sums their weights."""
        return self.column(numpy.bincount(example, weights, minlength=self.examples))

    def totals(self) -> numpy.ndarray:
        """Sums over all examples, (columns,)."""
        return numpy.array([column.sum() for column in self.columns], dtype=numpy.float64)

    def resampled(self, resamples: int = RESAMPLES) -> numpy.ndarray:
        """Sums over the examples of each resample, (resamples, columns)."""
        return numpy.concatenate([self.summed(weights) for weights in weighted(self.examples, resamples)])

    def summed(self, weights: numpy.ndarray) -> numpy.ndarray:
        """Sums over the examples of some resamples, (some, columns), for ``weights`` from ``weighted``."""
        if not self.columns:
            return numpy.zeros((weights.shape[1], 0))
        return numpy.asarray((self._table() @ weights).T, dtype=numpy.float64)

    def _table(self) -> Any:
        """The columns as rows of a sparse matrix, (columns, examples).

        It is stored by example: a product then reads the weights of each example once, three times as fast.
        """
        from scipy.sparse import csr_array

        if self._sparse is None or self._sparse.shape[0] < len(self.columns):
            places = [numpy.flatnonzero(column) for column in self.columns]
            values = [column[place].astype(numpy.float32) for column, place in zip(self.columns, places, strict=True)]
            ends = numpy.cumsum([0, *map(len, places)])
            parts = (numpy.concatenate(values), numpy.concatenate(places), ends)
            self._sparse = csr_array(parts, shape=(len(self.columns), self.examples)).tocsc()
        return self._sparse

    def estimates(self, formulas: Sequence[Formula]) -> list[Estimate]:
        """Each figure with its percentile interval."""
        totals = self.totals()
        values = [float(formula(totals)) for formula in formulas]
        if self.examples < 2:
            return [Estimate(defined(value)) for value in values]
        sums = self.resampled()
        return [
            Estimate(defined(value), interval_of(formula, totals, sums, value))
            for formula, value in zip(formulas, values, strict=True)
        ]

    def samples(self, formulas: Sequence[Formula]) -> list[FigureSample]:
        """Each figure in every resample, for ``difference``."""
        totals, sums = self.totals(), self.resampled()
        return [
            FigureSample(float(one(totals)), one(sums), exact_limits(one, totals, of_difference=True))
            for one in formulas
        ]


def _compact(values: numpy.ndarray) -> numpy.ndarray:
    """The numbers, as bytes if they are small integers."""
    if len(values) and values.min() >= 0 and values.max() <= 255:
        small = values.astype(numpy.uint8)
        return small if (small == values).all() else values
    return values


def defined(value: float) -> float | None:
    """The value, None instead of NaN."""
    return None if numpy.isnan(value) else value


def draws(examples: int, resamples: int = RESAMPLES) -> Iterator[numpy.ndarray]:
    """How often each resample draws each example, in chunks of shape (some, examples), float32."""
    chance = keyed_generator("bootstrap", examples)
    chunk = max(1, min(resamples, _CELLS_A_CHUNK // max(1, examples)))
    some = max(1, _CELLS_IN_CACHE // max(1, examples))
    for start in range(0, resamples, chunk):
        drawn = numpy.empty((min(chunk, resamples - start), examples), dtype=numpy.float32)
        for first in range(0, len(drawn), some):
            rows = drawn[first : first + some]
            places = chance.integers(0, examples, size=rows.shape)
            places += examples * numpy.arange(len(rows))[:, None]  # each row counts in a range of its own
            rows[:] = numpy.bincount(places.ravel(), minlength=rows.size).reshape(rows.shape)
        yield drawn


def weighted(examples: int, resamples: int = RESAMPLES) -> Iterator[numpy.ndarray]:
    """``draws`` transposed, in chunks of shape (examples, some), contiguous: for the sums of several sheets."""
    for drawn in draws(examples, resamples):
        yield numpy.ascontiguousarray(drawn.T)


def interval_of(formula: Formula, totals: numpy.ndarray, sums: numpy.ndarray, value: float) -> Interval | None:
    """The percentile interval; for a figure whose error resampling cannot estimate, the exact one."""
    if numpy.isnan(value):
        return None
    limits = exact_limits(formula, totals)
    return percentiles(formula(sums)) if limits is None else limits(LEVEL)


def exact_limits(formula: Formula, totals: numpy.ndarray, *, of_difference: bool = False) -> Limits | None:
    """The exact interval of a figure of 0 or 1, or of a rate of events; None for all other figures.

    Args:
        totals: the sums over all examples, (columns,).
        of_difference: whether the interval of a difference is computed from it, which needs the score interval of a
            share.
    """
    method = getattr(formula, "exact_limits", None)
    return None if method is None else method(totals, of_difference)


def percentiles(values: numpy.ndarray) -> Interval | None:
    """The middle 95% of resampled values; None if most are undefined, or all are equal."""
    middle = _middle(values, LEVEL)
    return middle if middle is not None and middle[1] - middle[0] > NEGLIGIBLE else None


def _middle(values: numpy.ndarray, level: float) -> Interval | None:
    """The middle share of values; None if most are undefined."""
    defined = values[~numpy.isnan(values)]
    if 2 * len(defined) <= len(values):
        return None
    low, high = numpy.quantile(defined, [(1 - level) / 2, (1 + level) / 2]).tolist()
    return low, high


@dataclass(frozen=True)
class Ratio:
    """``scale`` times the sum of some columns over the sum of others; ``undefined`` if the denominator is 0.

    A ratio that is not a share, and has a scale, is a rate of events. ``is_exact``: a share of independent examples,
    which has an exact interval at any value.
    """

    above: tuple[int, ...]
    below: tuple[int, ...]
    scale: float = 1.0
    undefined: float = float("nan")
    is_share: bool = True
    is_exact: bool = False

    def __call__(self, sums: numpy.ndarray) -> numpy.ndarray:
        return divided(
            self.scale * sums[..., list(self.above)].sum(-1), sums[..., list(self.below)].sum(-1), self.undefined
        )

    def exact_limits(self, totals: numpy.ndarray, of_difference: bool) -> Limits | None:
        """For a share of 0 or 1 Clopper-Pearson, for differences Wilson; for a rate of events Poisson."""
        hits, n = (float(totals[list(columns)].sum()) for columns in (self.above, self.below))
        if not n:
            return None
        if not self.is_share:
            is_rate = self.scale != 1
            return (lambda level: exact_intervals.poisson(hits, n / self.scale, level)) if is_rate else None
        if hits not in (0.0, n) and not self.is_exact:
            return None
        of_share = exact_intervals.wilson if of_difference else exact_intervals.clopper_pearson
        return lambda level: of_share(hits, n, level)


@dataclass(frozen=True)
class Mean:
    """The mean of several figures, 0 for no figures; ``weights``, if any, are the columns with their weights.

    ``of_defined``: without weights, undefined figures are left out; otherwise one of them makes the mean undefined.
    """

    formulas: tuple[Formula, ...]
    weights: tuple[int, ...] | None = None
    of_defined: bool = False

    def __call__(self, sums: numpy.ndarray) -> numpy.ndarray:
        if not self.formulas:
            return numpy.zeros(sums.shape[:-1])
        values = numpy.stack([formula(sums) for formula in self.formulas], axis=-1)
        if self.weights is None:
            counted = ~numpy.isnan(values) if self.of_defined else numpy.ones_like(values)
            return divided(numpy.where(counted, values, 0.0).sum(-1), counted.sum(-1))
        weights = sums[..., list(self.weights)]
        return divided((values * weights).sum(-1), weights.sum(-1), undefined=0.0)

    def exact_limits(self, totals: numpy.ndarray, of_difference: bool) -> Limits | None:
        """For 0 and 1, the mean of the intervals of the parts, which is a wide interval."""
        if float(self(totals)) not in (0.0, 1.0):
            return None
        weights = [1.0] * len(self.formulas) if self.weights is None else totals[list(self.weights)].tolist()
        known = [
            (one, weight)
            for formula, weight in zip(self.formulas, weights, strict=True)
            if weight and (one := exact_limits(formula, totals, of_difference=of_difference)) is not None
        ]
        if not known or len(known) < sum(weight > 0 for weight in weights):
            return None

        def limits(level: float) -> Interval:
            bounds = numpy.array([one(level) for one, _ in known])
            low, high = numpy.average(bounds, axis=0, weights=[weight for _, weight in known]).tolist()
            return low, high

        return limits


@dataclass(frozen=True)
class F1:
    """The harmonic mean of precision and recall, ``2 hits / (predicted + gold)``; 0 if both counts are 0."""

    hits: int
    predicted: int
    gold: int

    def __call__(self, sums: numpy.ndarray) -> numpy.ndarray:
        return divided(2 * sums[..., self.hits], sums[..., self.predicted] + sums[..., self.gold], undefined=0.0)

    def exact_limits(self, totals: numpy.ndarray, of_difference: bool) -> Limits | None:
        """For 0 and 1, from the intervals of precision and recall; without any counts it may be anything."""
        hits, predicted, gold = (float(totals[column]) for column in (self.hits, self.predicted, self.gold))
        if not (predicted or gold) or not (hits == 0 or hits == predicted == gold):
            return None

        def limits(level: float) -> Interval:
            parts = [exact_intervals.clopper_pearson(hits, n, level) if n else (0.0, 1.0) for n in (predicted, gold)]
            return exact_intervals.f1(*parts)

        return limits


def divided(above: numpy.ndarray, below: numpy.ndarray, undefined: float = float("nan")) -> numpy.ndarray:
    """The quotient, ``undefined`` if ``below`` is zero."""
    safe = numpy.where(below == 0, 1.0, below)
    return numpy.where(below == 0, undefined, above / safe)


@dataclass(frozen=True)
class FigureSample:
    """A figure of one run on its examples.

    ``value`` is NaN if undefined, ``resampled`` has shape (resamples,); ``limits`` is the exact interval of a figure
    whose error resampling cannot estimate.
    """

    value: float
    resampled: numpy.ndarray
    limits: Limits | None = None

    def interval_at(self, level: float) -> Interval | None:
        """The exact interval, or percentiles."""
        return _middle(self.resampled, level) if self.limits is None else self.limits(level)


def difference(one: FigureSample, other: FigureSample) -> Estimate:
    """``one - other``, two figures on the same examples: a paired bootstrap; the score interval if one of the figures
    is 0 or 1. Undefined if one of the figures is.
    """
    value = snapped(one.value - other.value)
    if numpy.isnan(value):
        return Estimate(None)
    if one.limits is None and other.limits is None:
        deltas = snapped(one.resampled - other.resampled)
        return Estimate(float(value), percentiles(deltas), two_sided(deltas))
    if one.interval_at(LEVEL) is None or other.interval_at(LEVEL) is None:
        return Estimate(float(value))

    def limits(level: float) -> Interval:
        of_one, of_other = one.interval_at(level), other.interval_at(level)
        assert of_one is not None and of_other is not None
        return exact_intervals.of_difference(one.value, of_one, other.value, of_other)

    p = exact_intervals.p_value(limits) if value else 1.0
    if one.limits is None or other.limits is None:  # p cannot be smaller than the number of resamples allows
        p = max(p, 2 / (len(one.resampled) + 1))
    return Estimate(float(value), limits(LEVEL), p)


def snapped(values: Any) -> Any:
    """Differences, with rounding errors set to 0."""
    return numpy.where(numpy.abs(values) < NEGLIGIBLE, 0.0, values)


def two_sided(deltas: numpy.ndarray) -> float | None:
    """``min(1, 2 min(P(delta <= 0), P(delta >= 0)))`` with one added to each count; None if all are undefined."""
    defined = deltas[~numpy.isnan(deltas)]
    if not len(defined):
        return None
    below, above = (defined <= 0).sum() + 1, (defined >= 0).sum() + 1
    return float(min(1.0, 2 * min(below, above) / (len(defined) + 1)))


def holm(ps: Sequence[float | None]) -> list[float | None]:
    """Adjusted p-values over the comparisons made (Holm 1979); undefined ones stay undefined and are not counted."""
    order = sorted((p, index) for index, p in enumerate(ps) if p is not None)
    adjusted: list[float | None] = [None] * len(ps)
    highest = 0.0
    for rank, (p, index) in enumerate(order):
        highest = max(highest, min(1.0, p * (len(order) - rank)))
        adjusted[index] = highest
    return adjusted
