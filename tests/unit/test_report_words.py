"""What is said of figures in sentences: each case, and no more than intervals support."""

from __future__ import annotations

import pytest

from halluc.report.collect.confidences import abstention
from halluc.report.collect.figures import Figures
from halluc.report.words.headlines import headlines
from halluc.report.words.of_run import conclusion
from halluc.runs.schema import ConfidenceFile, MetricResult

CONFIDENCES = {"unsupported": [0.6, 0.7, 0.8], "supported": [0.9, 0.95]}


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


@pytest.mark.parametrize(
    ("share", "interval", "claims", "told"),
    [
        (0.8, (0.6, 1.0), 50, "80.0% [60.0, 100.0] of its 10 hallucinations on test lie on names that training did not "
                              "show, though only 50.0% of its claims do."),
        (0.6, (0.3, 0.9), 50, "and 50.0% of its claims do: that they gather there can not be shown."),
        (0.2, (0.0, 0.4), 50, "do: it asserts without ground rather where it had seen the name."),
        (1.0, (0.5, 1.0), 100, "as all of its claims do."),
        (0.8, None, 50, "that they gather there can not be shown."),
    ],
)  # fmt: skip
def test_where_it_hallucinates_is_said_against_where_it_claims(share, interval, claims, told):
    assert said(MANY, *where(share, interval, claims), OMISSION)[0].endswith(told)


def test_without_novelty_that_is_said():
    assert said(RATE, OMISSION)[0].endswith("have nothing behind them; which names training showed is not known.")


@pytest.mark.parametrize(("share", "told"), [(1.0, "all"), (0.0, "none"), (0.8, "4")])
def test_of_few_hallucinations_no_share_is_told(share, told):
    few = said(RATE, *where(share, (0.1, 1.0), 50), OMISSION)[0]
    assert few == (
        f"5 of its 100 claims on test have nothing behind them, {told} on names that training had not shown: "
        "too few to say where."
    )


def test_one_hallucination_is_told_as_one():
    one = metric("hallucination_rate", 0.01, 100, (0.0, 0.05))
    told = said(one, *where(1.0, (0.1, 1.0), 50), OMISSION, confidences={"unsupported": [0.4]})
    assert told[0].startswith(
        "1 of its 100 claims on test has nothing behind it, on a name that training had not shown"
    )
    assert told[-1].endswith("; its hallucination is stated with a confidence of 0.40.")


def test_no_claims_and_no_hallucination():
    silent = said(metric("hallucination_rate", None, 0), metric("omission_rate", 1.0, 90, (0.9, 1.0)), confidences={})
    assert silent[0] == "The model claims nothing on test: it asserts nothing, true or false."
    assert silent[1].startswith("It passes over 100.0% [90.0, 100.0] of the 90 names")
    honest = said(metric("hallucination_rate", 0.0, 50, (0.0, 0.07)), OMISSION)
    assert honest[0] == "None of its 50 claims on test lacks something behind it: 0.0% [0.0, 7.0]."
    assert honest[1] == "Beside that it passes over 10.0% [5.0, 15.0] of the 90 names that are there."
    assert len(honest) == 2


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        ({"PER": (0.2, (0.1, 0.3)), "LOC": (0.01, (0.0, 0.05))}, "It hallucinates most as PER: 20.0% [10.0, 30.0]"),
        ({"PER": (0.2, (0.05, 0.5)), "LOC": (0.01, (0.0, 0.05))}, "No label stands out"),
        # The highest rate is that of a few claims: the one that is clear is named.
        ({"PER": (0.5, (0.0, 1.0)), "LOC": (0.2, (0.1, 0.3))}, "It hallucinates most as LOC"),
        ({"<b>\u202ex</b>": (0.2, (0.1, 0.3)), "LOC": (0.0, (0.0, 0.1))}, "It hallucinates most as <b>\\u202ex</b>"),
    ],
)
def test_a_label_stands_out_where_its_interval_lies_clear(labels, told):
    rates = [metric("hallucination_rate", value, 40, between, label=name) for name, (value, between) in labels.items()]
    assert told in said(RATE, *where(0.8, (0.6, 1.0), 50), *rates, OMISSION)[1]


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
         "keeps 80.0% of all: hallucinations fall from 5.0% to 1.0% [0.0, 1.5], omissions rise from 10.0% to 30.0%"),
        ((0.03, 80, (0.01, 0.05)), (0.12, 90, (0.06, 0.2)),
         "hallucinations go from 5.0% to 3.0% [1.0, 5.0], which no interval sets apart, omissions go from"),
        ((None, 0, None), (1.0, 90, (0.9, 1.0)), "Withdrawing claims under a confidence of 0.6 leaves none."),
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
    for part in ("1,646 examples", "at most 1% of", "probability of 95%", "more than 2 unsupported", "Dev also chose"):
        assert part in told
    assert told.endswith("Measured on test: 2.0% [0.0, 4.0].")
    assert "Dev also chose" not in abstention(file, Figures(metrics), "test", chosen_on_dev=False).guarantee


def test_a_guarantee_that_can_not_be_given_says_why():
    record = {**GUARANTEE, "threshold": None, "unit": "claim", "why_none": "12 claims are too few"}
    found = abstention(ConfidenceFile(guarantee=record), Figures([RATE, OMISSION]), "test", chosen_on_dev=True)
    assert found.guarantee.startswith("None can be given: no threshold on half of dev (3,081 claims)")
    assert "(12 claims are too few)" in found.guarantee
    assert said(RATE, OMISSION, withdrawn=found)[-1].startswith("No threshold on confidence can give the guarantee")


def test_abstention_that_withdraws_nothing_or_was_not_asked_for():
    found = abstention(ConfidenceFile(threshold=0.3), Figures([RATE, OMISSION]), "test", chosen_on_dev=False)
    assert said(RATE, OMISSION, withdrawn=found)[-1] == "Its threshold of 0.3 on confidence withdraws nothing."
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
    other = headlines(Figures([metric("accuracy", 0.9, 10), RATE]))
    assert [one.title for one in other] == ["accuracy", "hallucination rate"]
    assert other[0].meaning == "Counted over 10: made."
    assert [one.figure.name for one in headlines(Figures([RATE]))] == ["hallucination_rate"]


def test_f1_and_hallucination_in_words():
    parts = [metric("entity_recall", 0.8, 90), metric("entity_precision", 0.7, 90)]
    told = meaning("entity_f1", metric("entity_f1", 0.75, 90), *parts)
    assert told.startswith("It finds 80.0% of the 90 names that are there, boundary and label right,")
    assert told.endswith("and 70.0% of what it claims is right.")
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
            "its claims are wrong 3.0 times as often as where it had seen it: 30.0% against 10.0%.",
        ),
        (1.2, (0.8, 1.9), 0.1, 0.12, "12.0% against 10.0%, which may be chance."),
        (None, None, 0.0, 0.3, "None of its 50 claims on names that training showed is wrong"),
        (None, None, None, 0.3, "nothing to compare with."),
        (None, None, 0.1, None, "None of its claims is on a name that is new to it"),
    ],
)
def test_the_gap_ratio_in_words(value, interval, seen, new, told):
    assert told in meaning("gap_ratio", metric("gap_ratio", value, 50, interval), *over(seen, new))


@pytest.mark.parametrize(
    ("right", "told"), [((0.7, 0.8), "it is too sure"), ((0.95, 0.99), "not sure enough"), ((0.8, 0.95), "right.")]
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
