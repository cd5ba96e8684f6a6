"""What is said of figures in sentences: each case, and no more than intervals support."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halluc.reporting.collect.confidences import abstention
from halluc.reporting.words.run_sentences import conclusion, headlines
from halluc.runs.schema import ConfidenceFile, MetricResult
from halluc.task import task_class
from halluc.wording.nouns import FigureLookup

MENTIONS = task_class("token_classification").evaluated(())
CONFIDENCES = {"unsupported": [0.6, 0.7, 0.8], "supported": [0.9, 0.93, 0.95]}


def metric(name, value, n, interval=None, **by):
    return MetricResult(name=name, value=value, n=n, interval=interval, by=by, protocol="made")


RATE = metric("hallucination_rate", 0.05, 100, (0.02, 0.09))
OMISSION = metric("omission_rate", 0.1, 90, (0.05, 0.15))


MANY = metric("hallucination_rate", 0.1, 100, (0.05, 0.16))


def over_claims(seen, new, partial=None, wrong=(0.05, 0.4)):
    """What share of the claims of each novelty is wrong: ``(value, n, interval)`` each, None: no such claim."""
    parts = {"seen": seen, "partial": partial or (None, 0), "new": new or (None, 0)}
    unseen = sum(n for _, n, *_ in [parts["partial"], parts["new"]])
    told = [metric("over_claim", *found, novelty=novelty) for novelty, found in parts.items()]
    return [*told, metric("over_claim", 0.2 if unseen else None, unseen, wrong if unseen else None, novelty="unseen")]


def share(value, interval):
    return metric("share_of_hallucinations", value, 10, interval, novelty="unseen")


def said(*metrics, confidences=CONFIDENCES, withdrawn=None):
    return conclusion(FigureLookup(metrics), "test", confidences, withdrawn, MENTIONS)


# 67 of 310 claims are wrong, as one run of the demo had them.
OF_310 = {"label": 19, "boundary": 26, "both": 4, "duplicate": 15}
SEEN, NEW = (0.1, 60, (0.05, 0.15)), (0.4, 40, (0.3, 0.5))


def of_310(invented=3, reasons=OF_310):
    wrong = invented + sum(reasons.values())
    return [
        metric("hallucination_rate", invented / 310, 310, (0.0, 0.02)),
        metric("false_claim_rate", wrong / 310, 310, (0.17, 0.26)),
        metric("distortion_rate", (wrong - invented) / 310, 310),
        *(metric("distortion_rate", n / 310, 310, reason=reason) for reason, n in reasons.items()),
    ]


def test_the_first_sentence_reports_all_that_is_wrong_and_how():
    assert said(*of_310())[0] == (
        "67 of 310 predicted mentions on test are wrong (21.6% [17.0, 26.0]): 3 hallucinated, 19 with a wrong label, 26"
        " with a wrong boundary, 4 with a wrong label and boundary, 15 repeating part of a mention."
    )


@pytest.mark.parametrize(
    ("invented", "reasons", "told"),
    [
        (0, {"label": 2, "both": 1}, "3 of 310 predicted mentions on test are wrong (1.0% [17.0, 26.0]): 2 with a wrong"
                                     " label, 1 with a wrong label and boundary."),
        (1, {}, "1 of 310 predicted mentions on test is wrong (0.3% [17.0, 26.0]): 1 hallucinated."),
        (2, {"duplicate": 1}, "(1.0% [17.0, 26.0]): 2 hallucinated, 1 repeating part of a mention."),
    ],
)  # fmt: skip
def test_parts_that_are_zero_are_left_out(invented, reasons, told):
    assert said(*of_310(invented, reasons))[0].endswith(told)


@given(
    st.integers(0, 40),
    st.dictionaries(st.sampled_from([*OF_310]), st.integers(0, 60)),
    st.integers(0, 5),
)
def test_the_parts_of_the_first_sentence_add_up(invented, reasons, without_a_reason):
    figures = of_310(invented, reasons)
    wrong = invented + sum(reasons.values()) + without_a_reason
    figures[1] = metric("false_claim_rate", wrong / 310, 310, (0.0, 0.5))
    figures[2] = metric("distortion_rate", (wrong - invented) / 310, 310)
    first = said(*figures)[0]
    if not wrong:
        assert first == "0 of 310 predicted mentions on test are wrong (0.0% [0.0, 50.0])."
        return
    total, _, parts = first.partition(": ")
    assert int(total.split()[0]) == wrong == sum(int(part.split()[0]) for part in parts.split(", "))


def test_where_it_is_wrong_is_reported_by_novelty_as_far_as_intervals_go():
    ratio = metric("gap_ratio", 4.0, 40, (2.0, 8.0))
    partial = (0.2, 30, (0.1, 0.3))
    more = said(*of_310(), *over_claims(SEEN, NEW, partial), ratio)[1]
    assert more == (
        "Predicted mentions new to training are wrong more often than those seen in training: 40.0% [30.0, 50.0]"
        " against 10.0% [5.0, 15.0]. Three cases are too few to conclude where the model hallucinates."
    )
    open_ = said(*of_310(0), *over_claims(SEEN, NEW), metric("gap_ratio", 1.2, 40, (0.8, 1.9)))[1]
    assert open_ == (
        "Too few to conclude whether predicted mentions new to training are wrong more often than those seen in"
        " training: 40.0% [30.0, 50.0] against 10.0% [5.0, 15.0]."
    )
    # Without a ratio the intervals must not touch.
    assert said(*of_310(0), *over_claims(SEEN, NEW))[1].startswith(
        "Predicted mentions new to training are wrong more often"
    )
    touching = over_claims(SEEN, (0.2, 40, (0.1, 0.5)))
    assert said(*of_310(0), *touching)[1].startswith("Too few to conclude")
    # Neither may a share contradict the ratio: the other share is in its interval.
    wide = over_claims((0.857, 7, (0.0, 1.0)), (0.336, 110, (0.233, 0.443)))
    for known in ((), (metric("gap_ratio", 0.4, 110, (0.3, 0.9)),)):
        assert said(*of_310(0), *wide, *known)[1].startswith("Too few to conclude")
    less = over_claims((0.6, 60, (0.5, 0.7)), (0.1, 40, (0.05, 0.2)))
    assert "are wrong less often than those seen in training" in said(*of_310(0), *less)[1]


def test_where_only_one_kind_of_mention_is_predicted_there_is_nothing_to_compare():
    all_seen = over_claims((0.2, 310, (0.1, 0.3)), None)
    told = "All predicted mentions are seen in training, so there is nothing to compare with."
    assert said(*of_310(0), *all_seen)[1] == told
    none_seen = over_claims((None, 0), (0.2, 310, (0.1, 0.3)))
    summaries = task_class("summarisation").evaluated(())
    told = "None of the statements is in training targets, so there is nothing to compare with."
    assert conclusion(FigureLookup([*of_310(0), *none_seen]), "test", {}, None, summaries)[1].startswith(told)


def test_the_least_known_are_compared_with_the_best_known_of_those_that_are_predicted():
    none_seen = over_claims((None, 0), (0.4, 300, (0.35, 0.45)), (0.1, 10, (0.0, 0.3)))
    new = "Predicted mentions new to training are wrong more often than those partly in training: 40.0% [35.0, 45.0]"
    assert said(*of_310(0), *none_seen, metric("gap_ratio", None, 300))[1].startswith(new)
    partly = over_claims(SEEN, None, (0.4, 40, (0.3, 0.5)))
    told = "Predicted mentions partly in training are wrong more often than those seen in training: 40.0% [30.0, 50.0]"
    assert said(*of_310(0), *partly)[1].startswith(told)


def test_missing_novelty_is_reported():
    assert said(*of_310())[1] == "The novelty of the predicted mentions is unknown."


@pytest.mark.parametrize(("wrong", "told"), [(1, "One case is"), (2, "Two cases are"), (7, "Seven cases are")])
def test_few_wrong_mentions_give_no_conclusion_about_their_place(wrong, told):
    labels = [metric("hallucination_rate", 0.05, 40, (0.0, 0.2), label=name) for name in ("PER", "LOC")]
    found = said(*of_310(wrong, {}), *over_claims(SEEN, NEW), *labels, OMISSION)
    assert found[1] == f"{told} too few to conclude where the model is wrong."
    assert len(found) == 3


@pytest.mark.parametrize(
    ("value", "interval", "told"),
    [
        (0.8, (0.6, 1.0), "80.0% [60.0, 100.0] of the 10 hallucinated mentions are partly or wholly new to training,"
                          " but only 40.0% of all predicted mentions are."),
        (0.6, (0.3, 0.9), "and 40.0% of all predicted mentions are: too few to conclude that they are concentrated"
                          " there."),
        (0.2, (0.0, 0.3), "and 40.0% of all predicted mentions are: seen mentions are affected more."),
        (0.8, None, "too few to conclude that they are concentrated there."),
    ],
)  # fmt: skip
def test_hallucinations_by_label_are_compared_with_predictions_by_label(value, interval, told):
    found = said(MANY, *over_claims(SEEN, NEW), share(value, interval), OMISSION)
    assert found[0] == "10 of 100 predicted mentions on test are wrong (10.0% [5.0, 16.0]): 10 hallucinated."
    assert found[1].endswith(told)


@pytest.mark.parametrize(
    ("confidences", "ending"),
    [
        ({"unsupported": [0.4, 0.5], "supported": [0.9] * 9}, "9 not found (10.0% [5.0, 15.0])."),
        ({"unsupported": [0.4, 0.5, 0.6], "supported": [0.9] * 2}, "; hallucinated mentions have a median confidence"
                                                                  " of 0.50."),
        (CONFIDENCES, "have a median confidence of 0.70, right ones 0.93."),
    ],
)  # fmt: skip
def test_no_median_is_reported_fewer_than_three(confidences, ending):
    assert said(MANY, OMISSION, confidences=confidences)[-1].endswith(ending)


def test_recall_and_omissions_add_up_and_do_not_contradict_each_other():
    recall = metric("recall", 0.8, 90, (0.7, 0.9))
    assert said(RATE, OMISSION, recall, confidences={})[-1] == (
        "90 annotated mentions: 72 found with the right boundary and label (80.0% [70.0, 90.0]), 9 found in part or"
        " with a wrong label, 9 not found (10.0% [5.0, 15.0])."
    )
    all_found = [metric("omission_rate", 0.0, 90, (0.0, 0.04)), metric("recall", 1.0, 90, (0.96, 1.0))]
    assert said(RATE, *all_found, confidences={})[-1] == (
        "90 annotated mentions: 90 found with the right boundary and label (100.0% [96.0, 100.0]), 0 not found (0.0%"
        " [0.0, 4.0])."
    )
    without = said(RATE, OMISSION, confidences={})[-1]
    assert without == "90 annotated mentions: 9 not found (10.0% [5.0, 15.0])."


def test_no_claims_and_nothing_wrong():
    silent = said(metric("hallucination_rate", None, 0), metric("omission_rate", 1.0, 90, (0.9, 1.0)), confidences={})
    assert silent[0] == "The model predicts no mention on test."
    assert silent[1] == "90 annotated mentions: 90 not found (100.0% [90.0, 100.0])."
    honest = said(metric("hallucination_rate", 0.0, 50, (0.0, 0.07)), OMISSION)
    assert honest[0] == "0 of 50 predicted mentions on test are wrong (0.0% [0.0, 7.0])."
    assert honest[1] == "90 annotated mentions: 9 not found (10.0% [5.0, 15.0])."
    assert len(honest) == 2
    one = said(metric("hallucination_rate", 0.0, 1, (0.0, 0.9)), metric("omission_rate", None, 0))
    assert one[0] == "0 of 1 predicted mentions on test are wrong (0.0% [0.0, 90.0])."
    assert one[1] == "No mention is annotated, so none can be missed."


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        (
            {"PER": (0.3, (0.2, 0.4)), "LOC": (0.01, (0.0, 0.05))},
            "The label PER is hallucinated most often: 30.0% [20.0, 40.0] of its predictions, against 10.0%"
            " [5.0, 16.0] of all.",
        ),
        (
            {"PER": (0.2, (0.05, 0.5)), "LOC": (0.01, (0.0, 0.05))},
            "No label stands out: no interval is above that of all predicted mentions.",
        ),
        # The highest rate is that of a few claims: the one that is clear is named.
        ({"PER": (0.5, (0.0, 1.0)), "LOC": (0.2, (0.17, 0.3))}, "The label LOC is hallucinated most often"),
        (
            {"<b>\u202ex</b>": (0.2, (0.17, 0.3)), "LOC": (0.0, (0.0, 0.1))},
            "The label <b>\\u202ex</b> is hallucinated most often",
        ),
    ],
)
def test_a_label_is_highlighted_if_its_interval_does_not_overlap(labels, told):
    rates = [metric("hallucination_rate", value, 40, between, label=name) for name, (value, between) in labels.items()]
    assert told in said(MANY, *rates, OMISSION)[2]


def test_a_single_label_is_not_compared():
    only = metric("hallucination_rate", 0.05, 100, (0.2, 0.9), label="PER")
    assert not any("PER" in told for told in said(RATE, *over_claims(SEEN, NEW), only, OMISSION))


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
         "keeps 80.0% of them: hallucinated mentions fall from 5.0% to 1.0% [0.0, 1.5], omissions rise from 10.0% to"),
        ((0.03, 80, (0.01, 0.05)), (0.12, 90, (0.06, 0.2)),
         "mentions go from 5.0% to 3.0% [1.0, 5.0] (the intervals overlap: too few to conclude), omissions go from"),
        ((None, 0, None), (1.0, 90, (0.9, 1.0)),
         "Withdrawing predicted mentions with a confidence below 0.6 leaves none."),
    ],
)  # fmt: skip
def test_what_abstention_brings(rate, omission, told):
    metrics = [RATE, *over_claims(SEEN, NEW), OMISSION, *kept(rate, omission)]
    found = abstention(ConfidenceFile(threshold=0.6), FigureLookup(metrics), "test", chosen_on_dev=True)
    assert told in said(*metrics, withdrawn=found)[-1]
    assert found.guarantee is None


GUARANTEE = {
    "threshold": 0.86, "why_none": None, "unit": "example", "max_rate": 0.01, "probability": 0.95, "examples": 1646,
    "claims": 3081, "assumes": "none has more than `most_unsupported` unsupported claims", "most_unsupported": 2,
}  # fmt: skip


def test_a_guarantee_states_its_data_and_the_measured_rate():
    metrics = [RATE, OMISSION, *kept((0.02, 80, (0.0, 0.04)), (0.2, 90, (0.1, 0.3)))]
    file = ConfidenceFile(threshold=0.86, guarantee=GUARANTEE)
    told = abstention(file, FigureLookup(metrics), "test", chosen_on_dev=True).guarantee
    for part in (
        "1,646 examples",
        "at most 1% of",
        "probability of 95%",
        "more than 2 hallucinations",
        "The checkpoint was also selected",
    ):
        assert part in told
    assert (
        "The checkpoint was also selected"
        not in abstention(file, FigureLookup(metrics), "test", chosen_on_dev=False).guarantee
    )
    single = ConfidenceFile(threshold=0.86, guarantee=GUARANTEE | {"most_unsupported": 1})
    assert (
        "more than 1 hallucination." in abstention(single, FigureLookup(metrics), "test", chosen_on_dev=True).guarantee
    )


@pytest.mark.parametrize(
    ("measured", "told"),
    [
        ((0.012, 80, (0.009, 0.015)), "On test it is 1.2% [0.9, 1.5]: above the guaranteed 1%, but its interval"
                                      " includes it; the guarantee holds for data distributed like dev."),
        ((0.02, 80, (0.015, 0.04)), "On test it is 2.0% [1.5, 4.0]: above the guaranteed 1%, and so is its whole"
                                    " interval; the guarantee holds for data distributed like dev."),
        ((0.008, 80, (0.005, 0.012)), "On test it is 0.8% [0.5, 1.2]: the guarantee of at most 1% holds, but the"
                                      " interval exceeds it."),
        ((0.004, 80, (0.001, 0.009)), "On test it is 0.4% [0.1, 0.9]: the guarantee of at most 1% holds."),
        ((0.01, 80, (0.01, 0.01)), "On test it is 1.0% [1.0, 1.0]: the guarantee of at most 1% holds."),
        ((0.02, 80, None), "On test it is 2.0% (no interval): above the guaranteed 1%; the guarantee holds for data"
                           " distributed like dev."),
        ((None, 0, None), "On test no claim is kept, so nothing can be measured."),
    ],
)  # fmt: skip
def test_the_report_states_whether_a_guarantee_was_met(measured, told):
    metrics = [RATE, OMISSION, *kept(measured, (0.2, 90, (0.1, 0.3)))]
    file = ConfidenceFile(threshold=0.86, guarantee=GUARANTEE)
    assert abstention(file, FigureLookup(metrics), "test", chosen_on_dev=True).guarantee.endswith(f" {told}")


def test_an_impossible_guarantee_states_the_reason():
    record = {**GUARANTEE, "threshold": None, "unit": "claim", "why_none": "12 claims are too few"}
    found = abstention(ConfidenceFile(guarantee=record), FigureLookup([RATE, OMISSION]), "test", chosen_on_dev=True)
    assert found.guarantee.startswith("No guarantee: no threshold on half of dev (3,081 claims)")
    assert "(12 claims are too few)" in found.guarantee
    assert said(RATE, OMISSION, withdrawn=found)[-1].startswith(
        "No confidence threshold can give the requested guarantee"
    )


def test_abstention_that_withdraws_nothing_or_was_not_asked_for():
    found = abstention(ConfidenceFile(threshold=0.3), FigureLookup([RATE, OMISSION]), "test", chosen_on_dev=False)
    assert said(RATE, OMISSION, withdrawn=found)[-1] == "The confidence threshold of 0.3 withdraws nothing."
    assert abstention(ConfidenceFile(), FigureLookup([RATE]), "test", chosen_on_dev=False) is None
    assert abstention(None, FigureLookup([RATE]), "test", chosen_on_dev=False) is None


def meaning(name, *metrics):
    return {one.figure.name: one.meaning for one in headlines(FigureLookup(metrics), MENTIONS)}[name]


def over(seen, new, n=50):
    return [metric("over_claim", seen, n, novelty="seen"), metric("over_claim", new, n, novelty="new")]


def test_headlines_are_in_order_and_use_available_figures():
    everything = [
        metric("ece", 0.05, 100), metric("gap_ratio", 2.0, 50, (1.5, 2.5)), *over(0.1, 0.2), RATE,
        metric("entity_f1", 0.8, 90), metric("entity_f1", 0.7, 90),
    ]  # fmt: skip
    found = headlines(FigureLookup(everything), MENTIONS)
    assert [one.figure.name for one in found] == ["entity_f1", "hallucination_rate", "gap_ratio", "ece"]
    assert found[0].figure.value == 0.8
    other = headlines(FigureLookup([metric("exact_match", 0.9, 10), RATE]), MENTIONS)
    assert [one.title for one in other] == ["exact match", "hallucination rate"]
    assert other[0].meaning == "Made (n = 10)."
    bare = metric("outputs_without_claims", 0.1, 50)
    (share,) = [one.meaning for one in headlines(FigureLookup([RATE, bare]), MENTIONS) if one.figure == bare]
    assert share == "The share of outputs that state nothing that can be verified, of 50."
    assert [one.figure.name for one in headlines(FigureLookup([RATE]), MENTIONS)] == ["hallucination_rate"]


def test_f1_and_hallucination_in_words():
    parts = [metric("entity_recall", 0.8, 90), metric("entity_precision", 0.7, 90)]
    told = meaning("entity_f1", metric("entity_f1", 0.75, 90), *parts)
    assert told == (
        "80.0% of the 90 annotated mentions are found with the right boundary and label; 70.0% of the predicted"
        " mentions are right."
    )
    assert "0 by convention" in meaning("entity_f1", metric("entity_f1", 0.0, 0), *parts)
    told = "5.0% of the predicted mentions are hallucinated: 5 of 100."
    assert meaning("hallucination_rate", RATE) == told
    wrong = metric("false_claim_rate", 0.2, 100)
    assert meaning("hallucination_rate", RATE, wrong) == f"{told} 20.0% are wrong for any reason."
    one = meaning("hallucination_rate", metric("hallucination_rate", 1.0, 1))
    assert one == "100.0% of the predicted mentions are hallucinated: 1 of 1."
    none = meaning("hallucination_rate", metric("hallucination_rate", None, 0))
    assert none == "The model predicts no mention, so none can be hallucinated."


@pytest.mark.parametrize(
    ("value", "interval", "seen", "new", "told"),
    [
        (
            3.0,
            (2.0, 4.0),
            0.1,
            0.3,
            "Predicted mentions new to training are wrong 3.0 times as often as those seen in training: 30.0% against"
            " 10.0%.",
        ),
        (1.2, (0.8, 1.9), 0.1, 0.12, "12.0% against 10.0%, which may be chance (the interval contains 1)."),
        (0.4, None, 0.857, 0.336, "33.6% against 85.7%, of too few examples for an interval."),
        (None, None, 0.0, 0.3, "so there is no ratio; of those new to training, 30.0% are."),
        (None, None, None, 0.3, "nothing to compare with."),
        (None, None, 0.1, None, "None of the predicted mentions is new to training"),
    ],
)
def test_the_gap_ratio_in_words(value, interval, seen, new, told):
    assert told in meaning("gap_ratio", metric("gap_ratio", value, 50, interval), *over(seen, new))


@pytest.mark.parametrize(
    ("right", "told"),
    [
        ((0.7, 0.8), "the model is over-confident: it states 90.0% on average and is right in 75.0%."),
        ((0.95, 0.99), "the model is under-confident: it states 90.0% on average and is right in 97.0%."),
        ((0.8, 0.95), "on average."),
    ],
)
def test_calibration_states_the_direction_of_error_if_it_is_significant(right, told):
    bins = [
        metric("reliability", 0.5, 50, bin="a", mean_confidence="0.8000"),
        metric("reliability", 0.9, 50, bin="b", mean_confidence="1.0000"),
    ]
    support = metric("support_rate", sum(right) / 2, 100, right)
    said = meaning("ece", metric("ece", 0.054, 100), support, *bins)
    assert "confidence and accuracy differ by 5.4 percentage points on average" in said
    assert told in said
    assert meaning("ece", metric("ece", None, 0)) == "No prediction has a confidence."
