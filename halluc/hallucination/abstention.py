"""Abstention with a guarantee: the threshold on confidence that keeps the rate of unsupported claims under a bound.

Learn then Test (Angelopoulos et al. 2021, arXiv 2110.01052). A claim is kept where confidence >= threshold. On data like
dev, the rate of unsupported claims among the kept is at most ``max_rate``, with ``probability`` over draws of dev. Dev
is halved: one half fits (temperature, start, K), the other tests.

Thresholds are tested from a start downwards, each at level 1 - probability, up to the first failure. The start owes
nothing to the verdicts that it is tested on, so the chance of passing any threshold over the bound is that of passing
the first of them in the sequence: at most 1 - probability, without a correction for many tests (fixed sequence).

Unit "example": examples are independent draws, and claims of one example may depend on each other. A threshold is within
the bound where E[L] <= 0 for the loss of an example L = unsupported - max_rate * kept.

1. With kept replaced by min(kept, K) the loss only grows, so E[L'] <= 0 suffices, for any K fixed beforehand.
2. Assumed: no example has more than U unsupported claims. U is the most that either half shows, at least 1, which says
   nothing of examples to come; hence an assumption, kept in the record. As unsupported <= kept, L' lies in
   [-max_rate K, U - max_rate min(U, K)], and both ends occur. X is L' scaled to [0, 1]; L' = 0 becomes
   beta = max_rate K / (U - max_rate min(U, K) + max_rate K).
3. p = min(exp(-n kl(min(mean X, beta) || beta)), e P(Bin(n, beta) <= ceil(n mean X))) is valid where E[X] >= beta
   (Hoeffding-Bentkus; Bates et al. 2021, arXiv 2101.02703, section 3.1), and 1 where nothing is kept.
4. The strictest thresholds keep too little to pass, so the sequence starts where the fitting half has its smallest
   p-value, over every K (split fixed sequence, as in Pareto testing: Laufer-Goldenberg et al. 2023, arXiv 2210.07913),
   by the U that this half shows alone. Any start and any K are valid; bad ones only cost power.

Unit "claim": claims are independent draws; p = P(Bin(kept, max_rate) <= unsupported), exact. The sequence starts at the
strictest threshold that keeps ceil(ln(1 - probability) / ln(1 - max_rate)) claims of the testing half, as fewer can not
pass. As this start knows how many are kept, it is assumed that under a threshold over the bound no claims are within it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy
from scipy.special import bdtr, rel_entr

from halluc.core.rng import keyed_seed

Array = numpy.ndarray
Unit = Literal["example", "claim"]
GRID = numpy.arange(1000) / 1000
_ASSUMES: dict[Unit, str] = {
    "example": "examples are independent draws, none with more than `most_unsupported` unsupported claims",
    "claim": "claims are independent draws, no less often unsupported where confidence is lower",
}


@dataclass(frozen=True)
class Choice:
    """A threshold, or why there is none, and what the testing half says of it.

    ``kept_share`` (of its claims) and ``rate`` (unsupported among the kept) are at the threshold; ``p_value`` is there
    too, or at the start where nothing passed. ``kept_cap`` is K, ``most_unsupported`` U, both None for unit "claim".
    """

    threshold: float | None
    why_none: str | None
    unit: Unit
    max_rate: float
    probability: float
    examples: int
    claims: int
    start: float | None = None
    p_value: float | None = None
    kept_share: float | None = None
    rate: float | None = None
    kept_cap: int | None = None
    most_unsupported: int | None = None
    assumes: str = ""

    def as_record(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class _Half:
    """Claims of one half, and how many examples it has, those without claims too.

    ``level`` is the place in the grid of the strictest threshold that keeps a claim, ``place`` 0, 1, ... that of the
    claim among those of its example, the most confident first. ``most`` is U: unsupported claims of one example.
    """

    examples: int
    level: Array
    place: Array
    unsupported: Array
    most: int

    def kept(self, chosen: Array | slice = slice(None)) -> Array:
        """How many of the chosen claims each threshold keeps, (1000,)."""
        return _from_the_strictest(numpy.bincount(self.level[chosen], minlength=len(GRID)))

    def kept_by_cap(self, caps: int) -> Array:
        """Sums over examples of min(kept, K) for K = 1 to ``caps``, (caps, 1000).

        An example's kept claims are its most confident ones, so min(kept, K) counts those in its first K places.
        """
        within = self.place < caps
        cell = self.place[within] * len(GRID) + self.level[within]
        counts = numpy.bincount(cell, minlength=caps * len(GRID)).reshape(caps, len(GRID))
        return _from_the_strictest(counts.cumsum(axis=0))


def _from_the_strictest(counts: Array) -> Array:
    return counts[..., ::-1].cumsum(axis=-1)[..., ::-1]


def halves(ids: Iterable[str]) -> Array:
    """Which examples fit (True) and which test (False): by a hash of the id, so the same in every run and order."""
    return numpy.array([keyed_seed("halves", one) % 2 == 1 for one in ids], dtype=bool)


def choose(
    example: Array,
    confidence: Array,
    unsupported: Array,
    fitting: Array,
    max_rate: float,
    probability: float,
    unit: Unit = "example",
) -> Choice:
    """The lowest threshold of the grid .000 to .999 that passes, as the head of this module describes.

    Args:
        example, confidence, unsupported: (claims,) the number of a claim's example, its confidence (at the temperature
            that is used later), and whether it is unsupported. Unverifiable claims are left out beforehand.
        fitting: (examples,) True in the half that fits (``halves``); examples without claims are there too.

    Raises:
        ValueError: a confidence is not between 0 and 1.
    """
    if not ((confidence >= 0) & (confidence <= 1)).all():
        raise ValueError("confidences lie between 0 and 1")
    fit, test = (_half(example, confidence, unsupported, side) for side in (fitting, ~fitting))
    choice = Choice(None, None, unit, max_rate, probability, test.examples, len(test.level), assumes=_ASSUMES[unit])
    if not len(test.level):
        return replace(choice, why_none="the testing half has no claims")
    return _by_examples(choice, fit, test) if unit == "example" else _by_claims(choice, test)


def _half(example: Array, confidence: Array, unsupported: Array, side: Array) -> _Half:
    here = side[example]
    example, confidence, unsupported = example[here], confidence[here], unsupported[here].astype(bool)
    order = numpy.lexsort((-confidence, example))
    place = numpy.empty(len(order), dtype=numpy.int64)
    place[order] = numpy.arange(len(order)) - numpy.searchsorted(example[order], example[order], side="left")
    level = numpy.searchsorted(GRID, confidence, side="right") - 1
    most = int(numpy.bincount(example[unsupported], minlength=1).max())
    return _Half(int(side.sum()), level, place, unsupported, max(1, most))


def _by_claims(choice: Choice, test: _Half) -> Choice:
    needed = math.ceil(math.log(1 - choice.probability) / math.log(1 - choice.max_rate))
    kept = test.kept()
    enough = numpy.flatnonzero(kept >= needed)
    if not len(enough):
        too_few = f"{choice.claims} claims are too few: {needed} are needed even where none is unsupported"
        return replace(choice, why_none=too_few)
    p_values = bdtr(test.kept(test.unsupported).astype(float), kept, choice.max_rate)
    return _descend(choice, test, p_values, int(enough[-1]))


def _by_examples(choice: Choice, fit: _Half, test: _Half) -> Choice:
    if not len(fit.level):
        return replace(choice, why_none="the fitting half has no claims to choose a start by")
    by_cap = _p_values(fit, numpy.arange(1, int(fit.place.max()) + 2), fit.most, choice.max_rate)
    best = by_cap.min(axis=0)
    start = int(numpy.flatnonzero(best == best.min())[-1])  # the stricter of equals
    cap = int(by_cap[:, start].argmin()) + 1
    most = max(fit.most, test.most)
    p_values = _p_values(test, numpy.array([cap]), most, choice.max_rate)[0]
    return _descend(replace(choice, kept_cap=cap, most_unsupported=most), test, p_values, start)


def _p_values(half: _Half, caps: Array, most: int, max_rate: float) -> Array:
    """Hoeffding-Bentkus p-values of E[L'] > 0 at each cap and threshold, (caps, 1000): steps 1 to 3."""
    cap = caps[:, None]
    width = most - max_rate * numpy.minimum(most, cap) + max_rate * cap
    beta = max_rate * cap / width
    losses = half.kept(half.unsupported) - max_rate * half.kept_by_cap(int(caps.max()))[caps - 1]
    mean = numpy.clip(beta + losses / (half.examples * width), 0, 1)
    low = numpy.minimum(mean, beta)
    hoeffding = numpy.exp(-half.examples * (rel_entr(low, beta) + rel_entr(1 - low, 1 - beta)))
    bentkus = numpy.e * bdtr(numpy.ceil(half.examples * mean), half.examples, beta)
    return numpy.asarray(numpy.minimum(numpy.minimum(hoeffding, bentkus), 1))


def _descend(choice: Choice, test: _Half, p_values: Array, start: int) -> Choice:
    """Test from ``start`` downwards to the first failure; the last that passed is chosen."""
    level = 1 - choice.probability
    failed = numpy.flatnonzero(p_values[start::-1] > level)
    passed = int(failed[0]) if len(failed) else start + 1
    at = start - passed + 1 if passed else start
    choice = replace(choice, start=float(GRID[start]), p_value=float(p_values[at]))
    if not passed:
        return replace(choice, why_none=f"p = {p_values[at]:.2g} is over {level:.2g} at the first threshold tested")
    kept, unsupported = int(test.kept()[at]), int(test.kept(test.unsupported)[at])
    return replace(choice, threshold=float(GRID[at]), kept_share=kept / choice.claims, rate=unsupported / kept)
