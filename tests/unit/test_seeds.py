"""Figures over seeds: how often nothing is taken for something, worked examples, pairing, undefined seeds, lines."""

from __future__ import annotations

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm, t, ttest_1samp

from halluc.analysis.seeds import Paired, Seeds, common_variance, half_width, line
from halluc.core.exact_intervals import p_value
from tests.seed_simulation import SOURCES, false_positives

RESAMPLES = 2_000
NAMES = ("1", "2", "3", "4", "5", "6")


def exactly(*values, limits=()):
    """Seeds of which each knows its figure exactly."""
    array = numpy.array(values, dtype=float)
    return Seeds(NAMES[: len(values)], array, numpy.repeat(array[:, None], RESAMPLES, axis=1), limits)


def noisy(values, spread, seed, shared=0.0):
    """Seeds with an error of their own, and one that they share: ``spread`` and ``shared`` are standard deviations."""
    chance = numpy.random.default_rng(seed)
    array = numpy.array(values, dtype=float)
    errors = chance.normal(0, spread, (len(values), RESAMPLES)) + chance.normal(0, shared, RESAMPLES)
    return Seeds(NAMES[: len(values)], array, array[:, None] + errors)


# The simulation of DEFINITIONS, section 4. ``benchmarks/seeds.py`` makes its whole table of 60,000 draws a cell.
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("seeds", [2, 3, 5, 10])
def test_false_positives_are_at_most_six_in_a_hundred_studies(seeds, source):
    found = false_positives(seeds, source, draws=10_000)
    assert found <= 0.06
    if source in ("seeds", "examples", "interaction"):  # alone: the method must not be needlessly timid either
        assert found >= 0.03


def test_where_seeds_vary_alone_it_is_the_t_test():
    """The differences that resampling three seeds called p = .0004."""
    differences = [-0.0216, -0.0313, -0.0545]
    found = exactly(*differences).estimate
    test = ttest_1samp(differences, 0)
    assert found.value == pytest.approx(numpy.mean(differences))
    assert found.interval == pytest.approx(tuple(test.confidence_interval()))
    assert found.p == pytest.approx(test.pvalue, abs=1e-6)
    assert found.p == pytest.approx(0.067, abs=0.001)
    assert found.interval[1] > 0
    assert found.smallest == pytest.approx(found.interval[1] - found.value)


def test_by_hand():
    """V_e, v, V_m and s^2 of three seeds on made resamples."""
    values = numpy.array([0.1, 0.2, 0.4])
    resampled = values[:, None] + numpy.array(
        [[0.01, -0.01, 0.03, -0.03], [0.01, -0.01, 0.0, 0.0], [0.01, -0.01, 0, 0]]
    )
    of_mean = (2 * 0.01**2 + 2 * 0.01**2) / 4  # the mean moves by .01, -.01, .01, -.01
    of_each = ((2 * 0.01**2 + 2 * 0.03**2) / 4 + 2 * (2 * 0.01**2) / 4) / 3
    common = of_mean - (of_each - of_mean) / 2
    between = numpy.var(values, ddof=1)
    half = numpy.sqrt(norm.ppf(0.975) ** 2 * max(0, common) + t.ppf(0.975, 2) ** 2 * between / 3)
    found = Seeds(("1", "2", "3"), values, resampled).estimate
    assert found.interval == pytest.approx((0.7 / 3 - half, 0.7 / 3 + half))
    assert found.sd == pytest.approx(numpy.sqrt(between))
    p = p_value(lambda level: (0.7 / 3 - half_width(max(0, common), between, 3, level), 1.0))
    assert found.p == pytest.approx(p)


def test_the_variance_that_seeds_share_does_not_count_the_interaction_twice():
    assert common_variance(2.0, 5.0, 4) == pytest.approx(1.0)
    assert common_variance(1.0, 5.0, 2) == 0.0


def test_one_seed_has_the_interval_of_its_examples_and_no_p():
    found = noisy([0.3], 0.01, seed=4).estimate
    assert found.interval == pytest.approx((0.3 - 0.0196, 0.3 + 0.0196), abs=0.002)
    assert (found.p, found.sd, found.smallest) == (None, None, None)


