"""What is said of figures in sentences: each case, and no more than intervals support."""

from __future__ import annotations

import pytest

from halluc.report.collect.confidences import abstention
from halluc.report.collect.figures import Figures
from halluc.report.words.headlines import headlines
from halluc.report.words.of_run import conclusion
from halluc.runs.schema import ConfidenceFile, MetricResult

CONFIDENCES = {"unsupported": [0.6, 0.7, 0.8], "supported": [0.9, 0.93, 0.95]}


def metric(name, value, n, interval=None, **by):
    return MetricResult(name=name, value=value, n=n, interval=interval, by=by, protocol="made")


RATE = metric("hallucination_rate", 0.05, 100, (0.02, 0.09))
OMISSION = metric("omission_rate", 0.1, 90, (0.05, 0.15))


MANY = metric("hallucination_rate", 0.1, 100, (0.05, 0.16))


def where(share, interval, unseen_claims):
    return [
        metric("share_of_hallucinations", share, 10, interval, novelty="unseen"),
        metric("over_claim", 0.2, unseen_claims, (0.1, 0.3), novelty="unseen"),
    ]


def said(*metrics, confidences=CONFIDENCES, withdrawn=None):
    return conclusion(Figures(metrics), "test", confidences, withdrawn)


UNSEEN = "names that training did not show with that label, or only in part"


@pytest.mark.parametrize(
    ("share", "interval", "claims", "told"),
    [
        (0.8, (0.6, 1.0), 50, f"80.0% [60.0, 100.0] of its 10 hallucinations on test lie on {UNSEEN}, though only"
                              " 50.0% of its claims do."),
        (0.6, (0.3, 0.9), 50, "and 50.0% of its claims do: it cannot be shown that they gather there."),
        (0.2, (0.0, 0.4), 50, "do: it hallucinates more where training showed the name."),
        (0.8, None, 50, "it cannot be shown that they gather there."),
    ],
)  # fmt: skip
def test_where_it_hallucinates_is_said_against_where_it_claims(share, interval, claims, told):
    assert said(MANY, *where(share, interval, claims), OMISSION)[0].endswith(told)


def test_where_all_claims_lie_on_unseen_names_the_rate_is_the_news():
    rate = "10.0% [5.0, 16.0] of its 100 claims on test have nothing behind them"
    told = f"{rate}; training showed none of the claimed names"
    all_unseen = where(1.0, (0.5, 1.0), 100)
    assert said(MANY, *all_unseen, OMISSION)[0] == f"{told} with that label."
    partial = metric("over_claim", 0.2, 40, (0.1, 0.3), novelty="partial")
    assert said(MANY, *all_unseen, partial, OMISSION)[0] == f"{told} with that label, only parts of some."


def test_without_novelty_that_is_said():
    assert said(RATE, OMISSION)[0].endswith("have nothing behind them; which names training showed is not known.")


@pytest.mark.parametrize(("share", "told"), [(1.0, "all"), (0.0, "none"), (0.8, "4")])
def test_of_few_hallucinations_no_share_is_told(share, told):
    few = said(RATE, *where(share, (0.1, 1.0), 50), OMISSION)
    assert (
        few[0]
        == f"5 of its 100 claims on test have nothing behind them, {told} on {UNSEEN}: too few to conclude where."
    )
    labels = [metric("hallucination_rate", 0.05, 40, (0.0, 0.2), label=name) for name in ("PER", "LOC")]
    assert said(RATE, *where(share, (0.1, 1.0), 50), *labels, OMISSION) == few


@pytest.mark.parametrize(
    ("confidences", "ending"),
    [
        ({"unsupported": [0.4, 0.5], "supported": [0.9] * 9}, "there."),
        ({"unsupported": [0.4, 0.5, 0.6], "supported": [0.9] * 2}, "there; its hallucinations have a median confidence"
                                                                  " of 0.50."),
        (CONFIDENCES, "have a median confidence of 0.70, supported claims one of 0.93."),
    ],
)  # fmt: skip
def test_no_median_is_told_of_fewer_than_three(confidences, ending):
    assert said(MANY, *where(0.8, (0.6, 1.0), 50), OMISSION, confidences=confidences)[-1].endswith(ending)


