"""Selective figures by their definitions: on claims standing there as often as drawn, over every order of the ties."""

from __future__ import annotations

from itertools import permutations

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from halluc.core import selective

pytestmark = pytest.mark.filterwarnings("error")

# Few values, so that there are ties.
CLAIMS = st.lists(st.tuples(st.sampled_from([0.0, 0.2, 0.5, 0.7, 1.0]), st.booleans()), min_size=1, max_size=12)
FEW = st.lists(st.tuples(st.sampled_from([0.2, 0.7]), st.booleans()), min_size=1, max_size=5)
COVERAGES = (0.3, 0.5, 0.8, 0.95, 1.0)


def columns(claims):
    return numpy.array([c for c, _ in claims], dtype=float), numpy.array([r for _, r in claims], dtype=bool)


def figures(confidence, right, *weights):
    """Every figure of this module, by name."""
    found = {
        "aurc": selective.aurc(confidence, right, *weights),
        "e_aurc": selective.e_aurc(confidence, right, *weights),
        "auroc": selective.auroc(confidence, right, *weights),
    }
    for coverage in COVERAGES:
        found[f"rate at {coverage}"] = selective.rate_at_coverage(confidence, ~right, coverage, *weights)
    return found


def risks(right):
    """risk(1) to risk(n) of claims in their order."""
    return numpy.cumsum(~right) / numpy.arange(1, len(right) + 1)


def orders(confidence):
    """Every order of falling confidence."""
    return [
        list(order)
        for order in permutations(range(len(confidence)))
        if (numpy.diff(confidence[list(order)]) <= 0).all()
    ]


@given(FEW)
def test_ties_count_as_every_order_of_them(claims):
    confidence, right = columns(claims)
    curves = [risks(right[order]) for order in orders(confidence)]
    found = figures(confidence, right)
    assert found["aurc"] == pytest.approx(numpy.mean(curves), abs=1e-12)
    assert found["e_aurc"] == pytest.approx(numpy.mean(curves) - risks(numpy.sort(right)[::-1]).mean(), abs=1e-12)
    for share in COVERAGES:
        kept = int(numpy.ceil(share * len(right) - 1e-9))
        assert found[f"rate at {share}"] == pytest.approx(numpy.mean(curves, axis=0)[kept - 1], abs=1e-12)


@given(CLAIMS)
def test_auroc_is_scikit_learns(claims):
    confidence, right = columns(claims)
    if right.all() or not right.any():
        assert selective.auroc(confidence, right) is None
    else:
        assert selective.auroc(confidence, right) == pytest.approx(roc_auc_score(right, confidence), abs=1e-12)


@given(CLAIMS, st.randoms(use_true_random=False))
def test_the_order_of_the_claims_does_not_matter(claims, random):
    shuffled = random.sample(claims, len(claims))
    assert figures(*columns(shuffled)) == pytest.approx(figures(*columns(claims)), abs=1e-12)


@given(CLAIMS, st.data())
def test_weights_are_repetitions(claims, data):
    confidence, right = columns(claims)
    row = st.lists(st.integers(0, 4), min_size=len(claims), max_size=len(claims))
    weights = numpy.array(data.draw(st.lists(row, min_size=1, max_size=4)), dtype=numpy.uint8)
    found = figures(confidence, right, weights)
    for index, times in enumerate(weights):
        repeated = figures(numpy.repeat(confidence, times), numpy.repeat(right, times))
        for name, value in repeated.items():
            expected = numpy.nan if value is None else value
            assert found[name][index] == pytest.approx(expected, abs=1e-12, nan_ok=True), name


def test_blocks_of_resamples_do_not_show(monkeypatch):
    random = numpy.random.default_rng(0)
    confidence, right = random.random(30).round(1), random.random(30) < 0.7
    weights = random.poisson(1, (11, 30))
    whole = figures(confidence, right, weights)
    monkeypatch.setattr(selective, "_BLOCK", 90)  # three resamples a block, and two in the last
    for name, values in figures(confidence, right, weights).items():
        assert values.shape == (11,)
        assert values.tolist() == whole[name].tolist()


def test_a_perfect_order_has_no_excess():
    confidence, right = numpy.array([0.9, 0.8, 0.3, 0.1]), numpy.array([True, True, False, False])
    assert selective.aurc(confidence, right) == pytest.approx((0 + 0 + 1 / 3 + 2 / 4) / 4)
    assert selective.e_aurc(confidence, right) == pytest.approx(0)
    assert selective.auroc(confidence, right) == 1
    assert selective.auroc(-confidence, right) == 0
    assert selective.rate_at_coverage(confidence, ~right, 0.75) == pytest.approx(1 / 3)


def test_coverage_rounds_up_but_not_past_what_was_meant():
    confidence = numpy.linspace(1, 0, 100)
    bad = numpy.arange(100) == 7  # the eighth claim, which .07 * 100 = 7.000000000000001 must not reach
    assert selective.rate_at_coverage(confidence, bad, 0.07) == 0
    assert selective.rate_at_coverage(confidence, bad, 0.071) == pytest.approx(1 / 8)


def test_without_claims_nothing_is_said():
    nothing = numpy.zeros(0)
    assert set(figures(nothing, nothing.astype(bool)).values()) == {None}
    for values in figures(nothing, nothing.astype(bool), numpy.zeros((3, 0), dtype=int)).values():
        assert numpy.isnan(values).tolist() == [True] * 3
    assert selective.rate_at_coverage(numpy.ones(3), numpy.ones(3), 0.0) is None


def test_weights_that_are_no_counts_are_refused():
    with pytest.raises(ValueError, match="integers"):
        selective.aurc(numpy.ones(2), numpy.ones(2), numpy.ones((1, 2)))
