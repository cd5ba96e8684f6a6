"""Intervals and comparisons: against brute force, against known distributions, and where nothing can be said."""

from __future__ import annotations

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from halluc.core.significance import (
    F1,
    LEVEL,
    Estimate,
    FigureSample,
    Mean,
    Ratio,
    Sheet,
    difference,
    draws,
    exact_limits,
    holm,
    percentiles,
    two_sided,
)


def sheet_of(*columns):
    sheet = Sheet(len(columns[0]))
    return sheet, [sheet.column(numpy.array(column)) for column in columns]


def test_each_resample_draws_as_many_examples_as_there_are():
    drawn = numpy.concatenate(list(draws(7, 500)))
    assert drawn.shape == (500, 7)
    assert (drawn.sum(1) == 7).all()
    # Each example is drawn once on average, and not always once.
    assert drawn.mean() == pytest.approx(1, abs=1e-6)
    assert drawn.var() == pytest.approx(1 - 1 / 7, abs=0.05)


def test_resampled_sums_are_sums_over_the_drawn_examples():
    sheet, _ = sheet_of([1, 0, 2, 5], [3, 1, 0, 1])
    drawn = numpy.concatenate(list(draws(4, 50)))
    assert (sheet.resampled(50) == drawn @ numpy.stack(sheet.columns, axis=1)).all()


@pytest.mark.parametrize(
    "column",
    [[0, 0, 300, 1], [0.5, 0, 0, 1e-3], [-1, 0, 2, 0], [255, 255, 0, 255], [0, 0, 0, 0], [True, False, True, True]],
)
def test_a_column_has_the_same_values_in_every_compact_form(column):
    sheet, _ = sheet_of([1, 1, 1, 1], column)
    assert sheet.columns[1].tolist() == column
    assert sheet.totals() == pytest.approx([4, sum(column)])
    assert (sheet.totals() - 1_000 < 0).all(), "totals are numbers that may be subtracted"
    drawn = numpy.concatenate(list(draws(4, 30)))
    assert sheet.resampled(30)[:, 1] == pytest.approx(drawn @ numpy.array(column, dtype=float), rel=1e-6)


def test_columns_added_after_resampling_are_resampled_too():
    sheet, _ = sheet_of([1, 2, 3])
    before = sheet.resampled(20)
    sheet.column(numpy.array([0, 1, 0]))
    after = sheet.resampled(20)
    assert (after[:, 0] == before[:, 0]).all()
    assert (after[:, 1] == numpy.concatenate(list(draws(3, 20)))[:, 1]).all()


def test_draws_depend_on_the_number_of_examples_alone():
    one, other = sheet_of([1, 2, 3]), sheet_of([1, 2, 3], [7, 7, 7])
    assert (one[0].resampled(20)[:, 0] == other[0].resampled(20)[:, 0]).all()


def test_equal_columns_are_stored_once_and_a_column_must_have_the_right_shape():
    sheet, columns = sheet_of([1, 2], [1, 2], [2, 1])
    assert columns == [0, 0, 1]
    with pytest.raises(ValueError, match="for 2 examples"):
        sheet.column(numpy.array([1, 2, 3]))


def test_the_interval_of_a_rate_is_that_of_the_binomial_where_examples_are_single_draws():
    chance = numpy.random.default_rng(3)
    hits = chance.random(2000) < 0.2
    sheet, (above, below) = sheet_of(hits, numpy.ones(2000))
    (estimate,) = sheet.estimates([Ratio((above,), (below,))])
    error = 1.96 * numpy.sqrt(hits.mean() * (1 - hits.mean()) / 2000)
    assert estimate.value == hits.mean()
    assert estimate.interval == pytest.approx((hits.mean() - error, hits.mean() + error), abs=0.003)


