"""Calibration of confidences: expected calibration error, Brier score, reliability, temperature scaling.

Guo et al. 2017, "On Calibration of Modern Neural Networks" (arXiv 1706.04599), for claims instead of images: a claim is
``right`` if the evidence supports it. Its confidence may combine several decisions, such as the tags of a span.
"""

from __future__ import annotations

import numpy

BINS = 15
EDGES = numpy.arange(BINS + 1) / BINS

COLDEST, HOTTEST = 0.05, 20.0
_GRID = numpy.linspace(numpy.log(COLDEST), numpy.log(HOTTEST), 61)
# The smallest -log of a confidence in the likelihood, so that a wrong claim costs at most 690 nats.
_CERTAIN = 1e-300
# `exp` of a larger number overflows.
_LARGEST_EXPONENT = 700.0


def bin_of(confidence: numpy.ndarray) -> numpy.ndarray:
    """The bin 0 to 14 of each confidence: (low, high], as in Guo et al.; 0 belongs to the first bin."""
    return numpy.searchsorted(EDGES[1:-1], confidence, side="left")


def sums_by_bin(
    confidence: numpy.ndarray, right: numpy.ndarray, example: numpy.ndarray, examples: int
) -> tuple[numpy.ndarray, numpy.ndarray, numpy.ndarray]:
    """Claims, summed confidence and right claims by example and bin: the input of a bootstrap over examples.

    Args:
        confidence, right, example: (claims,), the last with indexes below ``examples``.

    Returns:
        three float arrays (examples, 15); summed over examples, they are the arguments of ``ece_of_sums``.
    """
    cell = numpy.asarray(example, dtype=numpy.int64) * BINS + bin_of(confidence)
    columns = (None, confidence, numpy.asarray(right, dtype=float))
    n, mass, hits = (
        numpy.bincount(cell, column, minlength=examples * BINS).astype(float).reshape(examples, BINS)
        for column in columns
    )
    return n, mass, hits


def ece_of_sums(n: numpy.ndarray, confidence: numpy.ndarray, right: numpy.ndarray) -> numpy.ndarray:
    """Expected calibration error from sums by bin: ``sum |B| / N * |acc(B) - conf(B)|`` (Guo et al. 2017, eq. 3).

    Args:
        n, confidence, right: (..., 15), the number of claims of each bin, their summed confidence, and the number of
            right ones.

    Returns:
        (...), NaN if there are no claims.
    """
    total = numpy.asarray(n, dtype=float).sum(-1)
    # |B| * |acc - conf| is the distance of the two sums, so empty bins need no special case.
    distance = numpy.abs(numpy.asarray(right, dtype=float) - confidence).sum(-1)
    return numpy.where(total > 0, distance / numpy.maximum(total, 1), numpy.nan)


def confidences(
    rows: numpy.ndarray,
    claim: numpy.ndarray,
    claims: int,
    temperature: float = 1.0,
    claimed: numpy.ndarray | None = None,
) -> numpy.ndarray:
    """Confidence of each claim at a temperature: the geometric mean over its rows of the softmax probability of the
    claimed class, which is the largest one unless ``claimed`` is given.

    Args:
        rows: (rows, classes) logits, one row for each decision of a claim (for a span: one for each token).
        claim: (rows,) the claim 0 to ``claims - 1`` that a row belongs to, in any order.
        temperature: the divisor of the logits; 1 leaves them unchanged.
        claimed: (rows,) the class that is claimed.

    Returns:
        (claims,) in (0, 1].

    Raises:
        ValueError: a claim has no row.
    """
    return numpy.asarray(numpy.exp(_log_confidences(_relative_to_claimed(rows, claimed), claim, claims, temperature)))


def fit_temperature(
    rows: numpy.ndarray, claim: numpy.ndarray, right: numpy.ndarray, claimed: numpy.ndarray | None = None
) -> float:
    """The temperature that makes ``right`` (claims,) most likely under ``confidences`` (Guo et al. 2017, section 4.2).

    The search is over .05 to 20, on a logarithmic grid and then around its best point, since the likelihood of a mean
    over several rows may have more than one optimum. The result is 1 without claims, if all or none are right (the
    likelihood is then unbounded), and if all logits are equal.

    Raises:
        ValueError: a claim has no row.
    """
    from scipy.optimize import minimize_scalar  # the import takes half a second, and only a fit needs it

    outcome = numpy.asarray(right, dtype=bool)
    if outcome.all() or not outcome.any():
        return 1.0
    others = _relative_to_claimed(rows, claimed)

    def loss(log_temperature: float) -> float:
        """The mean negative log-likelihood. A confidence is never 0, so only the confidence 1 needs a bound."""
        exact = _log_confidences(others, claim, len(outcome), float(numpy.exp(log_temperature)))
        known = numpy.minimum(exact, -_CERTAIN)
        return -float(numpy.where(outcome, known, numpy.log(-numpy.expm1(known))).mean())

    losses = numpy.array([loss(point) for point in _GRID])
    if numpy.ptp(losses) <= 1e-9:
        return 1.0
    best = int(losses.argmin())
    around = (_GRID[max(best - 1, 0)], _GRID[min(best + 1, len(_GRID) - 1)])
    result = minimize_scalar(loss, bounds=around, method="bounded", options={"xatol": 1e-6})
    # A bounded search never returns the bound itself, which the grid has.
    return float(numpy.exp(result.x if result.fun < losses[best] else _GRID[best]))


def _relative_to_claimed(rows: numpy.ndarray, claimed: numpy.ndarray | None) -> numpy.ndarray:
    """Logits minus that of the claimed class (the largest, or ``claimed``), whose own place has minus infinity."""
    wide = numpy.array(rows, dtype=float)
    if len(wide):
        place = (wide.argmax(axis=1) if claimed is None else claimed)[:, None]
        wide -= numpy.take_along_axis(wide, place, axis=1)
        numpy.put_along_axis(wide, place, -numpy.inf, axis=1)
    return wide


def _log_confidences(others: numpy.ndarray, claim: numpy.ndarray, claims: int, temperature: float) -> numpy.ndarray:
    count = numpy.bincount(claim, minlength=claims)
    if not count.all():
        raise ValueError("a claim has no row of logits to be confident by")
    # log1p distinguishes values that are almost certain. Only a class that is claimed although another one has a far
    # larger logit would overflow.
    certainty = -numpy.log1p(numpy.exp(numpy.minimum(others / temperature, _LARGEST_EXPONENT)).sum(axis=1))
    mean: numpy.ndarray = numpy.bincount(claim, certainty, minlength=claims) / count
    return mean
