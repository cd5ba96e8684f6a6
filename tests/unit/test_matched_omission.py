"""Matched omission against its definition: withdraw, count, compare, with every threshold tried."""

from __future__ import annotations

from dataclasses import replace

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from halluc.analysis.matched_omission import Arm, RankedArm, matched_omission, rates
from halluc.core import significance
from halluc.core.significance import draws, weighted

pytestmark = pytest.mark.filterwarnings("error")

EXAMPLES = 4
# Few values, so that there are ties.
CONFIDENCE = st.sampled_from([0.0, 0.2, 0.4, 0.9, 1.0])


@st.composite
def arms(draw, mentions):
    """Claims of which each touches at most one gold mention, and what that leaves of the gold."""
    claim = st.tuples(st.integers(0, EXAMPLES - 1), CONFIDENCE, st.booleans())
    loose = draw(st.lists(claim, max_size=6))
    touching = draw(st.lists(st.none() | CONFIDENCE, min_size=len(mentions), max_size=len(mentions)))
    tied = [(one, value, False) for one, value in zip(mentions, touching, strict=True) if value is not None]
    example, confidence, bad = zip(*loose, *tied, strict=True) if loose or tied else ((), (), ())
    missing = draw(st.sampled_from([numpy.nan, -numpy.inf]))
    return Arm(
        numpy.array(example, dtype=int),
        numpy.array(confidence, dtype=float),
        numpy.array(bad, dtype=bool),
        numpy.array([missing if value is None else value for value in touching], dtype=float),
    )


@st.composite
def pairs(draw):
    mentions = draw(st.lists(st.integers(0, EXAMPLES - 1), min_size=1, max_size=6))
    return draw(arms(mentions)), draw(arms(mentions)), numpy.array(mentions, dtype=int)


def omitted(touching, threshold):
    return sum(not value >= threshold for value in touching)


def by_definition(arm, target):
    """Threshold, omissions and hallucination rate of the smallest threshold that omits at least ``target`` mentions."""
    for threshold in (0.0, *sorted(arm.confidence), numpy.inf):
        if omitted(arm.touching, threshold) >= target:
            kept = arm.bad[arm.confidence >= threshold]
            return threshold, omitted(arm.touching, threshold), kept.mean() if len(kept) else None
    raise AssertionError("nothing is left to omit")


def repeated(arm, gold, draws):
    """The arm and its gold with each example as often as it was drawn."""
    claims = numpy.concatenate([numpy.flatnonzero(arm.example == one) for one in draws])
    mentions = numpy.concatenate([numpy.flatnonzero(gold == one) for one in draws])
    return Arm(arm.example[claims], arm.confidence[claims], arm.bad[claims], arm.touching[mentions])


@given(pairs())
def test_each_arm_is_brought_to_the_larger_omission_rate(pair):
    a, b, gold = pair
    found = matched_omission(a, b, gold, EXAMPLES, resamples=3)
    target = max(omitted(arm.touching, 0.0) for arm in (a, b))
    assert found.omission_rate == pytest.approx(target / len(gold))
    for arm, rate, achieved in zip((a, b), (found.a, found.b), found.achieved, strict=True):
        _, omissions, expected = by_definition(arm, target)
        assert rate == pytest.approx(expected)
        assert achieved == pytest.approx(omissions / len(gold))
    if None in (found.a, found.b):
        assert (found.difference, found.interval, found.p) == (None, None, None)
    else:
        assert found.difference == pytest.approx(found.b - found.a)


@given(pairs())
def test_resamples_are_matched_anew_on_both_arms_alike(pair):
    a, b, gold = pair
    resamples = 8
    found = matched_omission(a, b, gold, EXAMPLES, resamples=resamples)
    differences = []
    for counts in numpy.concatenate(list(draws(EXAMPLES, resamples))).astype(int):
        drawn = [repeated(arm, gold, numpy.repeat(numpy.arange(EXAMPLES), counts)) for arm in (a, b)]
        target = max(omitted(arm.touching, 0.0) for arm in drawn)
        rates = [by_definition(arm, target)[2] for arm in drawn]
        if None not in rates:
            differences.append(rates[1] - rates[0])
    if found.difference is None:
        assert found.interval is None
        return
    expected = numpy.percentile(differences, [2.5, 97.5]) if 2 * len(differences) > resamples else None
    if expected is not None and expected[1] - expected[0] <= 1e-9:
        expected = None  # no interval is without a width
    if {found.a, found.b} & {0.0, 1.0}:
        return  # the score interval, which rests on no resample
    assert found.interval == (None if expected is None else pytest.approx(tuple(expected), abs=1e-12))


