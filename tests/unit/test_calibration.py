"""Calibration figures by hand, and temperatures that were put in and must be found again."""

from __future__ import annotations

from types import SimpleNamespace

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from halluc.analysis import calibration, confidence, scoring, verdicts
from halluc.analysis.calibration import COLDEST, HOTTEST, confidences, fit_temperature
from halluc.analysis.table import Claims, Gold, Table
from halluc.config.evaluation import EvalConfig
from halluc.core.claims import Claim, Judged
from halluc.core.examples import Corpus
from halluc.core.significance import Sheet
from halluc.task import task_class
from halluc.tasks.text_generation.source_text import WrittenText

pytestmark = pytest.mark.filterwarnings("error")

CLAIMS = st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=40)


def columns(claims):
    return numpy.array([c for c, _ in claims], dtype=float), numpy.array([r for _, r in claims], dtype=bool)


def softmax(rows):
    powers = numpy.exp(rows - rows.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def spans_of_a_calibrated_model(claims, temperature, seed=0):
    """Logits of ``claims`` spans of one to three tokens, overconfident by ``temperature``, and whether each is right.

    Before the temperature, a span is right as often as its confidence says.
    """
    random = numpy.random.default_rng(seed)
    claim = numpy.repeat(numpy.arange(claims), random.integers(1, 4, claims))
    rows = random.normal(0, 2, (len(claim), 5))
    right = random.random(claims) < confidences(rows, claim, claims)
    return rows * temperature, claim, right


def test_edges_belong_to_the_bin_below_and_the_ends_have_a_bin():
    edges = numpy.arange(16) / 15
    assert calibration.bin_of(edges).tolist() == [0, *range(15)]
    assert calibration.bin_of(numpy.nextafter(edges[:-1], 1)).tolist() == list(range(15))


def figures_of(confidence, right):
    """ECE and Brier score, and the bins of the reliability diagram, as an evaluation counts them; None if undefined."""
    n = len(confidence)
    words, nothing = numpy.full(n, "", dtype=object), numpy.zeros(n, dtype=bool)
    verdict = numpy.where(right, "supported", "unsupported")
    claims = Claims(numpy.arange(n), verdict, words, words, words, nothing, nothing, confidence, ~nothing)
    none = numpy.zeros(0)
    gold = Gold(none.astype(int), none, none, none, none, none, none, none)
    task = task_class("token_classification").evaluated(())
    table, sheet = Table(task, tuple(map(str, range(n))), numpy.ones(n), claims, gold, 0), Sheet(n)
    found = scoring.calibration_figures(table, sheet), scoring.reliability_figures(table, sheet)
    ece, brier, *bins = scoring.results([one for part in found for one in part], sheet)
    assert (ece.name, brier.name, {one.name for one in bins}) == ("ece", "brier", {"reliability"} if n else set())
    return ece.value, brier.value, bins


def test_calibration_error_by_hand():
    confidence, right = numpy.array([0.9, 0.92, 0.4, 1.0]), numpy.array([True, False, True, True])
    ece, brier, _ = figures_of(confidence, right)
    # Bins of .9 and .92 (13), of .4 (5) and of 1.0 (14).
    assert ece == pytest.approx((abs(1 - 1.82) + abs(1 - 0.4) + 0) / 4)
    assert brier == pytest.approx((0.1**2 + 0.92**2 + 0.6**2 + 0) / 4)


def test_reliability_reports_each_bin_that_has_claims():
    _, _, bins = figures_of(numpy.array([0.9, 0.92, 0.4]), numpy.array([True, False, True]))
    assert [(one.n, one.value, one.by) for one in bins] == [
        (1, 1.0, {"bin": "0.333 to 0.400", "mean_confidence": "0.4000"}),
        (2, 0.5, {"bin": "0.867 to 0.933", "mean_confidence": "0.9100"}),
    ]


@given(CLAIMS)
def test_the_reliability_diagram_adds_up_to_the_calibration_error(claims):
    ece, _, bins = figures_of(*columns(claims))
    assert sum(one.n for one in bins) == len(claims)
    expected = sum(one.n * abs(one.value - float(one.by["mean_confidence"])) for one in bins) / max(len(claims), 1)
    # The mean confidence of a bin has four decimals.
    assert (ece or 0.0) == pytest.approx(expected, abs=5.1e-5)


def ece_of(confidence, right):
    """The calibration error bin by bin, NaN without claims."""
    places = calibration.bin_of(confidence)
    bins = [places == place for place in range(calibration.BINS)]
    error = sum(abs(right[here].sum() - confidence[here].sum()) for here in bins)
    return error / len(confidence) if len(confidence) else numpy.nan


@given(CLAIMS, st.randoms(use_true_random=False))
def test_resampled_sums_give_the_error_of_the_resampled_claims(claims, random):
    confidence, right = columns(claims)
    example = numpy.array([random.randrange(4) for _ in claims], dtype=int)
    drawn = numpy.array([[random.randrange(4) for _ in range(4)] for _ in range(3)])
    weights = numpy.stack([numpy.bincount(row, minlength=4) for row in drawn])
    by_resample = [weights @ sums for sums in calibration.sums_by_bin(confidence, right, example, 4)]
    for found, row in zip(calibration.ece_of_sums(*by_resample), drawn, strict=True):
        copies = numpy.concatenate([numpy.flatnonzero(example == one) for one in row])
        assert found == pytest.approx(ece_of(confidence[copies], right[copies]), abs=1e-12, nan_ok=True)


def test_without_claims_nothing_is_said():
    assert figures_of(numpy.zeros(0), numpy.zeros(0, dtype=bool)) == (None, None, [])
    assert numpy.isnan(calibration.ece_of_sums(*numpy.zeros((3, 2, 15)))).tolist() == [True, True]


def test_temperature_one_leaves_confidences_as_they_are():
    rows, claim, _ = spans_of_a_calibrated_model(50, 1.0)
    largest = softmax(rows).max(axis=1)
    expected = [numpy.prod(largest[claim == one]) ** (1 / (claim == one).sum()) for one in range(50)]
    assert confidences(rows, claim, 50, 1.0) == pytest.approx(expected, abs=1e-12)


def test_temperature_divides_the_logits():
    rows, claim, _ = spans_of_a_calibrated_model(50, 1.0)
    assert confidences(rows, claim, 50, 2.5) == pytest.approx(confidences(rows / 2.5, claim, 50), abs=1e-12)


def test_logits_of_any_size_give_finite_confidences():
    rows = numpy.array([[1e5, -1e5, 0.0], [3e38, 0.0, -numpy.inf]], dtype=numpy.float32)
    assert confidences(rows, numpy.array([0, 1]), 2, COLDEST).tolist() == [1.0, 1.0]


@pytest.mark.parametrize("temperature", [0.4, 1.0, 3.0])
def test_a_known_temperature_is_recovered(temperature):
    assert fit_temperature(*spans_of_a_calibrated_model(20_000, temperature)) == pytest.approx(temperature, rel=0.04)


def test_scaling_makes_an_overconfident_model_calibrated():
    rows, claim, right = spans_of_a_calibrated_model(20_000, 3.0)
    scaled = confidences(rows, claim, len(right), fit_temperature(rows, claim, right))
    assert ece_of(scaled, right) < 0.02 < 0.1 < ece_of(confidences(rows, claim, len(right)), right)


def test_the_temperature_is_the_best_of_all():
    rows, claim, right = spans_of_a_calibrated_model(300, 2.0)

    def likelihood(temperature):
        confidence = confidences(rows, claim, 300, temperature)
        return numpy.log(numpy.where(right, confidence, 1 - confidence)).mean()

    others = numpy.geomspace(0.5, HOTTEST, 400)
    assert likelihood(fit_temperature(rows, claim, right)) >= max(map(likelihood, others))


def test_the_order_of_claims_and_rows_does_not_matter():
    rows, claim, right = spans_of_a_calibrated_model(200, 2.0)
    random = numpy.random.default_rng(1)
    renamed, shuffled = random.permutation(200), random.permutation(len(claim))
    there = numpy.zeros(200, dtype=bool)
    there[renamed] = right
    found = fit_temperature(rows[shuffled], renamed[claim][shuffled], there)
    assert found == pytest.approx(fit_temperature(rows, claim, right), abs=1e-6)


def test_what_can_not_be_fitted_has_a_known_answer():
    rows, claim = numpy.array([[2.0, 0.0], [1.0, 0.5]]), numpy.array([0, 1])
    assert fit_temperature(rows[:0], claim[:0], numpy.zeros(0, dtype=bool)) == 1.0
    assert fit_temperature(rows, claim, numpy.array([True, True])) == 1
    assert fit_temperature(rows, claim, numpy.array([False, False])) == 1
    assert fit_temperature(numpy.ones((2, 3)), claim, numpy.array([True, False])) == 1.0
    assert fit_temperature(numpy.ones((2, 1)), claim, numpy.array([True, False])) == 1.0


def test_the_surest_claim_may_be_the_wrong_one():
    rows = numpy.array([[800.0, 0.0], [0.1, 0.0]])
    assert fit_temperature(rows, numpy.array([0, 1]), numpy.array([False, True])) == pytest.approx(HOTTEST)


def test_a_claim_without_logits_is_refused():
    with pytest.raises(ValueError, match="no row"):
        confidences(numpy.ones((1, 2)), numpy.array([1]), 2)


def test_claims_that_nothing_can_judge_enter_neither_the_temperature_nor_the_guarantee():
    def fitted(with_unverifiable: bool):
        sure = [(0.2 + 0.15 * (place % 5), 0.9)[: 1 + with_unverifiable] for place in range(400)]
        examples = [SimpleNamespace(id=f"e{place}") for place in range(len(sure))]
        written = [
            WrittenText(one.id, "", some, tuple(numpy.log([[each, 1 - each]]) for each in some))
            for one, some in zip(examples, sure, strict=True)
        ]
        said = {
            one.id: ("unsupported" if place % 9 == 0 else "supported", "unverifiable")
            for place, one in enumerate(examples)
        }
        judge = SimpleNamespace(
            claims=lambda example, one: [
                Claim(example.id, "sentence", "", None, "sentence", sure, verdict)
                for sure, verdict in zip(one.confidences, said[example.id], strict=False)
            ],
            judge=lambda example, claims: Judged(tuple(claims), ()),
        )
        settings = EvalConfig.model_validate(
            {"calibration": "temperature", "abstain": {"guarantee": {"max_rate": 0.2, "unit": "claim"}}}
        )
        return confidence.fit(SimpleNamespace(judge=judge), Corpus("dev", tuple(examples), ""), written, settings)

    plain = fitted(False)
    assert fitted(True) == plain
    assert plain.temperature != 1.0


def test_a_claim_of_less_than_half_stays_there_at_every_temperature():
    written = WrittenText("e1", "It is.", (0.3,), (numpy.log([[0.3, 0.7]]),))
    (scaled,) = verdicts.calibrated([written], 2.0)
    assert scaled.confidences[0] == pytest.approx(0.3**0.5 / (0.3**0.5 + 0.7**0.5))
