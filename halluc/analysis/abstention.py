"""Abstention with a guarantee: the confidence threshold that keeps the rate of unsupported claims below a bound.

Learn then Test (Angelopoulos et al. 2021, arXiv 2110.01052): on data like dev, the rate of unsupported claims among
those kept is at most ``max_rate``, with ``probability`` over draws of dev. A claim is kept if confidence >= threshold.
One half of dev is for fitting, the other for testing.

Fixed-sequence testing: thresholds are tested downwards from a start, each at level 1 - probability, up to the first
failure. A threshold that exceeds the bound can only be accepted if the first such threshold passes, which has at most
probability 1 - probability. So no correction for multiple tests is needed, if start and tests are chosen independently
of the verdicts in the testing half.

Unit "example": the strictest thresholds keep too few claims to pass, so the start is learned on the fitting half
(Laufer-Goldenberg et al. 2023, arXiv 2210.07913): the threshold with the smallest p-value there, the stricter one for
ties. The test for each threshold is also the one with the smallest p-value there: Hoeffding-Bentkus with some cap, or a
bet with some stake. Both are valid with any cap and stake, so an unlucky choice only costs power.

Unit "claim": exact binomial test, from the strictest threshold that keeps ceil(ln(1 - probability) / ln(1 - max_rate))
claims of the testing half, since fewer cannot pass. This start depends on how many claims are kept, so the guarantee
also assumes that, below a threshold that exceeds the bound, no band of confidences is within it.

``binomial``, ``hoeffding_bentkus`` and ``betting`` return a p-value for each of the 1,000 thresholds of the grid. The
null hypothesis is "claims kept at this threshold are unsupported more often than ``max_rate``". ``binomial`` assumes
that claims are independent draws. The other two assume this only for *examples*: claims of one example may depend on
each other. The rate is within the bound if E[L] <= 0 for the loss of an example

    L = unsupported - max_rate * kept,    unsupported <= min(kept, U).

It is an assumption that no example has more than U (``most``) unsupported claims; data can refute it, but not prove it.
In the fitting half U is estimated from that half; in the tests, from both halves.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial

import numpy

from halluc.core.rng import keyed_seed
from halluc.core.selective import Guarantee, Unit

Array = numpy.ndarray
GRID = numpy.arange(1000) / 1000


@dataclass(frozen=True)
class Half:
    """Claims (claims,) grouped by example, within an example the most confident first, and the number of all examples.

    ``level`` is the place in the grid of the strictest threshold that keeps a claim; ``rank`` is 1 for the most
    confident claim of its example; ``so_far`` counts the unsupported claims of the example up to this one.
    """

    examples: int
    level: Array
    rank: Array
    unsupported: Array
    so_far: Array

    @property
    def most(self) -> int:
        """The maximum number of unsupported claims of one example, at least 1."""
        return int(self.so_far.max(initial=1))


def half(example: Array, confidence: Array, unsupported: Array, members: Array) -> Half:
    """The claims of the examples for which ``members`` (examples,) is true; the other arguments are (claims,)."""
    here = numpy.flatnonzero(members[example])
    order = here[numpy.lexsort((-confidence[here], example[here]))]
    of, bad = example[order], unsupported[order].astype(bool)
    first = numpy.searchsorted(of, of, side="left")
    before = numpy.concatenate(([0], numpy.cumsum(bad)))
    level = numpy.searchsorted(GRID, confidence[order], side="right") - 1
    return Half(int(members.sum()), level, numpy.arange(len(of)) - first + 1, bad, before[1:] - before[first])


def at_least(level: Array, weights: Array | None = None) -> Array:
    """The number of claims that each threshold keeps, or the sum of their weights, (1000,)."""
    return numpy.bincount(level, weights, minlength=len(GRID))[::-1].cumsum()[::-1]


def binomial(claims: Half, max_rate: float) -> Array:
    """P(Bin(kept, max_rate) <= unsupported), (1000,): exact for independent claims."""
    from scipy.special import bdtr  # the import takes .14 s, and `halluc predict` needs no p-value

    return numpy.asarray(
        bdtr(at_least(claims.level[claims.unsupported]).astype(float), at_least(claims.level), max_rate)
    )


def hoeffding_bentkus(claims: Half, cap: int, most: int, max_rate: float) -> Array:
    """Hoeffding-Bentkus p-values, (1000,), with kept replaced by min(kept, K) for K = ``cap``.

    This only makes the loss L' larger, so E[L'] > 0 wherever E[L] > 0. L' is in [-max_rate K, U - max_rate min(U, K)];
    X is L' scaled to [0, 1], and beta the value of X for L' = 0. For the hypothesis E[X] >= beta, a valid p-value is
    p = min(exp(-n kl(min(mean X, beta) || beta)), e P(Bin(n, beta) <= ceil(n mean X)))
    (Bates et al. 2021, arXiv 2101.02703, section 3.1; Angelopoulos et al. 2021, arXiv 2110.01052, section 2.2).
    """
    from scipy.special import bdtr, rel_entr

    width = most - max_rate * min(most, cap) + max_rate * cap
    beta = max_rate * cap / width
    # The kept claims of an example are its most confident ones, so min(kept, K) counts those of rank 1 to K.
    losses = at_least(claims.level[claims.unsupported]) - max_rate * at_least(claims.level[claims.rank <= cap])
    mean = numpy.clip(beta + losses / (claims.examples * width), 0, 1)
    low = numpy.minimum(mean, beta)
    hoeffding = numpy.exp(-claims.examples * (rel_entr(low, beta) + rel_entr(1 - low, 1 - beta)))
    # The tail is expensive, and its argument is the same for most thresholds.
    counts, which = numpy.unique(numpy.ceil(claims.examples * mean), return_inverse=True)
    return numpy.asarray(
        numpy.minimum(numpy.minimum(hoeffding, numpy.e * bdtr(counts, claims.examples, beta)[which]), 1)
    )


def betting(claims: Half, stake: float, most: int, max_rate: float) -> Array:
    """P-values of a bet against the hypothesis, (1000,), with a stake in (0, 1).

    With lambda = stake / (U (1 - max_rate)), W = product over examples of (1 - lambda L) is never negative, since L <=
    U (1 - max_rate). For independent examples, E[W] is the product of (1 - lambda E[L]), at most 1 if E[L] >= 0, and by
    Markov's inequality min(1, 1 / W) is a p-value (Waudby-Smith & Ramdas 2024, arXiv 2010.09686, with a constant bet).
    Few examples have an unsupported claim, so L varies far less than its range, and Hoeffding-Bentkus uses only the
    range; it is better if every example has one claim and nearly all are kept.
    """
    bet = stake / (most * (1 - max_rate))
    after = claims.so_far - max_rate * claims.rank
    before = after - claims.unsupported + max_rate
    # log W is the sum over the kept claims of what each adds to the logarithm of its example's factor.
    wealth = at_least(claims.level, numpy.log1p(-bet * after) - numpy.log1p(-bet * before))
    return numpy.asarray(numpy.exp(-numpy.maximum(wealth, 0)))


STAKES = numpy.arange(1, 20) / 20
_ASSUMES: dict[Unit, str] = {
    "example": "examples are independent draws, none with more than `most_unsupported` unsupported claims",
    "claim": "claims are independent draws, no less often unsupported where confidence is lower",
}


def halves(ids: Iterable[str]) -> Array:
    """Which examples are for fitting (True) and for testing (False), by a hash of the id."""
    return numpy.array([keyed_seed("halves", one) % 2 == 1 for one in ids], dtype=bool)


def choose(
    example: Array,
    confidence: Array,
    unsupported: Array,
    fitting: Array,
    max_rate: float,
    probability: float,
    unit: Unit = "example",
) -> Guarantee:
    """The lowest threshold of the grid .000 to .999 that passes, as described at the top of this module.

    Args:
        example, confidence, unsupported: (claims,) the index of a claim's example, its confidence (at the final
            temperature), and whether it is unsupported. Without unverifiable claims.
        fitting: (examples,) True for the fitting half (``halves``), including examples without claims.

    Raises:
        ValueError: a confidence is not between 0 and 1.
    """
    if not ((confidence >= 0) & (confidence <= 1)).all():
        raise ValueError("confidences lie between 0 and 1")
    fit, test = (half(example, confidence, unsupported, side) for side in (fitting, ~fitting))
    choice = Guarantee(None, None, unit, max_rate, probability, test.examples, len(test.level), _ASSUMES[unit])
    if not len(test.level):
        return replace(choice, why_none="the testing half has no claims")
    return _by_examples(choice, fit, test) if unit == "example" else _by_claims(choice, test)


def choose_by_class(
    classes: Array,
    example: Array,
    confidence: Array,
    unsupported: Array,
    fitting: Array,
    max_rate: float,
    probability: float,
    unit: Unit = "example",
) -> dict[str, Guarantee]:
    """A threshold for each of the ``classes`` (claims,) in the fitting half; other arguments as in ``choose``.

    With k classes, each guarantee has the probability 1 - (1 - probability) / k, so that all of them together, and that
    of the rate over all kept claims, have ``probability`` (Bonferroni). The testing half does not affect k. A class
    that is absent from the fitting half has no threshold.
    """
    names = sorted({*classes[fitting[example]].tolist()})
    level = 1 - (1 - probability) / max(1, len(names))
    return {
        name: choose(example[of], confidence[of], unsupported[of], fitting, max_rate, level, unit)
        for name in names
        for of in (classes == name,)
    }


def _by_claims(choice: Guarantee, test: Half) -> Guarantee:
    # The subtrahend avoids that a rounding error requires one claim more.
    needed = math.ceil(math.log(1 - choice.probability) / math.log(1 - choice.max_rate) - 1e-9)
    enough = numpy.flatnonzero(at_least(test.level) >= needed)
    if not len(enough):
        too_few = f"{choice.claims} claims are too few: {needed} are needed even if none is unsupported"
        return replace(choice, why_none=too_few)
    result, _ = _descend(choice, test, binomial(test, choice.max_rate), int(enough[-1]))
    return replace(result, test="binomial")


def _by_examples(choice: Guarantee, fit: Half, test: Half) -> Guarantee:
    if not len(fit.level):
        return replace(choice, why_none="the fitting half has no claims to choose a start by")
    caps = int(fit.rank.max())
    tests = [partial(hoeffding_bentkus, cap=cap) for cap in range(1, caps + 1)]
    tests += [partial(betting, stake=float(stake)) for stake in STAKES]
    learned = numpy.array([p_values(fit, most=fit.most, max_rate=choice.max_rate) for p_values in tests])
    smallest, which = learned.min(axis=0), learned.argmin(axis=0)
    start = int(numpy.flatnonzero(smallest == smallest.min())[-1])
    most = max(fit.most, test.most)
    tested = numpy.ones(len(GRID))
    for used in numpy.unique(which[: start + 1]):
        here = which == used
        tested[here] = tests[used](test, most=most, max_rate=choice.max_rate)[here]
    result, at = _descend(replace(choice, most_unsupported=most), test, tested, start)
    if which[at] < caps:
        return replace(result, test="hoeffding-bentkus", kept_cap=int(which[at]) + 1)
    return replace(result, test="betting", stake=float(STAKES[which[at] - caps]))


def _descend(choice: Guarantee, test: Half, p_values: Array, start: int) -> tuple[Guarantee, int]:
    """Test downwards from ``start`` to the first failure, and choose the last threshold that passes.

    Returns:
        the choice, and the position in the grid of the threshold, or of the start if that did not pass.
    """
    level = 1 - choice.probability
    failed = numpy.flatnonzero(p_values[start::-1] > level)
    passed = int(failed[0]) if len(failed) else start + 1
    at = start - passed + 1 if passed else start
    choice = replace(choice, start=float(GRID[start]), p_value=float(p_values[at]))
    if not passed:
        why = f"p = {p_values[at]:.2g} at the first threshold tested, {GRID[at]:.3f}, is over {level:.2g}"
        return replace(choice, why_none=why), at
    kept, unsupported = (int(at_least(levels)[at]) for levels in (test.level, test.level[test.unsupported]))
    share, rate = kept / choice.claims, unsupported / kept
    return replace(choice, threshold=float(GRID[at]), kept_share=share, rate=rate), at
