"""Two arms at matched omission: which hallucinates more where both leave out as much (DEFINITIONS, section 2).

Many methods only move a model along one trade-off, claiming more and omitting less or the reverse. So the least
confident claims are withdrawn from the arm that omits less, until it omits as much as the other, and the hallucination
rates are compared there. Gold is omitted under a threshold where every claim that touches it is under the threshold.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy

from halluc.core.rng import keyed_generator

Array = numpy.ndarray
RESAMPLES = 10_000
_BLOCK = 2**17  # numbers in one working array


@dataclass(frozen=True)
class Arm:
    """One arm's claims, and what they leave of the gold.

    ``example``, ``confidence`` and ``bad`` are (claims,): the number of a claim's example, its confidence, and whether
    it is a hallucination. ``touching`` is (gold,): the highest confidence of the claims that touch a gold mention, NaN
    or minus infinity where none does.
    """

    example: Array
    confidence: Array
    bad: Array
    touching: Array


@dataclass(frozen=True)
class Matched:
    """One arm at matched omission, its claims under ``threshold`` withdrawn: 0 withdraws none, None withdraws all.

    A rate is None where it would be a share of nothing: no gold, or no claims left.
    """

    threshold: float | None
    omission_rate: float | None
    hallucination_rate: float | None


@dataclass(frozen=True)
class Comparison:
    """Both arms, and the hallucination rate of ``b`` less that of ``a`` with its 95% interval.

    ``difference`` and ``interval`` are None where an arm has no claims left. Resamples that leave an arm without are
    the share ``undefined``, which the interval passes over.
    """

    a: Matched
    b: Matched
    difference: float | None
    interval: tuple[float, float] | None
    resamples: int
    undefined: float

    def as_record(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class _Sorted:
    """An arm in the order in which a rising threshold takes its claims and its gold.

    ``gold`` holds the examples of the gold, that of the least confident claims first; ``claims`` and ``bad`` those of
    the claims, the most confident first. ``cut``, ``left`` and ``bad_left`` are (gold + 1,): once the first j mentions
    are omitted, claims up to ``cut[j]`` are gone, and so many claims and bad ones are left.
    """

    gold: Array
    claims: Array
    bad: Array
    cut: Array
    left: Array
    bad_left: Array


def matched_omission(
    a: Arm, b: Arm, gold: Array, examples: int, resamples: int = RESAMPLES, seed: int = 0
) -> Comparison:
    """Bring both arms to the larger of their omission rates, and compare their hallucination rates there.

    The threshold of an arm is the smallest of its confidences at which it omits at least so much; since omission moves
    in steps, the rate that it reaches may lie a little above. The interval is a paired percentile bootstrap over
    examples that matches the arms anew in every resample, so that the choice of the thresholds is part of the error.

    Args:
        a, b: predictions for the same examples.
        gold: (gold,) the example 0 to ``examples - 1`` of each gold mention, in the order of ``Arm.touching``.

    Raises:
        ValueError: ``touching`` of an arm is not of these gold mentions.
    """
    if not len(a.touching) == len(b.touching) == len(gold):
        raise ValueError("`touching` has one confidence for each gold mention")
    arms = (_sort(a, gold), _sort(b, gold))
    omitted = _omitted(arms, numpy.ones((1, examples), dtype=numpy.int64))
    at_a, at_b = _matched(a, arms[0].cut[omitted[0][0]]), _matched(b, arms[1].cut[omitted[1][0]])
    if at_a.hallucination_rate is None or at_b.hallucination_rate is None:
        return Comparison(at_a, at_b, None, None, 0, 0.0)
    drawn = _bootstrap(arms, examples, resamples, seed)
    defined = drawn[~numpy.isnan(drawn)]
    return Comparison(
        a=at_a,
        b=at_b,
        difference=at_b.hallucination_rate - at_a.hallucination_rate,
        interval=_interval(defined),
        resamples=resamples,
        undefined=1 - len(defined) / resamples,
    )


def _sort(arm: Arm, gold: Array) -> _Sorted:
    touching = numpy.where(numpy.isnan(arm.touching), -numpy.inf, arm.touching)
    rising = numpy.argsort(touching, kind="stable")
    falling = numpy.argsort(-numpy.asarray(arm.confidence, dtype=float), kind="stable")
    bad = falling[numpy.asarray(arm.bad, dtype=bool)[falling]]
    cut = numpy.concatenate(([-numpy.inf], touching[rising]))
    left, bad_left = (numpy.searchsorted(-arm.confidence[which], -cut, side="left") for which in (falling, bad))
    return _Sorted(numpy.asarray(gold)[rising], arm.example[falling], arm.example[bad], cut, left, bad_left)


def _matched(arm: Arm, cut: float) -> Matched:
    """The arm with all claims up to ``cut`` withdrawn."""
    kept = arm.confidence > cut
    threshold = 0.0 if cut == -numpy.inf else float(arm.confidence[kept].min()) if kept.any() else None
    # A comparison with NaN is false: what no claim touches is omitted under every threshold.
    omitted = ~(arm.touching > cut)
    return Matched(
        threshold=threshold,
        omission_rate=float(omitted.mean()) if len(omitted) else None,
        hallucination_rate=float(arm.bad[kept].mean()) if kept.any() else None,
    )


def _running(weights: Array, example: Array) -> Array:
    """How often the first j of these were drawn, (resamples, n + 1)."""
    sums = numpy.zeros((len(weights), len(example) + 1), dtype=numpy.int64)
    numpy.cumsum(numpy.take(weights, example, axis=1), axis=1, out=sums[:, 1:])
    return sums


def _omitted(arms: tuple[_Sorted, _Sorted], weights: Array) -> tuple[Array, ...]:
    """How many mentions of each arm's order must be omitted, (resamples,), so that both omit as often as the worse."""
    sums = [_running(weights, arm.gold) for arm in arms]
    never = [int((arm.cut[1:] == -numpy.inf).sum()) for arm in arms]
    target = numpy.maximum(*(running[:, count] for running, count in zip(sums, never, strict=True)))
    return tuple((running < target[:, None]).sum(axis=1) for running in sums)


