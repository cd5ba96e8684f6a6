"""What is concluded from figures: each case, and never more than the figures say."""

from __future__ import annotations

import pytest

from halluc.reporting.words.difference_sentences import comparison_sentences, study_sentences
from halluc.runs import training_facts
from halluc.runs.studies import (
    ALPHA,
    LEAST_SEEDS,
    ArmComparison,
    ArmDelta,
    BestOnDev,
    CellFigures,
    Comparison,
    Delta,
    MatchedOmission,
    SeedFigure,
    StudyFigures,
    TrainingDifference,
    Trend,
)

RATE, MATCHED, OMISSION, F1 = (
    "hallucination_rate",
    "hallucination_rate_at_matched_omission",
    "omission_rate",
    "entity_f1",
)
# difference, low, high, p
LESS = (-0.041, -0.063, -0.019, 0.001)
MORE = (0.022, 0.010, 0.034, 0.002)
SAME = (-0.004, -0.012, 0.005, 0.6)
UNDEFINED = (None, None, None, None)
HOLM = "A difference is shown where p < 0.05, adjusted for the arms compared (Holm)."


def delta(name, found, seeds, silent=False):
    difference, low, high, p = found
    p = None if seeds < 2 or silent else p
    return ArmDelta(
        name=name, by={}, reference=0.1, arm=0.1, difference=difference,
        interval=None if low is None else (low, high), p=p, p_holm=p,
        shown=p is not None and p < ALPHA and seeds >= LEAST_SEEDS,
    )  # fmt: skip


def against(arm, seeds=3, silent=(), training=(), axis="arm", reference="none", where=None, **found):
    """An arm's comparison with the reference; ``found`` are its differences by figure."""
    found = {RATE: SAME, MATCHED: SAME, OMISSION: SAME, F1: SAME, **found}
    figures = [delta(name, one, seeds, bool(silent)) for name, one in found.items() if one is not None]
    return ArmComparison(
        axis=axis, arm=arm, reference=reference, choice=where or {}, seeds=seeds, omission_rate=0.05,
        silent_seeds=list(silent), training_differences=list(training), figures=figures,
    )  # fmt: skip


def cell(choice, seeds=3, silent=(), **means):
    figures = [
        SeedFigure(name=name, by={}, mean=mean, sd=None, seeds=seeds, interval=None, values=[mean] * seeds)
        for name, mean in means.items()
    ]
    runs = [f"runs/study/{seed}" for seed in range(seeds)]
    return CellFigures(choice=choice, runs=runs, silent_seeds=list(silent), figures=figures)


def study(comparisons=(), trends=(), cells=None, missing=None, seeds=3, best=()):
    if cells is None:
        choices = [{one.axis: value, **one.choice} for one in comparisons for value in (one.reference, one.arm)]
        cells = [cell(choice, seeds) for choice in choices]
    return StudyFigures(
        name="study", split="test", examples=100, cells=list(cells), trends=list(trends),
        comparisons=list(comparisons), arm_trends=[], best_on_dev=list(best), missing=missing or {},
    )  # fmt: skip


def slope(found, name=RATE, axis="gap.fraction", seeds=3, **more):
    value, low, high, p = found
    return Trend(
        choice={}, axis=axis, name=name, by={}, points=2, slope=value, seeds=seeds, n=seeds, slope_p=p, intercept=0.1,
        slope_interval=None if low is None else (low, high), **more,
    )  # fmt: skip


def curve(*trends, at=(0.0, 0.5), axis="gap.fraction"):
    return study(trends=trends, cells=[cell({axis: place}) for place in at])


# --- arms ---------------------------------------------------------------------------------------------------------


def test_an_arm_has_one_sentence_with_each_figure_and_its_verdict():
    found = study_sentences(study([against("mix", **{RATE: LESS, MATCHED: LESS, OMISSION: MORE})]))
    assert found == [
        "“mix” hallucinates less than “none” at matched omission (3 seeds): hallucination rate −4.1 points [−6.3,"
        " −1.9], lower; hallucination rate at matched omission −4.1 points [−6.3, −1.9], lower; omission rate +2.2"
        " points [1.0, 3.4], higher; entity F1 −0.004 [−0.012, 0.005], undecided.",
        HOLM,
    ]