@pytest.mark.parametrize(
    ("share", "told"),
    [(1.0, "a name that training did not show with that label, or only in part"), (0.0, "a name that training showed")],
)
def test_one_hallucination_is_told_as_one(share, told):
    one = metric("hallucination_rate", 0.01, 100, (0.0, 0.05))
    found = said(one, *where(share, (0.1, 1.0), 50), OMISSION, confidences={"unsupported": [0.4]})
    assert found[0] == f"1 of its 100 claims on test has nothing behind it, on {told}: too few to conclude where."
    assert not any("confidence" in text for text in found)


def test_two_hallucinations_are_both():
    two = metric("hallucination_rate", 0.02, 100, (0.0, 0.05))
    assert f", both on {UNSEEN}: too few" in said(two, *where(1.0, (0.1, 1.0), 50), OMISSION)[0]


def test_no_claims_and_no_hallucination():
    silent = said(metric("hallucination_rate", None, 0), metric("omission_rate", 1.0, 90, (0.9, 1.0)), confidences={})
    assert silent[0] == "The model claims nothing on test: it asserts nothing, true or false."
    assert silent[1].startswith("It misses 100.0% [90.0, 100.0] of the 90 names that are there.")
    honest = said(metric("hallucination_rate", 0.0, 50, (0.0, 0.07)), OMISSION)
    assert honest[0] == "Each of its 50 claims on test has something behind it: 0.0% [0.0, 7.0] are hallucinations."
    assert honest[1] == "It misses 10.0% [5.0, 15.0] of the 90 names that are there."
    assert len(honest) == 2


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        (
            {"PER": (0.3, (0.2, 0.4)), "LOC": (0.01, (0.0, 0.05))},
            "It hallucinates most often as PER: 30.0% [20.0, 40.0] of those claims have nothing",
        ),
        (
            {"PER": (0.2, (0.05, 0.5)), "LOC": (0.01, (0.0, 0.05))},
            "No label stands out: no label's interval lies above that of all",
        ),
        # The highest rate is that of a few claims: the one that is clear is named.
        ({"PER": (0.5, (0.0, 1.0)), "LOC": (0.2, (0.17, 0.3))}, "It hallucinates most often as LOC"),
        (
            {"<b>\u202ex</b>": (0.2, (0.17, 0.3)), "LOC": (0.0, (0.0, 0.1))},
            "It hallucinates most often as <b>\\u202ex</b>",
        ),
    ],
)
def test_a_label_stands_out_where_its_interval_lies_clear(labels, told):
    rates = [metric("hallucination_rate", value, 40, between, label=name) for name, (value, between) in labels.items()]
    assert told in said(MANY, *where(0.8, (0.6, 1.0), 50), *rates, OMISSION)[1]


def test_a_single_label_is_not_compared():
    only = metric("hallucination_rate", 0.05, 100, (0.2, 0.9), label="PER")
    told = said(RATE, *where(0.8, (0.6, 1.0), 50), only, OMISSION)
    assert len(told) == 2
    assert told[1].endswith("; its hallucinations have a median confidence of 0.70, supported claims one of 0.93.")


def kept(hallucination, omission, coverage=0.8):
    return [
        metric("claim_coverage", coverage, 100, (0.7, 0.9), claims="kept"),
        metric("hallucination_rate", *hallucination, claims="kept"),
        metric("omission_rate", *omission, claims="kept"),
    ]


@pytest.mark.parametrize(
    ("rate", "omission", "told"),
    [
        ((0.01, 80, (0.0, 0.015)), (0.3, 90, (0.2, 0.4)),
         "keeps 80.0% of all claims: hallucinations fall from 5.0% to 1.0% [0.0, 1.5], omissions rise from 10.0% to"),
        ((0.03, 80, (0.01, 0.05)), (0.12, 90, (0.06, 0.2)),
         "hallucinations go from 5.0% to 3.0% [1.0, 5.0], which the intervals do not tell apart, omissions go from"),
        ((None, 0, None), (1.0, 90, (0.9, 1.0)), "Withdrawing claims of a confidence under 0.6 leaves none."),
    ],
)  # fmt: skip
def test_what_abstention_brings(rate, omission, told):
    metrics = [RATE, *where(0.8, (0.6, 1.0), 50), OMISSION, *kept(rate, omission)]
    found = abstention(ConfidenceFile(threshold=0.6), Figures(metrics), "test", chosen_on_dev=True)
    assert told in said(*metrics, withdrawn=found)[-1]
    assert found.guarantee is None


