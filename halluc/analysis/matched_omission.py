"""The hallucination rates of two arms at matched omission, that is, if both omit equally much (DEFINITIONS, section 2).

Many methods only move a model along a trade-off: it claims more and omits less, or the reverse. So the least confident
claims of the arm that omits less are withdrawn until it omits as much as the other, and the rates are compared there.
Gold is omitted at a threshold if every claim that touches it is below the threshold.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy

from halluc.core import exact_intervals
from halluc.core.exact_intervals import Limits
from halluc.core.significance import RESAMPLES, FigureSample, defined, difference, weighted
from halluc.runs.studies import MatchedOmission

Array = numpy.ndarray


@dataclass(frozen=True)
class Arm:
    """The claims of one arm, and the confidence below which each gold mention is not omitted.

    ``example``, ``confidence`` and ``bad`` are (claims,): the index of a claim's example, its confidence, and whether
    it is a hallucination. ``touching`` is (gold,): the highest confidence of the claims that touch a gold mention, NaN
    or minus infinity if there is none.
    """

    example: Array
    confidence: Array
    bad: Array
    touching: Array


class _Order:
    """Claims or mentions in an order, for counting those before any position in many resamples at once.

    The counts of whole blocks are a matrix product; only the block that contains the position is scanned.
    """

    def __init__(self, example: Array, examples: int) -> None:
        from scipy.sparse import csr_array

        self.size, self.width = len(example), max(1, math.isqrt(len(example)))
        blocks = max(1, -(-self.size // self.width))
        ends = numpy.minimum(numpy.arange(blocks + 1) * self.width, self.size)
        ones = numpy.ones(self.size, dtype=numpy.float32)
        self.blocks = csr_array((ones, numpy.asarray(example, dtype=numpy.int64), ends), shape=(blocks, examples))
        # One block more than needed: the end of the order may be at a block border.
        self.example = numpy.zeros((blocks + 1) * self.width, dtype=numpy.int64)
        self.example[: self.size] = example

    def within(self, weights: Array) -> _Running:
        """The order in some resamples; ``weights`` (examples, resamples) are how often each example was drawn."""
        ends = numpy.zeros((self.blocks.shape[0] + 1, weights.shape[1]), dtype=numpy.float32)
        numpy.cumsum(self.blocks @ weights, axis=0, out=ends[1:])
        return _Running(self, weights, ends)


@dataclass(frozen=True)
class _Running:
    """An order in some resamples; ``ends`` are the counts before each block, (blocks + 1, resamples)."""

    order: _Order
    weights: Array
    ends: Array

    def _inside(self, block: Array, end: Array | int) -> Array:
        """The counts within one block of each resample, before ``end``, (width, resamples)."""
        places = block * self.order.width + numpy.arange(self.order.width)[:, None]
        return numpy.where(
            places < end, self.weights[self.order.example[places], numpy.arange(self.weights.shape[1])], 0
        )

    def _before(self, block: Array) -> Array:
        return numpy.asarray(numpy.take_along_axis(self.ends, block[None], axis=0)[0])

    def up_to(self, count: Array) -> Array:
        """The counts of the first ``count``, (resamples,), float64."""
        block = count // self.order.width
        return numpy.asarray(self._before(block) + self._inside(block, count).sum(axis=0), dtype=numpy.float64)

    def reach(self, target: Array) -> Array:
        """The smallest position up to which the count is ``target``, (resamples,)."""
        block = numpy.maximum((self.ends < target).sum(axis=0) - 1, 0)
        drawn = self._inside(block, self.order.size)
        counted = self._before(block) + numpy.cumsum(drawn, axis=0) - drawn
        return numpy.asarray(block * self.order.width + (counted < target).sum(axis=0))


class RankedArm:
    """An arm with its claims and gold sorted for a rising threshold.

    ``gold`` has the mentions that are omitted first at its beginning; ``claims`` and ``bad`` begin with the most
    confident claims. ``cut``, ``left`` and ``bad_left`` are (gold + 1,): if the first j mentions are omitted, claims
    with a confidence up to ``cut[j]`` are withdrawn, and this many claims and bad claims are left. No claim touches the
    first ``never`` mentions.
    """

    def __init__(self, arm: Arm, gold: Array, examples: int) -> None:
        if len(arm.touching) != len(gold):
            raise ValueError("`touching` has one confidence for each gold mention")
        touching = numpy.where(numpy.isnan(arm.touching), -numpy.inf, arm.touching)
        rising = numpy.argsort(touching, kind="stable")
        falling = numpy.argsort(-numpy.asarray(arm.confidence, dtype=float), kind="stable")
        bad = falling[numpy.asarray(arm.bad, dtype=bool)[falling]]
        self.cut = numpy.concatenate(([-numpy.inf], touching[rising]))
        self.left, self.bad_left = (
            numpy.searchsorted(-arm.confidence[which], -self.cut, side="left") for which in (falling, bad)
        )
        self.never = int(numpy.isneginf(touching).sum())
        self.gold = _Order(numpy.asarray(gold)[rising], examples)
        self.claims, self.bad = _Order(arm.example[falling], examples), _Order(arm.example[bad], examples)

    def within(self, weights: Array) -> ResampledArm:
        """The arm in some resamples; ``weights`` (examples, resamples) are how often each example was drawn."""
        gold, claims, bad = (order.within(weights) for order in (self.gold, self.claims, self.bad))
        return ResampledArm(self, gold, claims, bad, gold.up_to(numpy.full(weights.shape[1], self.never)))


@dataclass(frozen=True)
class ResampledArm:
    """An arm in some resamples; ``never`` is the number of mentions that no claim touches, (resamples,)."""

    arm: RankedArm
    gold: _Running
    claims: _Running
    bad: _Running
    never: Array

    def left(self, omitted: Array) -> Array:
        """The number of claims left if the first ``omitted`` mentions are omitted, (resamples,)."""
        return self.claims.up_to(self.arm.left[omitted])

    def rate(self, omitted: Array) -> Array:
        """Hallucination rates if the first ``omitted`` mentions are omitted, (resamples,); NaN if no claim is left."""
        left, bad = self.left(omitted), self.bad.up_to(self.arm.bad_left[omitted])
        return numpy.where(left > 0, bad / numpy.maximum(left, 1), numpy.nan)


def matched_positions(a: ResampledArm, b: ResampledArm) -> tuple[Array, Array]:
    """The number of mentions to omit in the order of each arm, (resamples,) each, to match the arm that omits more."""
    target = numpy.maximum(a.never, b.never)
    return a.gold.reach(target), b.gold.reach(target)


def rates(a: ResampledArm, b: ResampledArm) -> tuple[Array, Array]:
    """Hallucination rates of both arms at matched omission, (resamples,) each; NaN if an arm has no claim left."""
    at_a, at_b = matched_positions(a, b)
    return a.rate(at_a), b.rate(at_b)


def claims_left(a: ResampledArm, b: ResampledArm) -> tuple[float, float]:
    """The number of claims of each arm that are left at matched omission, in the first resample."""
    at_a, at_b = matched_positions(a, b)
    return float(a.left(at_a)[0]), float(b.left(at_b)[0])


def limits(rate: float, left: float, *, of_difference: bool = True) -> Limits | None:
    """The exact interval of a rate of 0 or 1 among the claims left: Wilson for a difference, otherwise Clopper-Pearson;
    None for other rates."""
    if not left or rate not in (0.0, 1.0):
        return None
    of_share = exact_intervals.wilson if of_difference else exact_intervals.clopper_pearson
    return lambda level: of_share(rate * left, left, level)


def matched_omission(a: Arm, b: Arm, gold: Array, examples: int, resamples: int = RESAMPLES) -> MatchedOmission:
    """Bring both arms to the larger of their omission rates, and compare their hallucination rates there.

    The threshold of an arm is the smallest of its confidences at which it omits at least that much; since omission
    changes in steps, the achieved rate may be slightly higher. The interval is a paired percentile bootstrap over
    examples. It matches the arms again in every resample, so it includes the error of the choice of thresholds.

    Args:
        a, b: the arms, on the same examples.
        gold: (gold,) the index of the example of each gold mention, at least one, in the order of ``Arm.touching``.

    Raises:
        ValueError: ``touching`` of an arm has another length than ``gold``.
    """
    arms = [RankedArm(arm, gold, examples) for arm in (a, b)]
    once = numpy.ones((examples, 1), dtype=numpy.float32)
    original = [arm.within(once) for arm in arms]
    omitted = matched_positions(*original)
    cuts = [arm.cut[places[0]] for arm, places in zip(arms, omitted, strict=True)]
    # Comparisons with NaN are false: mentions that no claim touches are omitted at every threshold.
    achieved = [float((~(arm.touching > cut)).mean()) for arm, cut in zip((a, b), cuts, strict=True)]
    drawn = [rates(*(arm.within(weights) for arm in arms)) for weights in weighted(examples, resamples)]
    samples = [
        FigureSample(float(rate[0]), numpy.concatenate(resampled), limits(float(rate[0]), left))
        for rate, left, resampled in zip(
            rates(*original), claims_left(*original), zip(*drawn, strict=True), strict=True
        )
    ]
    result = difference(samples[1], samples[0])
    return MatchedOmission(
        omission_rate=max(arm.never for arm in arms) / len(gold),
        a=defined(samples[0].value),
        b=defined(samples[1].value),
        difference=result.value,
        interval=result.interval,
        p=result.p,
        achieved=(achieved[0], achieved[1]),
    )
