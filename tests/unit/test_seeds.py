"""Figures over seeds: pairing, undefined figures, and lines against numpy's."""

from __future__ import annotations

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from halluc.metrics.seeds import Paired, Seeds, line

RESAMPLES = 2_000


def noisy(values, spread, seed):
    chance = numpy.random.default_rng(seed)
    array = numpy.array(values, dtype=float)
    return Seeds(array, array[:, None] + chance.normal(0, spread, (len(values), RESAMPLES)))


def test_what_a_seed_or_an_example_does_to_both_arms_cancels():
    reference = noisy([0.2, 0.5, 0.8], 0.1, seed=1)
    arm = Seeds(reference.values + 0.01, reference.resampled + 0.01)
    found = Paired(arm, reference).difference("cell")
    assert found.value == pytest.approx(0.01)
    assert found.interval == pytest.approx((0.01, 0.01))
    assert found.p == pytest.approx(2 / (RESAMPLES + 1))
    apart = arm.drawn("one") - reference.drawn("other")
    assert numpy.quantile(apart, 0.025) < -0.2


def test_the_interval_covers_seeds_that_disagree():
    reference = noisy([0.5, 0.5, 0.5], 0.0, seed=1)
    apart = numpy.array([0.1, 0.0, -0.1])
    arm = Seeds(reference.values + apart, reference.resampled + apart[:, None])
    found = Paired(arm, reference).difference("cell")
    assert found.value == pytest.approx(0)
    # All three seeds drawn alike have a chance of 1 in 27 at either end, more than 2.5%.
    assert found.interval == pytest.approx((-0.1, 0.1))
    assert found.p == 1.0


def test_a_figure_that_is_undefined_for_one_seed_has_no_difference():
    reference = noisy([0.5, float("nan")], 0.1, seed=1)
    found = Paired(noisy([0.5, 0.6], 0.1, seed=2), reference).difference("cell")
    assert (found.value, found.interval, found.p) == (None, None, None)


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=6))
def test_a_line_is_numpys(y):
    x = numpy.arange(len(y)) * 0.25
    drawn = [numpy.full(5, value) for value in y]
    found = line(list(x), y, drawn)
    slope, intercept = numpy.polyfit(x, y, 1)
    assert found.slope.value == pytest.approx(slope, abs=1e-9)
    assert found.intercept.value == pytest.approx(intercept, abs=1e-9)
    assert found.slope.interval == pytest.approx((slope, slope), abs=1e-9)


def test_a_line_through_nothing_is_none():
    found = line([0, 1], [0.1, float("nan")], [numpy.zeros(3)] * 2)
    assert (found.slope.value, found.slope.interval, found.intercept.value) == (None, None, None)