def test_less_hallucination_by_silence_is_not_the_answer():
    arm, _ = study_sentences(study([against("mix", **{RATE: LESS, OMISSION: MORE})]))
    assert arm.startswith(
        "No difference in hallucination is shown between “mix” and “none” at matched omission (3 seeds): hallucination"
        " rate −4.1 points [−6.3, −1.9], lower;"
    )


def test_without_a_matched_rate_the_rate_decides():
    arm, _ = study_sentences(study([against("mix", **{RATE: MORE, MATCHED: None})]))
    assert arm.startswith("“mix” hallucinates more than “none” (3 seeds): hallucination rate +2.2 points")


@pytest.mark.parametrize("seeds", [1, 2])
def test_fewer_than_three_seeds_show_nothing(seeds):
    first, arm, _ = study_sentences(study([against("mix", seeds=seeds, **{RATE: LESS, MATCHED: LESS})], seeds=seeds))
    assert "no difference can be shown with fewer than 3 seeds" in first
    assert ("intervals only cover the examples" in first) == (seeds == 1)
    assert arm.startswith("No difference is shown between “mix” and “none”") and "lower" not in arm
    assert arm.endswith("; all undecided.") and arm.count("undecided") == 1


def test_an_arm_of_which_a_seed_makes_no_claim_is_named_and_not_concluded_on():
    comparison = against("mix", silent=(2,), **{RATE: LESS, MATCHED: LESS})
    cells = [cell({"arm": "none"}), cell({"arm": "mix"}, silent=(2,))]
    first, arm, _ = study_sentences(study([comparison], cells=cells))
    assert first == "No conclusion with arm “mix”: the model makes no claim in 1 of 3 seeds."
    assert arm.startswith("No difference")
    assert "−4.1 points [−6.3, −1.9]; " in arm and arm.endswith("all undecided."), "its figures are not blanked"


def test_a_figure_that_is_equal_in_every_example_is_reported_as_equal():
    arm, _ = study_sentences(study([against("mix", **{RATE: (0.0, None, None, 1.0)})]))
    assert "hallucination rate +0.0 points (no difference in any example); " in arm
    undefined, _ = study_sentences(study([against("mix", **{RATE: (0.0, None, None, None)})]))
    assert "hallucination rate +0.0 points; " in undefined, "without an interval for another reason"


def test_of_many_arms_each_figure_has_a_sentence_with_those_that_differ():
    arms = [against(name) for name in "abcdef"] + [
        against("last", **{MATCHED: LESS}),
        against("bad", **{MATCHED: MORE}),
    ]
    found = study_sentences(study(arms))
    assert found[:2] == [
        "Hallucination rate at matched omission: lower than with “none” for “last” (−4.1 points [−6.3, −1.9]); higher"
        " than with “none” for “bad” (+2.2 points [1.0, 3.4]); no difference is shown for the other 6 arms (3 seeds).",
        "Omission rate: no difference is shown for any of the 8 arms against “none” (3 seeds).",
    ]
    assert found[-1] == HOLM


def test_of_many_arms_that_differ_three_are_named():
    found = study_sentences(study([against(name, **{MATCHED: LESS}) for name in "abcde"]))
    assert found[0].count("−4.1 points") == 3
    assert "and 2 more arms (3 seeds)." in found[0]


def test_arms_with_something_shown_come_first_and_the_others_are_counted():
    arms = [against(name, where={"size": number}) for number, name in enumerate("abcdef")] + [
        against("last", **{MATCHED: LESS}),
        against("bad", **{MATCHED: MORE}),
    ]
    found = study_sentences(study(arms))
    assert len(found) == 6
    assert found[0].startswith("“last” hallucinates less than “none” at matched omission")
    assert found[1].startswith("“bad” hallucinates more than “none” at matched omission")
    assert found[4].endswith(" 3 more comparisons are in the tables.")
    assert found[5] == HOLM


def test_each_point_of_another_axis_has_its_sentence_those_with_something_shown_first():
    arms = [
        against("mix", where={"gap.fraction": 0.0}),
        against("mix", where={"gap.fraction": 0.5}, **{RATE: LESS, MATCHED: LESS}),
    ]
    first, second, _ = study_sentences(study(arms))
    assert first.startswith("“mix” hallucinates less than “none” at matched omission with gap.fraction 0.5 (3 seeds):")
    assert second.startswith("No difference is shown between “mix” and “none” with")
    assert "gap.fraction 0.0" in second


