"""Intervals and comparisons by resampling examples (DEFINITIONS, section 4).

A figure is a function of sums over examples: a rate divides two of them, F1 combines three. So examples are counted
once, in the columns of a ``Sheet``, and a bootstrap (Efron 1979) only adds up rows that it draws: scorers never run
again. The draws are a function of the number of examples alone, so that two runs on the same examples are resampled
alike and their differences are paired.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy

from halluc.core.rng import keyed_generator

RESAMPLES = 10_000
LEVEL = 0.95
# Draws held at once: 16 MB of float32, which a processor's last cache may hold.
_CELLS_A_CHUNK = 1 << 22

Interval = tuple[float, float]
# Sums of the sheet's columns, (…, columns), to the figure, (…); NaN where it is undefined.
Formula = Callable[[numpy.ndarray], numpy.ndarray]


@dataclass(frozen=True)
class Figure:
    """One number of an evaluation: what it is called, which slice it is of, how it is counted, and from what.

    ``n`` is the number of things that it is a share of, for F1 of gold mentions.
    """

    name: str
    by: dict[str, str]
    protocol: str
    n: int
    formula: Formula


@dataclass(frozen=True)
class Estimate:
    """A figure and its 95% interval; None where undefined, or where there is nothing to resample."""

    value: float | None
    interval: Interval | None = None


class Sheet:
    """Counts of each example, a column for each thing counted. Equal columns are kept once.

    Hundreds of labels make thousands of columns, nearly all of them nought nearly everywhere: small whole numbers are
    kept in a byte, and sums are taken from a sparse matrix.
    """

    def __init__(self, examples: int) -> None:
        self.examples = examples
        self.columns: list[numpy.ndarray] = []
        self.known: dict[bytes, int] = {}
        self._sparse: Any = None

    def column(self, counts: numpy.ndarray) -> int:
        """Take counts of shape (examples,); returns the number of their column."""
        values = numpy.ascontiguousarray(counts, dtype=numpy.float64)
        if values.shape != (self.examples,):
            raise ValueError(f"a column of shape {values.shape} for {self.examples} examples")
        key = blake2b(values.tobytes(), digest_size=16).digest()
        if key not in self.known:
            self.known[key] = len(self.columns)
            self.columns.append(_compact(values))
        return self.known[key]

    def tally(self, example: numpy.ndarray, weights: numpy.ndarray | None = None) -> int:
        """The column that counts how often each example stands in ``example`` (indexes), or sums their weights."""
        return self.column(numpy.bincount(example, weights, minlength=self.examples))

    def totals(self) -> numpy.ndarray:
        """Sums over all examples, (columns,)."""
        return numpy.array([column.sum() for column in self.columns], dtype=numpy.float64)

    def resampled(self, resamples: int = RESAMPLES) -> numpy.ndarray:
        """Sums over the examples of each resample, (resamples, columns)."""
        return numpy.concatenate([self.summed(weights) for weights in weighted(self.examples, resamples)])

    def summed(self, weights: numpy.ndarray) -> numpy.ndarray:
        """Sums over the examples of some resamples, (some, columns), from the ``weights`` of ``weighted``."""
        if not self.columns:
            return numpy.zeros((weights.shape[1], 0))
        return numpy.asarray((self._table() @ weights).T, dtype=numpy.float64)

    def _table(self) -> Any:
        """The columns as rows of a sparse matrix, (columns, examples)."""
        from scipy.sparse import csr_array

        if self._sparse is None or self._sparse.shape[0] < len(self.columns):
            places = [numpy.flatnonzero(column) for column in self.columns]
            values = [column[place].astype(numpy.float32) for column, place in zip(self.columns, places, strict=True)]
            ends = numpy.cumsum([0, *map(len, places)])
            parts = (numpy.concatenate(values), numpy.concatenate(places), ends)
            self._sparse = csr_array(parts, shape=(len(self.columns), self.examples))
        return self._sparse

    def estimates(self, formulas: Sequence[Formula], resamples: int = RESAMPLES) -> list[Estimate]:
        """Each figure with its percentile interval."""
        totals = self.totals()
        values = [float(formula(totals)) for formula in formulas]
        if self.examples < 2:
            return [Estimate(_defined(value)) for value in values]
        sums = self.resampled(resamples)
        return [
            Estimate(_defined(value), interval_of(formula, totals, sums, value))
            for formula, value in zip(formulas, values, strict=True)
        ]


def _compact(values: numpy.ndarray) -> numpy.ndarray:
    """The same numbers, as bytes where they are whole and small."""
    if len(values) and values.min() >= 0 and values.max() <= 255:
        small = values.astype(numpy.uint8)
        return small if (small == values).all() else values
    return values


def _defined(value: float) -> float | None:
    return None if numpy.isnan(value) else value


def draws(examples: int, resamples: int = RESAMPLES) -> Iterator[numpy.ndarray]:
    """How often each resample draws each example, in chunks of shape (some, examples), float32."""
    chance = keyed_generator("bootstrap", examples)
    chunk = max(1, min(resamples, _CELLS_A_CHUNK // max(1, examples)))
    for start in range(0, resamples, chunk):
        drawn = numpy.empty((min(chunk, resamples - start), examples), dtype=numpy.float32)
        for row in drawn:  # one row at a time stays in the cache: ten times faster than all at once
            row[:] = numpy.bincount(chance.integers(0, examples, size=examples), minlength=examples)
        yield drawn


def weighted(examples: int, resamples: int = RESAMPLES) -> Iterator[numpy.ndarray]:
    """``draws`` as columns, in chunks of shape (examples, some), contiguous: what several sheets are summed with."""
    for drawn in draws(examples, resamples):
        yield numpy.ascontiguousarray(drawn.T)


def interval_of(formula: Formula, totals: numpy.ndarray, sums: numpy.ndarray, value: float) -> Interval | None:
    """The percentile interval; for a share of none or of all the exact one, since resampling it tells nothing."""
    if numpy.isnan(value):
        return None
    if isinstance(formula, Ratio) and formula.is_share and value in (0.0, 1.0):
        n = float(totals[list(formula.below)].sum())
        return exact(value, n) if n else None
    return percentiles(formula(sums))


def percentiles(values: numpy.ndarray) -> Interval | None:
    """The middle 95% of resampled values; None where most of them are undefined."""
    defined = values[~numpy.isnan(values)]
    if 2 * len(defined) <= len(values):
        return None
    low, high = numpy.quantile(defined, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def exact(value: float, n: float) -> Interval:
    """Clopper & Pearson 1934, for 0 of ``n`` and ``n`` of ``n``."""
    bound = float(((1 - LEVEL) / 2) ** (1 / n))
    return (0.0, 1 - bound) if value == 0 else (bound, 1.0)


@dataclass(frozen=True)
class Ratio:
    """``scale`` times the sum of some columns over the sum of others; ``undefined`` where the latter is nothing."""

    above: tuple[int, ...]
    below: tuple[int, ...]
    scale: float = 1.0
    undefined: float = float("nan")
    is_share: bool = True

    def __call__(self, sums: numpy.ndarray) -> numpy.ndarray:
        return divided(
            self.scale * sums[..., list(self.above)].sum(-1), sums[..., list(self.below)].sum(-1), self.undefined
        )


@dataclass(frozen=True)
class Mean:
    """The mean of several figures, weighted by a column each where ``weights`` are given; 0 of none."""

    formulas: tuple[Formula, ...]
    weights: tuple[int, ...] | None = None

    def __call__(self, sums: numpy.ndarray) -> numpy.ndarray:
        if not self.formulas:
            return numpy.zeros(sums.shape[:-1])
        values = numpy.stack([formula(sums) for formula in self.formulas], axis=-1)
        if self.weights is None:
            return numpy.asarray(values.mean(-1))
        weights = sums[..., list(self.weights)]
        return divided((values * weights).sum(-1), weights.sum(-1), undefined=0.0)


def f1(hits: int, predicted: int, gold: int) -> Ratio:
    """The harmonic mean of precision and recall, ``2 hits / (predicted + gold)``; 0 where there is neither."""
    return Ratio((hits, hits), (predicted, gold), undefined=0.0, is_share=False)


def divided(above: numpy.ndarray, below: numpy.ndarray, undefined: float = float("nan")) -> numpy.ndarray:
    """The quotient, ``undefined`` where ``below`` is nought."""
    safe = numpy.where(below == 0, 1.0, below)
    return numpy.where(below == 0, undefined, above / safe)


@dataclass(frozen=True)
class Difference:
    """A figure of one run less that of another on the same examples; ``p`` is two-sided, from a paired bootstrap."""

    value: float | None
    interval: Interval | None
    p: float | None


def difference(
    one: Estimate, other: Estimate, resampled_one: numpy.ndarray, resampled_other: numpy.ndarray
) -> Difference:
    """The paired difference; undefined where one of the figures is."""
    if one.value is None or other.value is None:
        return Difference(None, None, None)
    deltas = resampled_one - resampled_other
    return Difference(one.value - other.value, percentiles(deltas), two_sided(deltas))


def two_sided(deltas: numpy.ndarray) -> float | None:
    """``min(1, 2 min(P(delta <= 0), P(delta >= 0)))`` with one added to each count; None where nothing is defined."""
    defined = deltas[~numpy.isnan(deltas)]
    if not len(defined):
        return None
    below, above = (defined <= 0).sum() + 1, (defined >= 0).sum() + 1
    return float(min(1.0, 2 * min(below, above) / (len(defined) + 1)))


def holm(ps: Sequence[float | None]) -> list[float | None]:
    """Adjusted p-values over the comparisons made (Holm 1979); those undefined stay so and do not count."""
    order = sorted((p, index) for index, p in enumerate(ps) if p is not None)
    adjusted: list[float | None] = [None] * len(ps)
    highest = 0.0
    for rank, (p, index) in enumerate(order):
        highest = max(highest, min(1.0, p * (len(order) - rank)))
        adjusted[index] = highest
    return adjusted


def over_seeds(values: Sequence[numpy.ndarray], *key: object) -> numpy.ndarray:
    """The second stage of a hierarchical bootstrap: for each resample of examples, the mean over seeds drawn anew.

    Args:
        values: the resampled figure of each seed, (resamples,) each, all under the same draws of examples.
        key: names the cell, so that the seeds of two cells are drawn independently.
    """
    table = numpy.stack(list(values))
    seeds, resamples = table.shape
    chosen = keyed_generator("seeds", *key).integers(0, seeds, size=(seeds, resamples))
    return numpy.asarray(numpy.take_along_axis(table, chosen, axis=0).mean(0))
