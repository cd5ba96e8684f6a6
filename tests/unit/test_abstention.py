"""The guarantee, held against simulated sentences whose claims depend on each other; and the edges of the procedure."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from scipy.stats import binom

from halluc.analysis import abstention, confidence, verdicts
from halluc.analysis.abstention import GRID, choose, halves
from halluc.config.evaluation import EvalConfig
from halluc.reporting.collect.run_reports import run_report
from halluc.reporting.views import run as views
from halluc.runs.schema import ConfidenceFile
from tests.made_runs import Rates, made_examples, make_run

pytestmark = pytest.mark.filterwarnings("error")

MAX_RATE, PROBABILITY, DRAWS = 0.05, 0.95, 500
# 5% of 500 draws, and what chance may add to it in one of a hundred times.
MOST_BROKEN = int(binom.ppf(0.99, DRAWS, 1 - PROBABILITY))


@dataclass(frozen=True)
class Situation:
    """Claims of confidence sigmoid(z) that are unsupported with probability sigmoid(-(base + slope z + s)), where the
    claims of a sentence share s, of standard deviation ``shared``."""

    base: float
    slope: float
    shared: float = 1.0

    def draw(self, random, sentences):
        """Zero to six claims a sentence; example, confidence and unsupported by claim."""
        counts = numpy.minimum(random.geometric(0.4, sentences) - 1, 6)
        example = numpy.repeat(numpy.arange(sentences), counts)
        effect = random.normal(0, self.shared, sentences)[example]
        z = random.normal(2.5, 1.5, len(example))
        unsupported = random.random(len(example)) < expit(-(self.base + self.slope * z + effect))
        return example, expit(z), unsupported

    def true_rates(self):
        """The rate of unsupported claims among those that each threshold keeps, from a population."""
        _, confidence, unsupported = self.draw(numpy.random.default_rng(99), 600_000)
        level = numpy.searchsorted(GRID, confidence, side="right") - 1
        return abstention.at_least(level, unsupported) / abstention.at_least(level)


def outcomes(situation, sentences, unit="example", seed=0):
    """Shares of the draws that choose a threshold, and that choose one whose true rate is over the bound."""
    rates, random = situation.true_rates(), numpy.random.default_rng(seed)
    chosen = broken = 0
    for _ in range(DRAWS):
        example, confidence, unsupported = situation.draw(random, sentences)
        choice = choose(example, confidence, unsupported, random.random(sentences) < 0.5, MAX_RATE, PROBABILITY, unit)
        if choice.threshold is not None:
            chosen += 1
            broken += bool(rates[round(choice.threshold * 1000)] > MAX_RATE)
    return chosen / DRAWS, broken / DRAWS


WELL_BELOW, NEAR, ABOVE = Situation(2.5, 1.0), Situation(1.3, 0.9), Situation(0.2, 1.0)


def test_the_situations_are_what_they_are_called():
    overall = [situation.true_rates()[0] for situation in (WELL_BELOW, NEAR, ABOVE)]
    assert overall == pytest.approx([0.026, 0.074, 0.141], abs=0.003)


@pytest.mark.parametrize("unit", ["example", "claim"])
@pytest.mark.parametrize(
    ("situation", "least_chosen"), [(WELL_BELOW, 0.9), (NEAR, 0.5), (ABOVE, 0.15)], ids=["well below", "near", "above"]
)
def test_the_guarantee_is_met_without_withdrawing_all_claims(situation, least_chosen, unit):
    chosen, broken = outcomes(situation, 2000, unit)
    assert broken <= MOST_BROKEN / DRAWS
    assert chosen >= least_chosen


def test_with_useless_confidence_and_a_rate_above_the_bound_no_threshold_is_chosen():
    chosen, broken = outcomes(Situation(3.1, 0.0), 600)
    assert chosen == broken <= MOST_BROKEN / DRAWS


def test_claims_of_one_sentence_that_fail_together_break_the_unit_claim_alone():
    """Sentences of six claims, all supported or all not, and unsupported a little more often than allowed."""
    random, broken = numpy.random.default_rng(2), {"claim": 0, "example": 0}
    example, confidence = numpy.repeat(numpy.arange(300), 6), numpy.full(1800, 0.9)
    for _ in range(300):
        unsupported = numpy.repeat(random.random(300) < 0.055, 6)
        for unit in broken:
            choice = choose(example, confidence, unsupported, numpy.arange(300) < 150, MAX_RATE, PROBABILITY, unit)
            broken[unit] += choice.threshold is not None
    allowed = binom.ppf(0.99, 300, 1 - PROBABILITY)
    assert broken["example"] <= allowed < 1.5 * allowed < broken["claim"]


def every_test(claims, most, max_rate):
    """P-values by name of each test that goes by examples."""
    found = {("cap", cap): abstention.hoeffding_bentkus(claims, cap, most, max_rate) for cap in (1, 2, 3, 4)}
    return found | {("stake", stake): abstention.betting(claims, stake, most, max_rate) for stake in (0.05, 0.5, 0.95)}


@pytest.mark.parametrize("together", [False, True])
def test_p_values_at_the_bound_are_small_as_seldom_as_they_say(together):
    """Sentences of three claims, as often unsupported as the bound allows: each by itself, or all three or none."""
    random, draws, small = numpy.random.default_rng(1), 800, []
    everyone = numpy.ones(300, dtype=bool)
    for _ in range(draws):
        unsupported = numpy.repeat(random.random(300) < MAX_RATE, 3) if together else random.random(900) < MAX_RATE
        claims = abstention.half(numpy.repeat(numpy.arange(300), 3), numpy.ones(900), unsupported, everyone)
        small.append([values[-1] <= 0.05 for values in every_test(claims, 3, MAX_RATE).values()])
    shares = numpy.mean(small, axis=0)
    assert shares.max() <= binom.ppf(0.999, draws, 0.05) / draws
    assert shares.max() > 0


CLAIMS = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from([0.0, 0.1, 0.3, 0.7001, 0.95, 1.0]), st.booleans()), max_size=25
)


def columns(claims):
    example, confidence, unsupported = zip(*claims, strict=True) if claims else ((), (), ())
    return numpy.array(example, dtype=int), numpy.array(confidence, dtype=float), numpy.array(unsupported, dtype=bool)


def bentkus_by_formula(counts, bad, cap, most, max_rate):
    """The p-values that rounding may lead to, where n times the mean is a whole number."""
    n, low, high = len(counts), -max_rate * cap, most - max_rate * min(most, cap)
    mean, beta = ((bad - max_rate * numpy.minimum(counts, cap) - low) / (high - low)).mean(), -low / (high - low)
    a = max(min(mean, beta), 1e-300)
    hoeffding = numpy.exp(-n * (a * numpy.log(a / beta) + (1 - a) * numpy.log((1 - a) / (1 - beta))))
    return [min(1, hoeffding, numpy.e * binom.cdf(numpy.ceil(n * mean + near), n, beta)) for near in (-1e-9, 0, 1e-9)]


@settings(max_examples=40)
@given(CLAIMS, st.sampled_from([0.02, 0.1, 0.4]))
def test_p_values_are_those_of_their_formulas(claims, max_rate):
    example, confidence, unsupported = columns(claims)
    everything = abstention.half(example, confidence, unsupported, numpy.ones(6, dtype=bool))
    most = everything.most
    assert most == max([1, *(int(unsupported[example == one].sum()) for one in range(6))])
    found = every_test(everything, most, max_rate)
    for at in (0, 1, 300, 301, 700, 701, 999):
        kept = confidence >= GRID[at]
        counts = numpy.array([(kept & (example == one)).sum() for one in range(6)])
        bad = numpy.array([(kept & unsupported & (example == one)).sum() for one in range(6)])
        exact = binom.cdf(bad.sum(), kept.sum(), max_rate)
        assert abstention.binomial(everything, max_rate)[at] == pytest.approx(exact)
        for (kind, parameter), values in found.items():
            if kind == "cap":
                allowed = bentkus_by_formula(counts, bad, parameter, most, max_rate)
            else:
                wealth = numpy.prod(1 - parameter / (most * (1 - max_rate)) * (bad - max_rate * counts))
                allowed = [min(1, 1 / wealth)]
            assert any(values[at] == pytest.approx(value, abs=1e-9) for value in allowed), (kind, parameter, at)


@given(CLAIMS, st.lists(st.booleans(), min_size=6, max_size=6), st.sampled_from(["example", "claim"]))
def test_any_claims_at_all_give_a_threshold_or_a_reason(claims, fitting, unit):
    example, confidence, unsupported = columns(claims)
    choice = choose(example, confidence, unsupported, numpy.array(fitting), 0.3, 0.6, unit)
    tested = ~numpy.array(fitting)[example]
    assert choice.claims == tested.sum()
    assert choice.examples == 6 - sum(fitting)
    assert (choice.threshold is None) != (choice.why_none is None)
    if choice.threshold is not None:
        kept = tested & (confidence >= choice.threshold)
        assert choice.rate == pytest.approx(unsupported[kept].mean())
        assert choice.kept_share == pytest.approx(kept.sum() / tested.sum())
        assert choice.p_value <= 0.4
        assert choice.threshold <= choice.start


def sentences_of(count, confidence, unsupported):
    """As many sentences with one claim each, every second one in the fitting half."""
    return (
        numpy.arange(count),
        numpy.full(count, confidence),
        numpy.full(count, unsupported),
        numpy.arange(count) % 2 == 0,
    )


@pytest.mark.parametrize("unit", ["example", "claim"])
@pytest.mark.parametrize("confidence", [0.0, 0.5, 1.0])
def test_if_all_claims_are_supported_none_is_withdrawn(confidence, unit):
    choice = choose(*sentences_of(400, confidence, False), MAX_RATE, PROBABILITY, unit)
    assert (choice.threshold, choice.kept_share, choice.rate) == (0.0, 1.0, 0.0)
    assert choice.start == min(confidence, 0.999)


@pytest.mark.parametrize("unit", ["example", "claim"])
def test_if_all_claims_are_unsupported_all_are_withdrawn(unit):
    choice = choose(*sentences_of(400, 0.9, True), MAX_RATE, PROBABILITY, unit)
    assert choice.threshold is None
    assert "p = 1 at the first threshold tested" in choice.why_none


def test_fifty_nine_claims_are_the_fewest_that_can_pass():
    example, confidence, unsupported, _ = sentences_of(59, 0.8, False)
    testing = numpy.zeros(59, dtype=bool)
    passed = choose(example, confidence, unsupported, testing, MAX_RATE, PROBABILITY, "claim")
    assert (passed.threshold, passed.start, passed.test) == (0.0, 0.8, "binomial")
    assert passed.p_value == pytest.approx(0.95**59)
    refused = choose(example[1:], confidence[1:], unsupported[1:], testing, MAX_RATE, PROBABILITY, "claim")
    assert refused.why_none == "58 claims are too few: 59 are needed even if none is unsupported"


def test_testing_stops_at_the_first_failure_though_a_later_threshold_would_pass():
    """100 supported claims, then 20 unsupported, then 2,000 supported: .9 passes, .5 fails, .1 would pass again."""
    confidence = numpy.repeat([0.9, 0.5, 0.1], [100, 20, 2000])
    unsupported = confidence == 0.5
    choice = choose(
        numpy.arange(2120), confidence, unsupported, numpy.zeros(2120, dtype=bool), MAX_RATE, PROBABILITY, "claim"
    )
    assert (choice.threshold, choice.rate, choice.start) == (0.501, 0.0, 0.9)
    assert (
        abstention.binomial(abstention.half(numpy.arange(2120), confidence, unsupported, confidence >= 0), 0.05)[100]
        < 0.05
    )


def test_halves_without_claims_are_distinguished():
    example, confidence, unsupported, _ = sentences_of(10, 0.9, False)
    nowhere = numpy.zeros(10, dtype=bool)
    assert "testing half" in choose(example, confidence, unsupported, ~nowhere, MAX_RATE, PROBABILITY).why_none
    assert "fitting half" in choose(example, confidence, unsupported, nowhere, MAX_RATE, PROBABILITY).why_none
    alone = choose(example[:1], confidence[:1], unsupported[:1], nowhere[:1], MAX_RATE, PROBABILITY)
    assert (alone.threshold, alone.examples, alone.claims) == (None, 1, 1)


def test_the_testing_half_has_no_say_in_the_start():
    random = numpy.random.default_rng(5)
    example, confidence, unsupported = WELL_BELOW.draw(random, 2000)
    fitting = random.random(2000) < 0.5
    once = choose(example, confidence, unsupported, fitting, MAX_RATE, PROBABILITY)
    worse = unsupported | (~fitting[example] & (random.random(len(example)) < 0.5))
    again = choose(example, confidence, worse, fitting, MAX_RATE, PROBABILITY)
    assert again.start == once.start
    assert again.most_unsupported > once.most_unsupported
    assert once.threshold is not None
    assert again.threshold is None


def test_the_order_of_the_claims_does_not_matter():
    random = numpy.random.default_rng(6)
    example, confidence, unsupported = NEAR.draw(random, 3000)
    fitting = random.random(3000) < 0.5
    once = choose(example, confidence, unsupported, fitting, MAX_RATE, PROBABILITY)
    order = random.permutation(len(example))
    again = choose(example[order], confidence[order], unsupported[order], fitting, MAX_RATE, PROBABILITY)
    assert (again.threshold, again.start, again.rate) == (once.threshold, once.start, once.rate)
    assert again.p_value == pytest.approx(once.p_value)


def test_halves_go_by_the_id_alone_and_are_even():
    ids = [f"dev.txt:{line}" for line in range(4000)]
    found = halves(ids)
    assert abs(found.mean() - 0.5) < 0.03
    assert halves(ids[::-1]).tolist() == found[::-1].tolist()


def test_the_record_is_plain_data_and_names_what_it_assumes():
    record = asdict(choose(*sentences_of(400, 0.9, False), MAX_RATE, PROBABILITY))
    assert record["threshold"] == 0.0
    assert "most_unsupported" in record["assumes"]
    assert all(value is None or type(value) in (str, int, float) for value in record.values())


def test_what_is_no_confidence_is_refused():
    example, confidence, unsupported, fitting = sentences_of(10, numpy.nan, False)
    with pytest.raises(ValueError, match="between 0 and 1"):
        choose(example, confidence, unsupported, fitting, MAX_RATE, PROBABILITY)


@pytest.mark.parametrize("fits_on_dev", [False, True])
def test_the_message_of_a_guarantee_says_what_else_was_chosen_on_dev(monkeypatch, fits_on_dev):
    lines: list[str] = []
    monkeypatch.setattr(confidence, "tell", lines.append)
    settings = EvalConfig.model_validate({"abstain": {"guarantee": {"max_rate": 0.1}}})
    confidence.announce(ConfidenceFile(threshold=0.5), settings, fits_on_dev)
    assert ("the threshold of the model" in lines[0]) is fits_on_dev


def test_each_class_is_tested_at_its_part_of_the_level():
    random = numpy.random.default_rng(3)
    example, fitting = numpy.arange(3000), random.random(3000) < 0.5
    classes = numpy.where(example % 3 == 0, "LOC", "PER").astype("<U3")
    classes[numpy.flatnonzero(~fitting)[:40]] = "NEW"  # claimed on the half that is tested alone
    confidence, unsupported = random.random(3000), random.random(3000) < numpy.where(classes == "LOC", 0.0, 0.3)
    found = abstention.choose_by_class(classes, example, confidence, unsupported, fitting, 0.05, 0.95)
    assert list(found) == ["LOC", "PER"]
    assert (found["LOC"].threshold, found["PER"].threshold) == (0.0, None)
    for name, choice in found.items():
        of = classes == name
        assert choice.probability == pytest.approx(0.975)  # both hold with .95
        assert choice == choose(example[of], confidence[of], unsupported[of], fitting, 0.05, choice.probability)


@pytest.mark.parametrize("by", ["label", "novelty"])
def test_claims_are_withdrawn_by_the_threshold_of_their_class(tmp_path, by):
    guarantee = "{max_rate: 0.1, probability: 0.8}"
    run = make_run(
        tmp_path,
        made_examples(60),
        dev=made_examples(400, Rates(0.05, 0.1, 0.1), "dev"),
        config_extra=f"eval: {{splits: [test], abstain: {{guarantee: {guarantee}, by: {by}}}}}\n",
    )
    file = ConfidenceFile.model_validate_json(run.confidence.read_text())
    thresholds = {name: one["threshold"] for name, one in file.guarantees.items()}
    assert (file.by, file.threshold) == (by, None)
    assert len(thresholds) > 1
    claims = [line for line in verdicts.read_ledger(run.ledger("test")) if line.record == "claim"]
    for line in claims:
        threshold = thresholds.get(getattr(line, by))
        assert line.abstained == (threshold is None or line.confidence < threshold)
    assert len({line.abstained for line in claims}) == 2 or None not in thresholds.values()
    report = run_report(run)
    assert [one.threshold for one in report.abstention.classes] == list(thresholds.values())
    assert "80% for all" in report.abstention.guarantee
    assert not any("later evaluation" in note for note in report.notes)
    (table,) = views.thresholds(report.abstention)
    assert [row[0].text for row in table.rows] == list(thresholds)
    assert file.withdraws(0.99, "never seen", "never seen")
    assert not file.withdraws(None, "never seen", None)


def test_thresholds_by_class_need_a_guarantee():
    with pytest.raises(ValueError, match="requires `guarantee`"):
        EvalConfig.model_validate({"abstain": {"threshold": 0.5, "by": "label"}})