def test_seeds_that_agree_have_the_interval_of_their_examples():
    found = noisy([0.3, 0.3, 0.3], 0.0, seed=4, shared=0.01).estimate
    assert found.interval == pytest.approx((0.3 - 0.0196, 0.3 + 0.0196), abs=0.002)
    assert found.p == pytest.approx(2 / (RESAMPLES + 1))


def test_what_a_seed_or_an_example_does_to_both_arms_cancels():
    reference = noisy([0.2, 0.5, 0.8], 0.1, seed=1)
    arm = Seeds(reference.names, reference.values + 0.01, reference.resampled + 0.01)
    apart = Seeds(reference.names, reference.values + numpy.array([0.01, 0.012, 0.011]), reference.resampled + 0.011)
    found = Paired(apart, reference).estimate
    assert found.value == pytest.approx(0.011)
    assert found.interval == pytest.approx((0.0085, 0.0135), abs=0.0001)
    assert Paired(arm, reference).estimate.interval is None, "a difference without any variation has no interval"
    assert reference.estimate.interval[0] < 0.2


def test_rounding_is_no_difference():
    reference = noisy([0.2, 0.5, 0.8], 0.1, seed=1)
    arm = Seeds(reference.names, reference.values + 1e-12, reference.resampled + 1e-12)
    found = Paired(arm, reference).estimate
    assert (found.value, found.interval, found.p) == (0.0, None, 1.0)


def test_a_seed_without_the_figure_is_left_out_and_nothing_is_concluded():
    found = noisy([0.5, float("nan"), 0.6], 0.01, seed=1).estimate
    assert found.value == pytest.approx(0.55)
    assert (found.n, found.seeds) == (2, 3)
    assert found.interval is not None
    assert found.p is None
    paired = Paired(noisy([0.5, 0.6, 0.7], 0.01, seed=2), noisy([0.5, float("nan"), 0.6], 0.01, seed=1)).estimate
    assert paired.value == pytest.approx(0.05)
    assert (paired.n, paired.p) == (2, None)
    assert exactly(float("nan"), float("nan")).estimate.value is None


def test_figures_of_nought_have_exact_intervals():
    def limits(upper):
        return lambda level: (0.0, upper)

    arm = exactly(0, 0, 0, limits=tuple(map(limits, (0.01, 0.02, 0.03))))
    reference = exactly(0, 0, 0, limits=tuple(map(limits, (0.04, 0.04, 0.04))))
    assert arm.estimate.interval == pytest.approx((0.0, 0.02))
    found = Paired(arm, reference).estimate
    assert (found.value, found.p) == (0.0, 1.0)
    assert found.interval == pytest.approx((-0.04, 0.02))


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=6))
def test_a_line_is_numpys(y):
    x = numpy.arange(len(y)) * 0.25
    slope, intercept = line(list(x), [exactly(value) for value in y])
    assert [slope.value, intercept.value] == pytest.approx(numpy.polyfit(x, y, 1), abs=1e-8)
    assert slope.p is None


def test_a_slope_is_the_mean_of_the_slopes_of_the_seeds_that_all_points_have():
    first = exactly(0.1, 0.2, 0.3)
    last = Seeds(("3", "1", "9"), numpy.array([0.7, 0.3, 0.0]), numpy.repeat([[0.7], [0.3], [0.0]], RESAMPLES, axis=1))
    slope, _ = line([0, 2], [first, last])  # seed 1: .1 to .3, seed 3: .3 to .7
    assert slope.value == pytest.approx(0.15)
    assert slope.seeds == 2
    assert slope.sd == pytest.approx(numpy.std([0.1, 0.2], ddof=1))
    assert slope.p == pytest.approx(ttest_1samp([0.1, 0.2], 0).pvalue, abs=1e-5)


def test_a_line_through_nothing_is_none():
    slope, intercept = line([0, 1], [exactly(0.1), exactly(float("nan"))])
    assert (slope.value, slope.interval, intercept.value) == (None, None, None)
    apart = Seeds(("2",), numpy.array([0.1]), numpy.zeros((1, 5)))
    assert line([0, 1], [exactly(0.1), apart])[0].value is None
