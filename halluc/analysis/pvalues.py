"""P-values of "claims kept at this threshold are unsupported more often than ``max_rate``", at all thresholds at once.

A claim is kept where confidence >= threshold. Each function takes the claims of one half of dev, and gives a p-value
for each of the 1,000 thresholds of the grid. Caps and stakes are fixed beforehand, or on other data.

``binomial`` takes single claims to be independent draws. The other two take *examples* to be: claims of one example may
depend on each other in any way. The rate is within the bound where E[L] <= 0 for the loss of an example

    L = unsupported - max_rate * kept,    unsupported <= min(kept, U).

That no example has more than U (``most``) unsupported claims is an assumption; data can refute it, and not prove it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy
from scipy.special import bdtr, rel_entr

Array = numpy.ndarray
GRID = numpy.arange(1000) / 1000


@dataclass(frozen=True)
class Half:
    """Claims (claims,) by example, in an example the most confident first, and how many examples there are in all.

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
        """The most unsupported claims of one example, at least 1."""
        return int(self.so_far.max(initial=1))


def half(example: Array, confidence: Array, unsupported: Array, members: Array) -> Half:
    """The claims of the examples where ``members`` (examples,) is true; the other arguments are (claims,)."""
    here = numpy.flatnonzero(members[example])
    order = here[numpy.lexsort((-confidence[here], example[here]))]
    of, bad = example[order], unsupported[order].astype(bool)
    first = numpy.searchsorted(of, of, side="left")
    before = numpy.concatenate(([0], numpy.cumsum(bad)))
    level = numpy.searchsorted(GRID, confidence[order], side="right") - 1
    return Half(int(members.sum()), level, numpy.arange(len(of)) - first + 1, bad, before[1:] - before[first])


def at_least(level: Array, weights: Array | None = None) -> Array:
    """Claims that each threshold keeps, or the sum of their weights, (1000,)."""
    return numpy.bincount(level, weights, minlength=len(GRID))[::-1].cumsum()[::-1]


def binomial(claims: Half, max_rate: float) -> Array:
    """P(Bin(kept, max_rate) <= unsupported), (1000,): exact for independent claims."""
    return numpy.asarray(
        bdtr(at_least(claims.level[claims.unsupported]).astype(float), at_least(claims.level), max_rate)
    )


def hoeffding_bentkus(claims: Half, cap: int, most: int, max_rate: float) -> Array:
    """Hoeffding-Bentkus p-values, (1000,), with kept replaced by min(kept, K) for K = ``cap``.

    That only makes the loss larger, so E[L'] > 0 wherever E[L] > 0. L' lies in [-max_rate K, U - max_rate min(U, K)],
    and both ends can occur; X is L' scaled to [0, 1], and beta where L' = 0 goes. Valid where E[X] >= beta is
    p = min(exp(-n kl(min(mean X, beta) || beta)), e P(Bin(n, beta) <= ceil(n mean X)))
    (Bates et al. 2021, arXiv 2101.02703, section 3.1; Angelopoulos et al. 2021, arXiv 2110.01052, section 2.2).
    """
    width = most - max_rate * min(most, cap) + max_rate * cap
    beta = max_rate * cap / width
    # The kept claims of an example are its most confident ones, so min(kept, K) counts those of rank 1 to K.
    losses = at_least(claims.level[claims.unsupported]) - max_rate * at_least(claims.level[claims.rank <= cap])
    mean = numpy.clip(beta + losses / (claims.examples * width), 0, 1)
    low = numpy.minimum(mean, beta)
    hoeffding = numpy.exp(-claims.examples * (rel_entr(low, beta) + rel_entr(1 - low, 1 - beta)))
    # The tail is the dear part, and few of the thresholds differ in its argument.
    counts, which = numpy.unique(numpy.ceil(claims.examples * mean), return_inverse=True)
    return numpy.asarray(
        numpy.minimum(numpy.minimum(hoeffding, numpy.e * bdtr(counts, claims.examples, beta)[which]), 1)
    )


def betting(claims: Half, stake: float, most: int, max_rate: float) -> Array:
    """P-values of a bet against the hypothesis, (1000,), with a stake in (0, 1).

    With lambda = stake / (U (1 - max_rate)), W = product over examples of (1 - lambda L) is never negative, since
    L <= U (1 - max_rate). Examples being independent, E[W] is the product of (1 - lambda E[L]), at most 1 where
    E[L] >= 0, and Markov's inequality makes min(1, 1 / W) a p-value (Waudby-Smith & Ramdas 2024, arXiv 2010.09686, with
    a constant bet). Few examples have an unsupported claim, so L varies far less than its range, which is all that
    Hoeffding-Bentkus goes by; that one gains where every example has one claim and nearly all are kept.
    """
    bet = stake / (most * (1 - max_rate))
    after = claims.so_far - max_rate * claims.rank
    before = after - claims.unsupported + max_rate
    # What a claim adds to the logarithm of its example's factor: over the claims kept, these add up to the logarithm.
    wealth = at_least(claims.level, numpy.log1p(-bet * after) - numpy.log1p(-bet * before))
    return numpy.asarray(numpy.exp(-numpy.maximum(wealth, 0)))