GUARANTEE = {
    "threshold": 0.86, "why_none": None, "unit": "example", "max_rate": 0.01, "probability": 0.95, "examples": 1646,
    "claims": 3081, "assumes": "none has more than `most_unsupported` unsupported claims", "most_unsupported": 2,
}  # fmt: skip


def test_a_guarantee_says_what_it_rests_on_and_what_was_measured():
    metrics = [RATE, OMISSION, *kept((0.02, 80, (0.0, 0.04)), (0.2, 90, (0.1, 0.3)))]
    file = ConfidenceFile(threshold=0.86, guarantee=GUARANTEE)
    told = abstention(file, Figures(metrics), "test", chosen_on_dev=True).guarantee
    for part in (
        "1,646 examples",
        "at most 1% of",
        "probability of 95%",
        "more than 2 hallucinations",
        "Dev also chose",
    ):
        assert part in told
    assert "Dev also chose" not in abstention(file, Figures(metrics), "test", chosen_on_dev=False).guarantee
    single = ConfidenceFile(threshold=0.86, guarantee=GUARANTEE | {"most_unsupported": 1})
    assert "more than 1 hallucination." in abstention(single, Figures(metrics), "test", chosen_on_dev=True).guarantee


@pytest.mark.parametrize(
    ("measured", "told"),
    [
        ((0.012, 80, (0.009, 0.015)), "On test it is 1.2% [0.9, 1.5]: above the 1% promised, which the interval still"
                                      " allows; the promise holds for data drawn like dev."),
        ((0.02, 80, (0.015, 0.04)), "On test it is 2.0% [1.5, 4.0]: above the 1% promised, and so is its whole"
                                    " interval; the promise holds for data drawn like dev."),
        ((0.008, 80, (0.005, 0.012)), "On test it is 0.8% [0.5, 1.2]: the promise of at most 1% is kept, though the"
                                      " interval goes beyond it."),
        ((0.004, 80, (0.001, 0.009)), "On test it is 0.4% [0.1, 0.9]: the promise of at most 1% is kept."),
        ((0.01, 80, (0.01, 0.01)), "On test it is 1.0% [1.0, 1.0]: the promise of at most 1% is kept."),
        ((0.02, 80, None), "On test it is 2.0% (no interval): above the 1% promised; the promise holds for data drawn"
                           " like dev."),
        ((None, 0, None), "On test no claim is kept: there is nothing to measure."),
    ],
)  # fmt: skip
def test_whether_a_guarantee_was_kept_is_said_plainly(measured, told):
    metrics = [RATE, OMISSION, *kept(measured, (0.2, 90, (0.1, 0.3)))]
    file = ConfidenceFile(threshold=0.86, guarantee=GUARANTEE)
    assert abstention(file, Figures(metrics), "test", chosen_on_dev=True).guarantee.endswith(f" {told}")


def test_a_guarantee_that_can_not_be_given_says_why():
    record = {**GUARANTEE, "threshold": None, "unit": "claim", "why_none": "12 claims are too few"}
    found = abstention(ConfidenceFile(guarantee=record), Figures([RATE, OMISSION]), "test", chosen_on_dev=True)
    assert found.guarantee.startswith("None can be given: no threshold on half of dev (3,081 claims)")
    assert "(12 claims are too few)" in found.guarantee
    assert said(RATE, OMISSION, withdrawn=found)[-1].startswith("No threshold on confidence can give the guarantee")


