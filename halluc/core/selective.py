"""Selective prediction: risk against coverage when the least confident claims are withheld.

Claims are sorted by confidence; ``risk(k)`` is the share of unsupported claims among the first k (El-Yaniv & Wiener
2010; AURC and E-AURC: Geifman et al. 2019, arXiv 1805.08206). Claims with equal confidence have no order, so each
figure is its expectation over a random order: the bad claims are spread evenly over the group. For AUROC this counts
ties as half, as usual.

``weights`` (B, claims) are integers: how often each of B resamples drew each claim. The figure is then an array (B,),
with NaN for resamples where it is undefined. A computation takes about 20 MB, whatever the number of resamples. Figures
of the same ``Order`` and the same weights share their sums.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy

Array = numpy.ndarray
# A function of cumulative sums over groups of equal confidence, the most confident first: the numbers of all and of bad
# claims so far, both (resamples, groups + 1) and 0 in the first column.
Figure = Callable[[Array, Array], Array]

Unit = Literal["example", "claim"]
_BLOCK = 2**19  # numbers in one working array, which fits into the cache of a processor


@dataclass(frozen=True)
class Guarantee:
    """A threshold, or the reason why there is none, and the results of the testing half.

    ``examples`` and ``claims`` are the numbers of those tested. ``kept_share`` (of these claims) and ``rate``
    (unsupported among the kept) are the values at the threshold. ``p_value``, ``test`` and its parameter are those at
    the threshold, or at ``start`` if that did not pass. ``kept_cap`` is K of Hoeffding-Bentkus, ``stake`` that of a
    bet, ``most_unsupported`` U.
    """

    threshold: float | None
    why_none: str | None
    unit: Unit
    max_rate: float
    probability: float
    examples: int
    claims: int
    assumes: str
    kept_share: float | None = None
    rate: float | None = None
    start: float | None = None
    p_value: float | None = None
    test: Literal["binomial", "hoeffding-bentkus", "betting"] | None = None
    kept_cap: int | None = None
    stake: float | None = None
    most_unsupported: int | None = None


def aurc(confidence: Array | Order, right: Array, weights: Array | None = None) -> Any:
    """Area under the risk-coverage curve: the mean of risk(k); None without claims."""
    return _figure(_aurc, confidence, ~_flags(right), weights)


def e_aurc(confidence: Array | Order, right: Array, weights: Array | None = None) -> Any:
    """AURC minus the AURC of the perfect order, which has all right claims first; None without claims."""
    return _figure(
        lambda claims, bad: _aurc(claims, bad) - _best_aurc(claims, bad), confidence, ~_flags(right), weights
    )


def auroc(confidence: Array | Order, right: Array, weights: Array | None = None) -> Any:
    """How often a right claim is more confident than a wrong one, ties counted half; None without both kinds."""
    return _figure(_auroc, confidence, ~_flags(right), weights)


def rate_at_coverage(confidence: Array | Order, bad: Array, coverage: float, weights: Array | None = None) -> Any:
    """The rate of ``bad`` among the ceil(coverage * n) most confident claims; None if there are none.

    Args:
        bad: (claims,) what the rate counts, such as unsupported claims.
        coverage: the share 0 to 1 of claims that is kept.
    """
    return _figure(lambda claims, wrong: _rate(claims, wrong, coverage), confidence, _flags(bad), weights)


def claims_kept(claims: Array, coverage: float) -> Array:
    """ceil(coverage * claims), the number of claims that are kept, as floats of the same shape."""
    # Rounding errors must not turn .07 * 100 into 8 claims.
    return numpy.ceil(coverage * numpy.asarray(claims) - 1e-9)


def _flags(values: Array) -> Array:
    return numpy.asarray(values, dtype=bool)


class Order:
    """Claims sorted by falling confidence. The sums for the last weights are cached."""

    def __init__(self, confidence: Array) -> None:
        self._order = numpy.argsort(-numpy.asarray(confidence, dtype=float), kind="stable")
        falling = numpy.asarray(confidence)[self._order]
        # The position of the last claim of each group of equal confidence.
        self._last = numpy.flatnonzero(numpy.append(falling[1:] != falling[:-1], True)) if len(falling) else self._order
        self._weights: Array | None = None
        self._counts = self._order
        self._sums: dict[bytes, Array] = {}

    def __len__(self) -> int:
        return len(self._order)

    def curves(self, bad: Array, weights: Array | None) -> tuple[Array, Array]:
        """The numbers of all and of bad claims up to the end of each group, (resamples, groups + 1); without weights
        every claim counts once.

        Args:
            bad: (claims,) which claims are bad, in the order of the columns of ``weights``.
        """
        if weights is None or weights is not self._weights:
            ones = numpy.ones((1, len(self)), dtype=int)
            self._counts = ones if weights is None else numpy.take(weights, self._order, axis=1)
            self._weights, self._sums = weights, {}
        return self._summed(b"", None), self._summed(bad.tobytes(), bad)

    def _summed(self, key: bytes, bad: Array | None) -> Array:
        if key not in self._sums:
            counts = self._counts if bad is None else self._counts * bad[self._order]
            sums = numpy.zeros((len(counts), len(self._last) + 1))
            running = numpy.cumsum(counts, axis=1, dtype=float)
            sums[:, 1:] = running if len(self._last) == len(self) else running[:, self._last]
            self._sums[key] = sums
        return self._sums[key]


def block(claims: int) -> int:
    """The number of resamples of so many claims that are computed at once."""
    return max(1, _BLOCK // max(1, claims))


def _figure(figure: Figure, confidence: Array | Order, bad: Array, weights: Array | None) -> Any:
    order = confidence if isinstance(confidence, Order) else Order(confidence)
    if not len(order):
        return None if weights is None else numpy.full(len(weights), numpy.nan)
    if weights is None:
        value = float(figure(*order.curves(bad, None))[0])
        return None if numpy.isnan(value) else value
    if weights.dtype.kind not in "iub":
        raise ValueError("weights count how often a claim was drawn: integers")
    rows = block(len(order))
    if len(weights) <= rows:
        return figure(*order.curves(bad, weights))
    return numpy.concatenate(
        [figure(*order.curves(bad, weights[first : first + rows])) for first in range(0, len(weights), rows)]
    )


def _divide(above: Array, below: Array) -> Array:
    """A quotient, NaN if the divisor, which is 0 or at least 1, is 0."""
    return numpy.where(below > 0, above / numpy.maximum(below, 1), numpy.nan)


def _harmonic(upto: Array) -> Array:
    """H(k) = 1 + 1/2 + ... + 1/k for integers k."""
    sums = numpy.zeros(int(upto.max(initial=0)) + 1)
    numpy.cumsum(1 / numpy.arange(1, len(sums)), out=sums[1:])
    return numpy.take(sums, upto.astype(numpy.int64))


def _aurc(claims: Array, bad: Array) -> Array:
    # In a group from S to S + W with b bad ones after B, the expected risks (B + (k - S) b / W) / k add up to
    # b + (B - S b / W) (H(S + W) - H(S)).
    slope = numpy.diff(bad, axis=1) / numpy.maximum(numpy.diff(claims, axis=1), 1)
    risks = (bad[:, :-1] - slope * claims[:, :-1]) * numpy.diff(_harmonic(claims), axis=1)
    return _divide(bad[:, -1] + risks.sum(axis=1), claims[:, -1])


def _best_aurc(claims: Array, bad: Array) -> Array:
    right = claims[:, -1] - bad[:, -1]
    risks = bad[:, -1] - right * (_harmonic(claims[:, -1]) - _harmonic(right))
    return _divide(risks, claims[:, -1])


def _auroc(claims: Array, bad: Array) -> Array:
    # A right claim wins against the bad ones of later groups, and ties with those of its own group.
    right = numpy.diff(claims - bad, axis=1)
    under = bad[:, -1:] - (bad[:, :-1] + bad[:, 1:]) / 2
    return _divide((right * under).sum(axis=1), (claims[:, -1] - bad[:, -1]) * bad[:, -1])


def _rate(claims: Array, bad: Array, coverage: float) -> Array:
    kept = claims_kept(claims[:, -1], coverage)[:, None]
    group = numpy.maximum((claims < kept).sum(axis=1, keepdims=True), 1)
    ends = [numpy.take_along_axis(sums, place, axis=1) for sums in (claims, bad) for place in (group - 1, group)]
    start, end, bad_before, bad_after = ends
    inside = (kept - start) / numpy.maximum(end - start, 1)
    return _divide(bad_before + inside * (bad_after - bad_before), kept)[:, 0]