def test_claims_of_one_example_are_resampled_together():
    # Ten claims an example, all right or all wrong: as little is known as from one claim an example.
    wrong = numpy.arange(400) % 5 == 0
    sheet, (bad, claims) = sheet_of(10 * wrong, numpy.full(400, 10))
    (estimate,) = sheet.estimates([Ratio((bad,), (claims,))])
    assert estimate.interval[1] - estimate.interval[0] == pytest.approx(2 * 1.96 * 0.4 / 20, rel=0.1)


def test_none_of_n_and_all_of_n_have_an_exact_interval():
    sheet, (none, some) = sheet_of(numpy.zeros(100), numpy.ones(100))
    zero, one = sheet.estimates([Ratio((none,), (some,)), Ratio((some,), (some,))])
    # Clopper & Pearson: 1 - .025 ** (1 / 100)
    assert zero.interval == (0.0, pytest.approx(0.0362, abs=1e-4))
    assert one.interval == (pytest.approx(0.9638, abs=1e-4), 1.0)


@pytest.mark.parametrize("examples", [0, 1, 2])
def test_nothing_to_resample_gives_no_interval_and_nothing_to_divide_no_value(examples):
    sheet, (none, some) = sheet_of(numpy.zeros(examples), numpy.ones(examples))
    undefined, defined = sheet.estimates([Ratio((some,), (none,)), Ratio((none,), (some,))])
    assert undefined == Estimate(None, None)
    assert (defined.interval is None) == (examples < 2)


def test_f1_and_means_are_nought_where_there_is_nothing():
    sheet, (none, some) = sheet_of([0, 0], [1, 1])
    totals = sheet.totals()
    assert F1(none, none, none)(totals) == 0
    assert F1(some, some, some)(totals) == 1
    assert Mean(())(totals) == 0
    half = Mean((F1(some, some, some), F1(none, some, some)), weights=(some, none))
    assert half(totals) == 1  # the second has no weight


def test_percentiles_pass_over_undefined_resamples_unless_most_are():
    assert percentiles(numpy.array([1.0, 2.0, numpy.nan])) == pytest.approx((1.025, 1.975))
    assert percentiles(numpy.array([1.0, numpy.nan, numpy.nan])) is None
    assert percentiles(numpy.full(100, 0.3)) is None, "no interval is without a width"


def sample(sheet, formula):
    totals = sheet.totals()
    limits = exact_limits(formula, totals, of_difference=True)
    return FigureSample(float(formula(totals)), formula(sheet.resampled()), limits)


def test_figures_of_nought_and_of_all_have_exact_intervals():
    sheet, (none, some, five) = sheet_of(numpy.zeros(100), numpy.ones(100), numpy.arange(100) < 5)
    rate = Ratio((none,), (some,), scale=1000, is_share=False)
    few = Ratio((five,), (some,), scale=1000, is_share=False)
    of_none, of_all = F1(none, some, some), F1(some, some, some)
    nought, five_in_a_hundred, worst, best, silent = sheet.estimates([rate, few, of_none, of_all, F1(none, none, some)])
    # Garwood 1936: 0 events have 3.689 at most, 5 events 1.623 to 11.668.
    assert nought.interval == pytest.approx((0, 36.89), abs=0.01)
    assert five_in_a_hundred.interval == pytest.approx((16.23, 116.68), abs=0.01)
    assert worst.interval == pytest.approx((0, 0.0362), abs=1e-4)
    assert best.interval == pytest.approx((0.9638, 1), abs=1e-4)
    # Without a claim precision may be anything: 2 r / (1 + r) of r = .0362.
    assert silent.interval == pytest.approx((0, 2 * 0.0362 / 1.0362), abs=1e-4)
    (mean,) = sheet.estimates([Mean((of_all, of_all))])
    assert mean.interval == best.interval
    assert F1(none, none, none).exact_limits(sheet.totals(), False) is None, "nothing is there to be uncertain about"


def test_the_difference_of_two_figures_of_nought_has_newcombes_interval():
    sheet, (none, some) = sheet_of(numpy.zeros(30), numpy.ones(30))
    rate = Ratio((none,), (some,))
    found = difference(sample(sheet, rate), sample(sheet, rate))
    # Wilson 1927: 0 of 30 has z^2 / (30 + z^2) at most.
    upper = 1.959964**2 / (30 + 1.959964**2)
    assert (found.value, found.p) == (0, 1)
    assert found.interval == pytest.approx((-upper, upper))