def test_other_differences_in_training_are_shown_with_the_verdict():
    steps = [TrainingDifference(what="optimizer steps", a="25", b="70")]
    found = study_sentences(study([against("mix", training=steps, **{MATCHED: LESS})]))
    assert "Training also differs: optimizer steps (“mix”: 70; “none”: 25)." in found
    assert found[0].startswith("“mix” hallucinates less")


def test_arms_of_an_axis_with_another_name_have_its_name():
    found = study_sentences(study([against(None, axis="model.dropout", reference=0.1)]))
    assert "between “model.dropout=null” and “model.dropout=0.1” (3 seeds)" in found[0]


def test_undefined_figures_are_left_out():
    found = study_sentences(study([against("mix", **{RATE: UNDEFINED, MATCHED: None})]))
    assert "hallucination rate" not in found[0] and "omission rate" in found[0]


def test_the_smallest_difference_that_could_have_been_shown_is_given():
    comparison = against("mix")
    comparison.figures[0].smallest = 0.0123
    assert study_sentences(study([comparison]))[-1] == (
        HOLM.removesuffix(".") + "; the smallest detectable difference in hallucination rate is 1.2 points."
    )


# --- axes of numbers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ((0.044, 0.02, 0.068, 0.01), "hallucination rate +2.2 points [1.0, 3.4], rises"),
        ((-0.044, -0.068, -0.02, 0.01), "hallucination rate −2.2 points [−3.4, −1.0], falls"),
        ((0.044, -0.02, 0.1, 0.3), "hallucination rate +2.2 points [−1.0, 5.0], undecided"),
        ((0.0, None, None, 1.0), "hallucination rate +0.0 points (no difference in any example)"),
    ],
)
def test_a_curve_has_the_change_of_a_figure_over_the_axis(found, told):
    assert study_sentences(curve(slope(found))) == [f"Along gap.fraction from 0 to 0.5 (3 seeds): {told}."]


def test_a_curve_over_two_seeds_is_undecided():
    figures = study(
        trends=[slope((0.044, 0.02, 0.068, 0.01), seeds=2)], cells=[cell({"gap.fraction": p}, 2) for p in (0, 0.5)]
    )
    assert study_sentences(figures)[-1].endswith("undecided.")


def test_an_axis_over_a_factor_of_ten_is_on_a_log_scale():
    found = curve(slope(LESS, axis="train.learning_rate", scale="log10"), at=(1e-5, 1e-3), axis="train.learning_rate")
    assert study_sentences(found) == [
        "Along train.learning_rate from 1e-05 to 0.001 (3 seeds, log scale): hallucination rate −8.2 points"
        " [−12.6, −3.8], falls."
    ]


@pytest.mark.parametrize(
    ("p", "seeds", "can"),
    [(0.01, 3, "is better than"), (0.2, 3, "cannot be distinguished from"), (0.01, 2, "cannot be distinguished from")],
)
def test_the_best_value_on_dev_and_whether_the_next_can_be_distinguished(p, seeds, can):
    best = BestOnDev(
        axis="train.epochs", choice={}, name=F1, value=3, mean=0.9, interval=(0.88, 0.92), next=5, difference=0.01,
        difference_interval=(0.002, 0.018), p=p, seeds=seeds,
    )  # fmt: skip
    figures = study(
        trends=[slope(SAME, axis="train.epochs")], cells=[cell({"train.epochs": n}) for n in (3, 5)], best=[best]
    )
    assert study_sentences(figures)[-1] == (
        f"The best train.epochs on dev is 3 (entity F1 0.900 [0.880, 0.920]); it {can} the next best, 5 (+0.010 [0.002,"
        " 0.018])."
    )


# --- what is not there --------------------------------------------------------------------------------------------


def test_missing_cells_are_reported_first():
    found = study_sentences(study([against("mix")], missing={"arm=mix,seed=3": "not run yet"}))
    assert found[0] == "1 of 7 cells is missing."


def test_cells_without_a_counterpart_and_no_cells():
    assert study_sentences(study(cells=[], missing={"a": "not run yet"})) == ["No conclusion: no cell is evaluated."]
    alone = study_sentences(study(cells=[cell({"arm": "a"}, **{RATE: 0.05, OMISSION: 0.1})]))
    assert alone == [
        "There is only one setting (3 seeds), so nothing can be compared: hallucination rate 5.0% (no interval),"
        " omission rate 10.0% (no interval)."
    ]
    apart = study_sentences(study(cells=[cell({"arm": "a", "x": 1}), cell({"arm": "b", "x": 2})]))
    assert apart == ["Nothing can be compared yet: no two cells differ only in the arm or only in one number."]