def test_abstention_that_withdraws_nothing_or_was_not_asked_for():
    found = abstention(ConfidenceFile(threshold=0.3), Figures([RATE, OMISSION]), "test", chosen_on_dev=False)
    assert said(RATE, OMISSION, withdrawn=found)[-1] == "Its threshold of 0.3 on confidence withdraws no claim."
    assert abstention(ConfidenceFile(), Figures([RATE]), "test", chosen_on_dev=False) is None
    assert abstention(None, Figures([RATE]), "test", chosen_on_dev=False) is None


def meaning(name, *metrics):
    return {one.figure.name: one.meaning for one in headlines(Figures(metrics))}[name]


def over(seen, new, n=50):
    return [metric("over_claim", seen, n, novelty="seen"), metric("over_claim", new, n, novelty="new")]


def test_headlines_stand_in_their_order_and_take_what_there_is():
    everything = [
        metric("ece", 0.05, 100), metric("gap_ratio", 2.0, 50, (1.5, 2.5)), *over(0.1, 0.2), RATE,
        metric("entity_f1", 0.8, 90), metric("entity_f1", 0.7, 90),
    ]  # fmt: skip
    found = headlines(Figures(everything))
    assert [one.figure.name for one in found] == ["entity_f1", "hallucination_rate", "gap_ratio", "ece"]
    assert found[0].figure.value == 0.8
    other = headlines(Figures([metric("exact_match", 0.9, 10), RATE]))
    assert [one.title for one in other] == ["exact match", "hallucination rate"]
    assert other[0].meaning == "Counted over 10: made."
    assert [one.figure.name for one in headlines(Figures([RATE]))] == ["hallucination_rate"]


def test_f1_and_hallucination_in_words():
    parts = [metric("entity_recall", 0.8, 90), metric("entity_precision", 0.7, 90)]
    told = meaning("entity_f1", metric("entity_f1", 0.75, 90), *parts)
    assert told.startswith("It finds 80.0% of the 90 names that are there, with the right boundary and label;")
    assert told.endswith("; 70.0% of what it claims is right.")
    assert "0 by convention" in meaning("entity_f1", metric("entity_f1", 0.0, 0), *parts)
    told = "5.0% of what the model claims has nothing behind it: 5 of 100 claims."
    assert meaning("hallucination_rate", RATE) == told
    assert meaning("hallucination_rate", metric("hallucination_rate", 1.0, 1)).endswith("1 of 1 claim.")
    assert meaning("hallucination_rate", metric("hallucination_rate", None, 0)).startswith("The model claims nothing")


@pytest.mark.parametrize(
    ("value", "interval", "seen", "new", "told"),
    [
        (
            3.0,
            (2.0, 4.0),
            0.1,
            0.3,
            "Where training showed not even a word of the name, its claims are wrong 3.0 times as often as where"
            " training showed the name: 30.0% against 10.0%.",
        ),
        (1.2, (0.8, 1.9), 0.1, 0.12, "12.0% against 10.0%, which may be chance."),
        (None, None, 0.0, 0.3, "where training showed not even a word of the name, 30.0% are."),
        (None, None, None, 0.3, "nothing to compare with."),
        (None, None, 0.1, None, "Training showed at least a word of each name that it claims"),
    ],
)
def test_the_gap_ratio_in_words(value, interval, seen, new, told):
    assert told in meaning("gap_ratio", metric("gap_ratio", value, 50, interval), *over(seen, new))


@pytest.mark.parametrize(
    ("right", "told"),
    [
        ((0.7, 0.8), "it is over-confident: it states 90.0% on average and is right in 75.0%."),
        ((0.95, 0.99), "it is under-confident: it states 90.0% on average and is right in 97.0%."),
        ((0.8, 0.95), "right."),
    ],
)
def test_calibration_says_on_which_side_it_errs_where_an_interval_shows_it(right, told):
    bins = [
        metric("reliability", 0.5, 50, bin="a", mean_confidence="0.8000"),
        metric("reliability", 0.9, 50, bin="b", mean_confidence="1.0000"),
    ]
    support = metric("support_rate", sum(right) / 2, 100, right)
    said = meaning("ece", metric("ece", 0.054, 100), support, *bins)
    assert "lies on average 5.4 percentage points from the share that is right" in said
    assert told in said
    assert meaning("ece", metric("ece", None, 0)) == "No claim states a confidence."