def test_a_difference_from_zero_accounts_for_the_uncertainty_of_zero():
    few, (none, some) = sheet_of(numpy.zeros(10), numpy.ones(10))
    half, (bad, all_) = sheet_of(numpy.arange(200) % 2, numpy.ones(200))
    found = difference(sample(half, Ratio((bad,), (all_,))), sample(few, Ratio((none,), (some,))))
    assert found.value == pytest.approx(0.5)
    # Half of 200 alone has a width of .14; ten cases that were all right leave much more open.
    assert found.interval[0] == pytest.approx(0.5 - numpy.hypot(0.07, 0.2775), abs=0.01)
    assert found.interval[1] == pytest.approx(0.57, abs=0.01)
    assert found.p < 0.01
    inverted = difference(sample(few, Ratio((none,), (some,))), sample(half, Ratio((bad,), (all_,))))
    assert inverted.p == pytest.approx(found.p)
    assert inverted.interval == pytest.approx((-found.interval[1], -found.interval[0]))


def test_shares_in_between_have_no_exact_interval():
    sheet, (some, all_) = sheet_of(numpy.arange(10) < 3, numpy.ones(10))
    assert exact_limits(Ratio((some,), (all_,)), sheet.totals()) is None
    assert exact_limits(Mean((F1(some, all_, all_),)), sheet.totals()) is None
    assert exact_limits(lambda sums: sums[..., 0], sheet.totals()) is None


def test_a_difference_is_paired():
    # Two runs that fail on the same hard examples: each rate is uncertain, their difference is not.
    hard = numpy.arange(300) % 3 == 0
    one, (bad, all_) = sheet_of(hard, numpy.ones(300))
    worse = hard.copy()
    worse[1::30] = True
    other, _ = sheet_of(worse, numpy.ones(300))
    rate = Ratio((bad,), (all_,))
    found = difference(sample(one, rate), sample(other, rate))
    assert found.value == pytest.approx(-10 / 300)
    width = found.interval[1] - found.interval[0]
    alone = sample(one, rate).interval_at(LEVEL)
    assert width < 0.5 * (alone[1] - alone[0])
    assert found.p < 0.01
    assert difference(FigureSample(float("nan"), numpy.zeros(3)), sample(one, rate)) == Estimate(None)


def test_p_is_two_sided_and_never_nought():
    assert two_sided(numpy.full(9999, 0.5)) == pytest.approx(2 / 10000)
    assert two_sided(numpy.zeros(100)) == 1
    assert two_sided(numpy.array([-1.0, 1.0])) == 1
    assert two_sided(numpy.array([numpy.nan])) is None


def test_under_the_null_p_is_about_uniform():
    chance = numpy.random.default_rng(5)
    ps = []
    for _ in range(200):
        a, b = (chance.random(60) < 0.3 for _ in range(2))
        sheet, (one, other, all_) = sheet_of(a, b, numpy.ones(60))
        sums = sheet.resampled(1000)
        ps.append(two_sided((sums[:, one] - sums[:, other]) / sums[:, all_]))
    assert 0.01 <= numpy.mean(numpy.array(ps) < 0.05) <= 0.11


def test_holm_by_hand():
    # Holm 1979: .01 * 4, .02 * 3, then never less than the one before.
    assert holm([0.01, 0.04, 0.03, 0.02, None]) == pytest.approx([0.04, 0.06, 0.06, 0.06, None])
    assert holm([0.9, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_keeps_the_order_and_never_lowers_a_p(ps):
    adjusted = holm(ps)
    assert all(after >= before for before, after in zip(ps, adjusted, strict=True))
    order = sorted(range(len(ps)), key=ps.__getitem__)
    assert [adjusted[i] for i in order] == sorted(adjusted)