# --- runs beside a first one --------------------------------------------------------------------------------------


def run(name, training=(), split="test", matched=SAME, **found):
    found = {RATE: SAME, OMISSION: SAME, F1: SAME, **found}
    figures = [
        Delta(
            name=figure, by={}, a=0.1, b=0.1, difference=d, interval=None if low is None else (low, high), p=p, p_holm=p
        )
        for figure, (d, low, high, p) in found.items()
    ]
    d, low, high, p = matched
    at = MatchedOmission(
        omission_rate=0.1, a=0.1, b=0.1, difference=d, interval=(low, high), p=p, p_holm=p, achieved=(0.1, 0.1)
    )
    return Comparison(
        split=split, a="runs/x/a", b=f"runs/x/{name}", examples=100, config_differences=[], figures=figures,
        training_differences=list(training), matched_omission=at, flipped=[],
    )  # fmt: skip


def test_two_runs_are_these_two_checkpoints():
    found = comparison_sentences([run("b", matched=LESS)])
    assert found == [
        "“b” against “a” on test: hallucination rate −0.4 points [−1.2, 0.5], undecided: the interval contains 0;"
        " hallucination rate at matched omission −4.1 points [−6.3, −1.9], lower; omission rate −0.4 points [−1.2,"
        " 0.5], undecided: the interval contains 0; entity F1 −0.004 [−0.012, 0.005], undecided: the interval"
        " contains 0.",
        "This compares one checkpoint per recipe: to decide which recipe is better, use at least 3 seeds of each. p is"
        " adjusted for all figures compared (Holm).",
        "Recommendation: deploy “b”.",
    ]


UNDECIDED = "Recommendation: undecided: no improvement is shown, neither in hallucination nor in F1."
MIXED = "Recommendation: undecided: a run that is better in one of hallucination and F1 is worse in the other."


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ({}, UNDECIDED),
        ({RATE: LESS, OMISSION: MORE}, UNDECIDED),
        ({F1: MORE}, "Recommendation: deploy “b”."),
        ({"matched": LESS, F1: MORE}, "Recommendation: deploy “b”."),
        ({"matched": MORE}, "Recommendation: deploy “a”."),
        ({F1: LESS}, "Recommendation: deploy “a”."),
        ({"matched": LESS, F1: LESS}, MIXED),
    ],
)
def test_a_comparison_ends_with_a_recommendation(found, told):
    assert comparison_sentences([run("b", **found)])[-1] == told


def test_of_several_runs_those_that_are_better_are_named():
    found = comparison_sentences([run("b", F1=SAME, matched=LESS), run("c"), run("d", **{F1: MORE})])
    assert found[-1] == "Recommendation: deploy “b” or “d”: each is better than “a”; compare them to choose."
    assert comparison_sentences([run("b"), run("c", matched=LESS)])[-1] == "Recommendation: deploy “c”."


def test_unequal_training_is_reported_before_the_recommendation():
    steps = [TrainingDifference(what="optimizer steps", a="25", b="70")]
    found = comparison_sentences([run("b", training=steps, **{F1: MORE})])
    assert found[1] == "Training also differs: “b” in optimizer steps (70 against 25)."
    assert found[-1] == "Recommendation: deploy “b”."


def test_dev_chose_the_checkpoints():
    assert "The checkpoints were selected on dev" in " ".join(comparison_sentences([run("b", split="dev")]))


def test_an_interval_without_nought_that_adjustment_does_not_leave():
    assert "undecided after adjustment" in comparison_sentences([run("b", **{RATE: (-0.04, -0.06, -0.01, 0.2)})])[0]


def test_no_runs_say_nothing():
    assert comparison_sentences([]) == []


def test_how_checkpoints_were_chosen_is_in_words():
    constant = "last: `accuracy` on dev was 0.1667 in all 2 evaluations"
    assert training_facts.shown([constant, "accuracy"]) == (
        "no figure, so the last is kept (accuracy on dev was 0.1667 in all 2 evaluations), accuracy"
    )