def random_arm(seed, gold, examples, claims, silent):
    random = numpy.random.default_rng(seed)
    confidence = random.beta(6, 1, claims)
    touching = random.beta(6, 1, len(gold))
    touching[random.random(len(gold)) < silent] = numpy.nan
    bad = random.random(claims) < 0.2 * (1.2 - confidence)
    return Arm(random.integers(0, examples, claims), confidence, bad, touching)


def test_blocks_of_resamples_do_not_show(monkeypatch):
    gold = numpy.random.default_rng(0).integers(0, 40, 70)
    a, b = random_arm(1, gold, 40, 80, 0.1), random_arm(2, gold, 40, 60, 0.3)
    whole = matched_omission(a, b, gold, 40, resamples=50)
    monkeypatch.setattr(significance, "_CELLS_A_CHUNK", 7 * 40)
    assert matched_omission(a, b, gold, 40, resamples=50) == whole


def test_an_arm_does_not_differ_from_itself():
    gold = numpy.random.default_rng(0).integers(0, 200, 300)
    arm = random_arm(1, gold, 200, 320, 0.1)
    found = matched_omission(arm, arm, gold, 200, resamples=200)
    assert (found.difference, found.interval, found.achieved) == (0.0, None, (found.omission_rate,) * 2)


def test_a_method_that_only_moves_along_the_trade_off_gains_nothing():
    """Arm b is arm a with its less confident half withdrawn: honest by silence, and no better at equal silence."""
    gold = numpy.random.default_rng(0).integers(0, 900, 1500)
    a = random_arm(1, gold, 900, 1600, 0.1)
    b = replace(a, touching=numpy.where(a.touching < 0.85, numpy.nan, a.touching))
    kept = a.confidence >= 0.85
    b = replace(b, example=b.example[kept], confidence=b.confidence[kept], bad=b.bad[kept])
    assert b.bad.mean() < 0.8 * a.bad.mean()
    found = matched_omission(a, b, gold, 900, resamples=300)
    assert found.achieved == (found.omission_rate, found.omission_rate)
    assert abs(found.difference) < 0.002
    assert found.interval[0] <= 0 <= found.interval[1]


def test_the_interval_covers_a_true_difference():
    gold = numpy.random.default_rng(0).integers(0, 900, 1500)
    a = random_arm(1, gold, 900, 1600, 0.1)
    worse = replace(a, bad=a.bad | (numpy.random.default_rng(3).random(1600) < 0.1))
    found = matched_omission(a, worse, gold, 900, resamples=500)
    assert 0 < found.interval[0] < found.difference < found.interval[1] < 2 * found.difference


def test_gold_that_does_not_fit_is_refused():
    gold = numpy.zeros(3, dtype=int)
    arm = random_arm(1, gold, 2, 5, 0.1)
    with pytest.raises(ValueError, match="each gold mention"):
        matched_omission(arm, arm, gold[:2], 2)


def test_beside_an_arm_without_claims_all_is_withdrawn():
    gold = numpy.array([0, 1])
    arm = Arm(numpy.array([0]), numpy.array([0.9]), numpy.array([False]), numpy.array([0.9, numpy.nan]))
    silent = Arm(gold[:0], numpy.zeros(0), numpy.zeros(0, dtype=bool), numpy.full(2, numpy.nan))
    found = matched_omission(arm, silent, gold, 2)
    assert (found.omission_rate, found.achieved, found.a, found.b) == (1.0, (1.0, 1.0), None, None)
    assert (found.difference, found.interval) == (None, None)


def test_an_arm_that_is_compared_with_many_is_counted_once_and_to_the_same_rates():
    gold = numpy.random.default_rng(0).integers(0, 300, 500)
    arms = [random_arm(seed, gold, 300, 420 + 40 * seed, 0.1 * seed) for seed in (1, 2, 3)]
    (weights,) = weighted(300, 40)
    first, *others = (RankedArm(arm, gold, 300).within(weights) for arm in arms)
    for number, other in enumerate(others, 1):
        found = rates(first, other)
        for at in range(40):
            drawn = [repeated(arm, gold, numpy.repeat(numpy.arange(300), weights[:, at].astype(int)))
                     for arm in (arms[0], arms[number])]  # fmt: skip
            target = max(omitted(arm.touching, 0.0) for arm in drawn)
            expected = [by_definition(arm, target)[2] for arm in drawn]
            assert [rate[at] for rate in found] == pytest.approx(expected, abs=1e-6)