def _rates(arm: _Sorted, omitted: Array, weights: Array) -> Array:
    """Hallucination rate of each resample once ``omitted`` mentions of the order are, NaN where no claim is left."""
    left, bad = (
        numpy.take_along_axis(_running(weights, example), count[omitted][:, None], axis=1)[:, 0]
        for example, count in ((arm.claims, arm.left), (arm.bad, arm.bad_left))
    )
    return numpy.where(left > 0, bad / numpy.maximum(left, 1), numpy.nan)


def _bootstrap(arms: tuple[_Sorted, _Sorted], examples: int, resamples: int, seed: int) -> Array:
    """Differences b - a of the resamples, (resamples,)."""
    generator = keyed_generator("matched omission", seed)
    rows = max(1, _BLOCK // max(examples, *(len(part) for arm in arms for part in (arm.gold, arm.claims)), 1))
    blocks = []
    for first in range(0, resamples, rows):
        count = min(rows, resamples - first)
        drawn = generator.integers(0, examples, (count, examples)) + numpy.arange(count)[:, None] * examples
        weights = numpy.bincount(drawn.ravel(), minlength=count * examples).reshape(count, examples)
        at_a, at_b = (_rates(arm, cut, weights) for arm, cut in zip(arms, _omitted(arms, weights), strict=True))
        blocks.append(at_b - at_a)
    return numpy.concatenate(blocks)


def _interval(drawn: Array) -> tuple[float, float] | None:
    if not len(drawn):
        return None
    low, high = numpy.percentile(drawn, [2.5, 97.5])
    return float(low), float(high)
