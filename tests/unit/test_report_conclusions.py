"""What is concluded from figures: each case, and never more than the figures say."""

from __future__ import annotations

import pytest

from halluc.report.words.of_several import of_comparison, of_study
from halluc.runs.studies import (
    ArmComparison,
    ArmDelta,
    ArmTrend,
    CellFigures,
    Comparison,
    Delta,
    MatchedOmission,
    SeedFigure,
    StudyFigures,
    Trend,
)

RATE, MATCHED, OMISSION = "hallucination_rate", "hallucination_rate_at_matched_omission", "omission_rate"
# difference, low, high, p
LESS = (-0.041, -0.063, -0.019, 0.001)
MORE = (0.022, 0.010, 0.034, 0.002)
SAME = (-0.004, -0.012, 0.005, 0.6)
WORSE = (-0.021, -0.030, -0.011, 0.001)
UNDEFINED = (None, None, None, None)
HOLM = (
    "A difference counts as shown where p is under 0.05, adjusted for the arms compared (Holm); figures are not"
    " adjusted for each other."
)
EQUAL_MATCHED = (
    "At matched omission, no difference in hallucination can be shown between “none” and the arm “mix”"
    " (−0.4 points [−1.2, 0.5])."
)
EQUAL_COSTS = "No difference in F1 (−0.004 [−0.012, 0.005]) or distortion (−0.4 points [−1.2, 0.5]) can be shown."


def delta(name, found):
    difference, low, high, p = found
    interval = None if low is None else (low, high)
    return ArmDelta(
        name=name, by={}, reference=0.1, arm=0.1, difference=difference, interval=interval, p=p, p_holm=p
    )  # fmt: skip


def against(arm, rate, omission=SAME, f1=SAME, at_matched=SAME, reference="none", axis="arm", seeds=3, **choice):
    """An arm's comparison with the reference."""
    found = {RATE: rate, MATCHED: at_matched, OMISSION: omission, "f1": f1, "distortion_rate": SAME}
    figures = [delta(name, one) for name, one in found.items() if one is not None]
    return ArmComparison(
        axis=axis, arm=arm, reference=reference, choice=choice, seeds=seeds, omission_rate=0.05, figures=figures
    )  # fmt: skip


def cell(choice, seeds=3, **means):
    figures = [
        SeedFigure(name=name, by={}, mean=mean, sd=None, seeds=seeds, interval=None, values=[mean] * seeds)
        for name, mean in means.items()
    ]
    return CellFigures(choice=choice, runs=[f"runs/study/{seed}" for seed in range(seeds)], figures=figures)


def study(comparisons=(), trends=(), arm_trends=(), cells=None, missing=None, seeds=3):
    if cells is None:
        choices = [{one.axis: value, **one.choice} for one in comparisons for value in (one.reference, one.arm)]
        cells = [cell(choice, seeds) for choice in choices]
    return StudyFigures(
        name="study", split="test", examples=100, cells=list(cells), trends=list(trends),
        comparisons=list(comparisons), arm_trends=list(arm_trends), missing=missing or {},
    )  # fmt: skip


def slope(arm, found, intercept=SAME, kind=ArmTrend, name=RATE, **by):
    """A line over two or three points between 0 and .5; a slope is per unit of the axis."""
    of_arm = {"arm_axis": "arm", "arm": arm, "reference": "none"} if kind is ArmTrend else {}
    (value, low, high, _), (at, *ends, _) = found, intercept
    return kind(
        **of_arm, choice={}, axis="gap.fraction", name=name, by=by, points=3,
        slope=None if value is None else 2 * value, slope_interval=None if low is None else (2 * low, 2 * high),
        intercept=at, intercept_interval=tuple(ends),
    )  # fmt: skip


def along(arm, rates, **others):
    """An arm at three fractions; ``others`` are figures at each of them."""
    fractions = (0.0, 0.25, 0.5)
    return [
        against(arm, rate, **{name: found[place] for name, found in others.items()}, **{"gap.fraction": fraction})
        for place, (fraction, rate) in enumerate(zip(fractions, rates, strict=True))
    ]


# --- arms without an axis of numbers --------------------------------------------------------------------------------


def test_an_arm_that_hallucinates_less_at_no_more_omissions():
    assert of_study(study([against("mix", LESS)])) == [
        "The arm “mix” hallucinates less than “none”, by 4.1 points [1.9, 6.3], at no more omissions"
        " (−0.4 points [−1.2, 0.5]).",
        EQUAL_MATCHED,
        EQUAL_COSTS,
        HOLM,
    ]


def test_less_hallucination_that_is_paid_for_in_omissions_and_f1():
    first, matched, costs, _ = of_study(study([against("mix", LESS, omission=MORE, f1=WORSE)]))
    assert first.endswith("by 4.1 points [1.9, 6.3], at more omissions (+2.2 points [1.0, 3.4]).")
    assert matched == EQUAL_MATCHED
    assert costs == (
        "The arm “mix” has a lower F1 than “none”, by 0.021 [0.011, 0.030]; no difference in distortion (−0.4 points"
        " [−1.2, 0.5]) can be shown."
    )


def test_omissions_that_only_the_interval_shows_are_not_called_no_more():
    first = of_study(study([against("mix", LESS, omission=(0.006, 0.001, 0.011, 0.2))]))[0]
    assert first.endswith("at perhaps more omissions (+0.6 points [0.1, 1.1]).")


def test_fewer_omissions_are_told_and_unknown_ones_are_not():
    fewer, unknown = (of_study(study([against("mix", LESS, omission=o)]))[0] for o in (LESS, UNDEFINED))
    assert fewer.endswith("at fewer omissions (−4.1 points [−6.3, −1.9]).")
    assert unknown == "The arm “mix” hallucinates less than “none”, by 4.1 points [1.9, 6.3]."


def test_omissions_of_an_arm_that_does_not_hallucinate_less_stand_among_the_costs():
    costs = of_study(study([against("mix", SAME, omission=MORE)]))[1]
    assert costs.startswith("The arm “mix” omits more than “none”, by 2.2 points [1.0, 3.4]; no difference in F1")
    nothing_to_omit = of_study(study([against("mix", SAME, omission=UNDEFINED)]))[1]
    assert nothing_to_omit.startswith("Of the arm “mix” nothing can be said about omission: nothing is annotated; no")


def test_no_difference_in_anything_is_said_once():
    assert of_study(study([against("mix", SAME)])) == [
        "No difference in hallucination can be shown between “none” and the arm “mix” (−0.4 points [−1.2, 0.5]), nor at"
        " matched omission (−0.4 points [−1.2, 0.5]), nor in omission (−0.4 points [−1.2, 0.5]), F1 (−0.004 [−0.012,"
        " 0.005]) or distortion (−0.4 points [−1.2, 0.5]).",
        HOLM,
    ]


def test_no_difference_as_it_is_does_not_hide_one_at_matched_omission():
    told = of_study(study([against("mix", SAME, at_matched=LESS)]))
    assert told[0] == (
        "No difference in hallucination can be shown between “none” and the arm “mix” (−0.4 points [−1.2, 0.5])."
    )
    assert told[1] == "At matched omission, the arm “mix” hallucinates less than “none”, by 4.1 points [1.9, 6.3]."


def test_a_difference_needs_an_adjusted_p_and_not_an_interval_alone():
    told = of_study(study([against("mix", (-0.041, -0.063, -0.019, 0.05))]))[0]
    assert told.startswith("No difference in hallucination can be shown")


def test_what_p_is_unknown_of_is_not_shown():
    assert "No difference" in of_study(study([against("mix", (-0.041, None, None, None))]))[0]


def test_an_arm_that_hallucinates_more():
    told = of_study(study([against("mix", MORE, at_matched=MORE)]))
    assert told[0] == "The arm “mix” hallucinates more than “none”, by 2.2 points [1.0, 3.4]."
    assert told[1] == "At matched omission, the arm “mix” hallucinates more than “none”, by 2.2 points [1.0, 3.4]."


def test_an_arm_without_claims_is_not_compared():
    told = of_study(study([against("mix", UNDEFINED, at_matched=UNDEFINED)]))
    nothing = "f the arm “mix” nothing can be said about hallucination: a run "
    assert told[0] == f"O{nothing}without claims has no such rate."
    assert told[1] == f"At matched omission, o{nothing}has no claims left there."


def test_figures_that_were_not_counted_are_passed_over():
    for rate in (SAME, LESS):
        told = of_study(study([against("mix", rate, at_matched=None)]))
        assert not any("matched" in text for text in told)


def test_eight_arms_share_sentences_and_the_answer_comes_first():
    other = ["duplicate", "inside", "outside", "label_wise"]
    told = of_study(
        study(
            [
                *(against(arm, SAME) for arm in other),
                against("shuffle", MORE),
                against("noise", (-0.035, -0.05, -0.02, 0.001), omission=MORE),
                against("mix", (-0.036, -0.05, -0.02, 0.001), omission=MORE, at_matched=LESS),
                against("synonym", LESS),
            ]
        )
    )
    assert told == [
        "The arms “noise” and “mix” hallucinate less than “none”, by 3.5 and 3.6 points, at more omissions (+2.2"
        " points each); the arm “synonym” hallucinates less, by 4.1 points [1.9, 6.3], at no more omissions (−0.4"
        " points [−1.2, 0.5]); the arm “shuffle” hallucinates more, by 2.2 points [1.0, 3.4]; for the other 4 arms no"
        " difference can be shown.",
        "At matched omission, the arm “mix” hallucinates less than “none”, by 4.1 points [1.9, 6.3]; for the other 7"
        " arms no difference can be shown.",
        "No other difference in omission, F1 or distortion can be shown.",
        HOLM,
    ]


def test_many_arms_alike_are_counted_and_their_figures_are_a_range():
    arms = ["a", "b", "c", "d"]
    less = [against(arm, (-0.01 - 0.01 * place, -0.09, -0.001, 0.01)) for place, arm in enumerate(arms)]
    assert of_study(study(less))[0] == (
        "All 4 arms hallucinate less than “none”, by 1.0 to 4.0 points, at no more omissions (−0.4 points each)."
    )
    assert of_study(study([against(arm, SAME) for arm in arms]))[0] == (
        "No difference in hallucination can be shown between “none” and any of the 4 arms, nor at matched omission, nor"
        " in omission, F1 or distortion."
    )


def test_the_other_arms_are_named_where_some_are_undefined():
    arms = [against("a", LESS), *(against(arm, SAME) for arm in "bcde"), against("f", UNDEFINED)]
    told = of_study(study(arms))
    assert "; for the arms “b”, “c”, “d” and “e” no difference can be shown; of the arm “f” nothing" in told[0]


def test_what_one_arm_does_in_two_figures_shares_its_subject():
    one = against("mix", SAME, omission=MORE, f1=WORSE)
    assert of_study(study([one]))[1] == (
        "The arm “mix” omits more than “none”, by 2.2 points [1.0, 3.4], and has a lower F1, by 0.021 [0.011, 0.030];"
        " no difference in distortion (−0.4 points [−1.2, 0.5]) can be shown."
    )


def test_the_reference_is_the_one_of_the_figures():
    told = of_study(study([against("none", SAME, reference="duplicate")]))
    assert "between “duplicate” and the arm “none”" in told[0]


def test_distorted_claims_are_told_of_where_they_differ():
    one = against("mix", LESS)
    assert of_study(study([one]))[2] == EQUAL_COSTS
    one.figures[-1] = delta("distortion_rate", MORE)
    assert of_study(study([one]))[2].startswith("The arm “mix” distorts more than “none”, by 2.2 points [1.0, 3.4];")


def test_arms_of_an_axis_with_another_name_say_the_axis_and_null():
    told = of_study(study([against("cosine", LESS, reference=None, axis="train.schedule")]))
    assert told[0].startswith("The arm “train.schedule=cosine” hallucinates less than “train.schedule=null”, by")


def test_arms_of_another_axis_are_points():
    both = [against("mix", LESS, schedule="cosine"), against("mix", SAME, schedule="linear")]
    told = of_study(study(both))
    assert told[0].startswith("The arm “mix” hallucinates less than “none” at schedule “cosine”, by 4.1 points")
    assert told[0].endswith(", but no difference can be shown at “linear”.")
    assert len(told) <= 6


def test_what_holds_under_all_arms_of_another_axis_is_said_once():
    both = [against("mix", LESS, schedule="cosine"), against("mix", LESS, schedule="linear")]
    told = of_study(study(both))
    assert told[0].startswith(
        "The arm “mix” hallucinates less than “none” at every schedule, at “linear” by 4.1 points"
    )
    assert told[1].startswith("At matched omission, no difference in hallucination can be shown at any schedule")


def test_of_many_points_on_several_axes_they_are_counted():
    fractions = (0.0, 0.25, 0.5)
    arms = [against("mix", LESS, schedule="cosine", **{"gap.fraction": one}) for one in fractions]
    arms += [against("mix", found, schedule="linear", **{"gap.fraction": one}) for found, one in
             zip((LESS, SAME, SAME), fractions, strict=True)]  # fmt: skip
    told = of_study(study(arms))
    assert told[0].startswith("The arm “mix” hallucinates less than “none” at 4 of 6 points, at (")
    assert told[0].endswith(
        "but no difference can be shown at (schedule “linear”, gap.fraction 0.25) and (schedule “linear”,"
        " gap.fraction 0.5)."
    )
    arms[0:3] = [against("mix", SAME, schedule="cosine", **{"gap.fraction": one}) for one in fractions]
    told = of_study(study(arms))
    assert told[0].startswith(
        "The arm “mix” hallucinates less than “none” at point (schedule “linear”, gap.fraction 0.0),"
    )
    assert told[0].endswith("but no difference can be shown at the other 5.")


def test_what_cannot_be_shown_is_said_of_one_axis_of_arms():
    """Else it would deny what is said of the arms of the other."""
    other = against("linear", LESS, reference="cosine", axis="schedule").model_copy(update={"choice": {"arm": "none"}})
    told = " ".join(of_study(study([against("mix", SAME, f1=WORSE, schedule="cosine"), other])))
    assert "The arm “mix” has a lower F1 than “none” at" in told
    assert "; of arm, no difference in omission or distortion can be shown" in told
    assert "of schedule, no difference in" in told


def test_texts_out_of_scope_that_get_a_label_stand_among_the_costs():
    one = against("mix", LESS)
    one.figures.append(delta("out_of_scope_acceptance", MORE))
    assert "labels more texts that are out of scope than “none”, by 2.2 points [1.0, 3.4]" in of_study(study([one]))[2]


def test_lines_under_the_arms_of_another_axis_share_a_sentence():
    places = [(name, fraction) for name in ("cosine", "linear") for fraction in (0.0, 0.5)]
    arms = [against("mix", SAME, schedule=name, **{"gap.fraction": fraction}) for name, fraction in places]
    line = slope("mix", SAME, intercept=LESS)
    lines = [line.model_copy(update={"choice": {"schedule": name}}) for name in ("cosine", "linear")]
    (told,) = (text for text in of_study(study(arms, arm_trends=lines)) if "slope of" in text)
    assert told == (
        f"The arm “mix” has a lower {INTERCEPT} than “none” at every schedule, at “linear” by 4.1 points [1.9, 6.3]; no"
        f" difference in the {SLOPE} can be shown."
    )


def test_matched_rates_that_are_the_rates_are_not_told_twice():
    never = (0.0, 0.0, 0.0, 1.0)
    less = of_study(study([against("mix", LESS, never, f1=WORSE, at_matched=LESS)]))
    assert less[1].startswith("The arm “mix” has a lower F1 than “none”, by 0.021 [0.011, 0.030];")
    assert less[0] == "The arm “mix” hallucinates less than “none”, by 4.1 points [1.9, 6.3]."
    assert not any("matched" in text or "omission" in text for text in less)
    assert not any("matched" in text for text in of_study(study([against("mix", SAME, never)])))
    assert any("matched" in text for text in of_study(study([against("mix", LESS, never, at_matched=SAME)])))


def test_what_the_reference_does_along_the_axis_is_told():
    arms = along("mix", [LESS, LESS, LESS])
    lines = {"none": slope("none", MORE, kind=Trend), "mix": slope("mix", LESS, kind=Trend)}
    trends = [line.model_copy(update={"choice": {"arm": arm}}) for arm, line in lines.items()]
    found = study(arms, trends=trends)
    assert of_study(found)[-2] == (
        "Where arm is “none”, along gap.fraction, from 0 to 0.5, the hallucination rate grows by 2.2 points [1.0, 3.4]."
    )
    assert len(of_study(found)) <= 6


def test_names_are_made_visible():
    told = " ".join(of_study(study([against("m\u202eix\n", LESS)])))
    assert "m\\u202eix " in told
    assert "\u202e" not in told
    assert "\n" not in told


# --- arms along an axis of numbers ----------------------------------------------------------------------------------


def test_an_arm_that_hallucinates_less_at_every_fraction():
    told = of_study(study(along("mix", [LESS, LESS, LESS])))
    assert told[0] == (
        "The arm “mix” hallucinates less than “none” at every gap.fraction, at 0.5 by 4.1 points [1.9, 6.3],"
        " at no more omissions (−0.4 points [−1.2, 0.5])."
    )
    assert told[1] == (
        "At matched omission, no difference in hallucination can be shown at any gap.fraction between “none” and the"
        " arm “mix” (at 0.5 −0.4 points [−1.2, 0.5])."
    )
    assert told[2] == "No difference in omission, F1 or distortion can be shown."


def test_an_arm_that_hallucinates_less_at_some_fractions():
    told = of_study(study(along("mix", [SAME, LESS, LESS], omission=[SAME, MORE, SAME])))
    assert told[0] == (
        "The arm “mix” hallucinates less than “none” at gap.fraction 0.25 and 0.5, at 0.5 by 4.1 points [1.9, 6.3],"
        " at more omissions at gap.fraction 0.25 (+2.2 points [1.0, 3.4]), but no difference can be shown at 0.0."
    )
    assert told[2] == (
        "The arm “mix” omits more than “none” at gap.fraction 0.25, by 2.2 points [1.0, 3.4]; no other difference in"
        " omission, F1 or distortion can be shown."
    )


def test_an_arm_that_hallucinates_less_here_and_more_there():
    told = of_study(study(along("mix", [MORE, SAME, LESS])))
    assert told[0] == (
        "The arm “mix” hallucinates less than “none” at gap.fraction 0.5, by 4.1 points [1.9, 6.3], at no more"
        " omissions (−0.4 points [−1.2, 0.5]), and hallucinates more at gap.fraction 0.0, by 2.2 points [1.0, 3.4], but"
        " no difference can be shown at 0.25."
    )


def test_no_difference_at_any_fraction():
    told = of_study(study(along("mix", [SAME, SAME, SAME])))
    assert told[0] == (
        "No difference in hallucination can be shown at any gap.fraction between “none” and the arm “mix”"
        " (at 0.5 −0.4 points [−1.2, 0.5]), nor at matched omission (at 0.5 −0.4 points [−1.2, 0.5]), nor in omission,"
        " F1 or distortion."
    )


def test_every_fraction_means_every_one_that_was_compared():
    whole, part = along("mix", [LESS, LESS, LESS]), along("noise", [LESS, LESS, LESS])[:2]
    told = of_study(study([*whole, *part]))
    assert "The arm “mix” hallucinates less than “none” at every gap.fraction," in told[0]
    assert "; the arm “noise” hallucinates less at gap.fraction 0.0 and 0.25," in told[0]


def test_points_are_in_the_order_of_numbers():
    told = of_study(study(along("mix", [LESS, LESS, SAME])[::-1]))
    assert "at gap.fraction 0.0 and 0.25, at 0.25 by" in told[0]


def test_an_undefined_point_is_no_point_without_a_difference():
    told = of_study(study(along("mix", [LESS, UNDEFINED, LESS])))
    assert told[0].startswith("The arm “mix” hallucinates less than “none” at gap.fraction 0.0 and 0.5,")
    assert "no difference can be shown" not in told[0]


SLOPE = "slope of hallucination along gap.fraction (from 0 to 0.5)"
INTERCEPT = "intercept of hallucination at gap.fraction 0"


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (LESS, f"The arm “mix” has a lower {SLOPE} than “none”, by 4.1 points [1.9, 6.3]; no difference in the"
               f" {INTERCEPT} (−0.4 points [−1.2, 0.5]) can be shown."),
        (MORE, f"The arm “mix” has a higher {SLOPE} than “none”, by 2.2 points [1.0, 3.4]; no difference in the"
               f" {INTERCEPT} (−0.4 points [−1.2, 0.5]) can be shown."),
        (SAME, f"No difference in the {SLOPE} (−0.4 points [−1.2, 0.5]) or the {INTERCEPT} (−0.4 points [−1.2, 0.5])"
               " can be shown."),
        (UNDEFINED, f"Of the arm “mix” nothing can be said about the {SLOPE}: a run without claims has no such rate; no"
                    f" difference in the {INTERCEPT} (−0.4 points [−1.2, 0.5]) can be shown."),
    ],
)  # fmt: skip
def test_the_gap_curve_is_lowered_or_not(found, told):
    assert told in of_study(study(along("mix", [SAME, SAME, SAME]), arm_trends=[slope("mix", found)]))


def test_an_intercept_is_told_where_the_axis_holds_it():
    arms = along("mix", [SAME, SAME, SAME])
    trends = [slope("mix", SAME, intercept=LESS)]
    told = f"The arm “mix” has a lower {INTERCEPT} than “none”, by 4.1 points [1.9, 6.3]; no difference in the {SLOPE}"
    assert any(text.startswith(told) for text in of_study(study(arms, arm_trends=trends)))
    without = [text for text in of_study(study(arms[1:], arm_trends=trends)) if "counts as shown" not in text]
    assert not any("intercept" in text for text in without)


def test_slopes_of_several_arms_share_a_sentence():
    arms = [*along("mix", [SAME, SAME, SAME]), *along("noise", [SAME, SAME, SAME])]
    (told,) = (
        text
        for text in of_study(study(arms, arm_trends=[slope("mix", LESS), slope("noise", SAME)]))
        if "slope of" in text
    )
    assert told == (
        f"The arm “mix” has a lower {SLOPE} than “none”, by 4.1 points [1.9, 6.3]; no other difference in the {SLOPE}"
        f" or the {INTERCEPT} can be shown."
    )


def test_slopes_are_said_to_be_shown_by_their_interval():
    arms = along("mix", [SAME, SAME, SAME])
    assert of_study(study(arms, arm_trends=[slope("mix", SAME)]))[-1] == (
        "A difference counts as shown where p is under 0.05, adjusted for the arms compared (Holm), one of slopes and"
        " intercepts where its interval excludes zero; figures and points are not adjusted for each other."
    )


def test_two_axes_of_numbers_make_points_of_both():
    arms = [
        against("mix", LESS, **{"gap.fraction": fraction, "model.dropout": dropout})
        for fraction in (0.0, 0.5)
        for dropout in (0.1, 0.3)
    ]
    assert of_study(study(arms))[0].startswith(
        "The arm “mix” hallucinates less than “none” at every point, at (gap.fraction 0.5, model.dropout 0.3) by 4.1"
        " points"
    )


# --- an axis of numbers without arms --------------------------------------------------------------------------------


def curve(rate, label=SAME, omission=SAME, f1=SAME):
    trends = [
        slope("", rate, kind=Trend),
        slope("", label, kind=Trend, name="distortion_rate", reason="label"),
        slope("", omission, kind=Trend, name=OMISSION),
        slope("", f1, kind=Trend, name="f1"),
    ]
    return study(trends=trends, cells=[cell({"gap.fraction": fraction}) for fraction in (0.0, 0.25, 0.5)])


@pytest.mark.parametrize(
    ("rate", "told"),
    [
        (MORE, "Along gap.fraction, from 0 to 0.5, the hallucination rate grows by 2.2 points [1.0, 3.4]."),
        (LESS, "Along gap.fraction, from 0 to 0.5, the hallucination rate falls by 4.1 points [1.9, 6.3]."),
        (SAME, "No trend of the hallucination rate can be shown along gap.fraction, from 0 to 0.5 (−0.4 points"
               " [−1.2, 0.5])."),
        (UNDEFINED, "Along gap.fraction, from 0 to 0.5, nothing can be said about the hallucination rate: a run without"
                    " claims has none."),
    ],
)  # fmt: skip
def test_a_curve_grows_falls_or_does_neither(rate, told):
    assert of_study(curve(rate))[0] == told


def test_one_rate_alone_would_mislead():
    told = of_study(curve(SAME, label=MORE, omission=MORE, f1=LESS))
    assert told[0].startswith("No trend of the hallucination rate can be shown")
    assert told[1:] == [
        "Alongside, the share of claims with a wrong label grows by 2.2 points [1.0, 3.4], the omission rate grows by"
        " 2.2 points [1.0, 3.4] and entity F1 falls by 0.041 [0.019, 0.063]."
    ]
    flat = of_study(curve(MORE))[1]
    assert flat == (
        "Alongside, no trend can be shown of the share of claims with a wrong label, the omission rate or entity F1."
    )


def test_a_curve_of_some_points_ends_where_they_do():
    figures = curve(MORE)
    figures.cells.pop()
    assert of_study(figures)[0].startswith("Along gap.fraction, from 0 to 0.25, the hallucination rate grows by")


# --- what is not there ----------------------------------------------------------------------------------------------


def test_curves_in_several_settings_share_a_sentence():
    arms = ("cosine", "linear")
    trends = [
        slope("", found, kind=Trend).model_copy(update={"choice": {"schedule": arm}})
        for arm, found in zip(arms, (MORE, SAME), strict=True)
    ]
    cells = [cell({"gap.fraction": fraction, "schedule": arm}) for fraction in (0.0, 0.5) for arm in arms]
    assert of_study(study(trends=trends, cells=cells)) == [
        "Where schedule is “cosine”, along gap.fraction, from 0 to 0.5, the hallucination rate grows by 2.2 points"
        " [1.0, 3.4]; where schedule is “linear”, no trend of the hallucination rate can be shown along gap.fraction,"
        " from 0 to 0.5 (−0.4 points [−1.2, 0.5])."
    ]


def test_a_single_seed_is_the_first_that_is_said():
    told = "This rests on a single seed: intervals are over examples alone, and another seed may say otherwise."
    assert of_study(study([against("mix", LESS, seeds=1)], seeds=1))[0] == told
    assert told not in of_study(study([against("mix", LESS)]))
    some = [against("mix", LESS), against("noise", LESS, seeds=1)]
    assert of_study(study(some))[0].startswith("Some of this rests on a single seed")
    assert of_study(study([against("mix", LESS, seeds=1)]))[0] == told  # no two seeds in common


@pytest.mark.parametrize(
    ("seeds", "of_arm", "told"),
    [
        (3, 3, "Of 7 cells 1 is missing: what follows is of the rest."),
        (3, 1, "Of 7 cells 1 is missing: what follows is of the rest, and rests on single seeds."),
        (1, 1, "Of 3 cells 1 is missing: what follows is of the rest, and rests on single seeds."),
    ],
)
def test_missing_cells_are_the_first_that_is_said(seeds, of_arm, told):
    found = of_study(study([against("mix", LESS, seeds=of_arm)], seeds=seeds, missing={"arm=x": "not run yet"}))
    assert found[0] == told
    assert sum("seed" in text for text in found) == ("seed" in told)


def test_missing_cells_and_seeds_that_are_single_in_part():
    figures = study([against("mix", LESS), against("noise", LESS, seeds=1)], missing={"a": "b", "c": "d"})
    assert of_study(figures)[0] == (
        "Of 14 cells 2 are missing: what follows is of the rest, and rests on single seeds in part."
    )


def test_a_study_says_at_most_six_sentences():
    rates = [MORE, SAME, LESS]
    arms = [one for name in ("a", "b", "c") for one in along(name, rates, omission=rates, f1=[WORSE] * 3)]
    for one, found in zip(arms, rates * 3, strict=True):
        one.figures[1], one.figures[-1] = delta(MATCHED, found), delta("distortion_rate", found)
    trends = [slope(name, LESS, intercept=MORE) for name in ("a", "b", "c")]
    assert len(of_study(study(arms, arm_trends=trends, missing={"x": "y"}))) == 6


def test_one_cell_says_what_it_has():
    figures = study(cells=[cell({"arm": "none"}, hallucination_rate=0.032, omission_rate=0.024)])
    assert of_study(figures) == [
        "Of the claims 3.2% are hallucinations, and 2.4% of the annotation is omitted.",
        "Only one cell is there: nothing can be compared.",
    ]
    silent = of_study(study(cells=[cell({"arm": "none"}, hallucination_rate=None)]))
    assert silent[0] == "Nothing can be said about hallucination: a run without claims has no such rate."


def test_cells_without_a_counterpart_and_no_cells():
    apart = study(cells=[cell({"arm": "mix"}), cell({"arm": "noise"})], missing={"arm=none": "not run yet"})
    assert of_study(apart) == [
        "Of 7 cells 1 is missing: what follows is of the rest.",
        "Nothing can be compared yet: no cell has its counterpart in another arm, or at another point.",
    ]
    assert of_study(study(cells=[], missing={"x": "not run yet"})) == ["Nothing can be said: no cell is evaluated."]
    several = study(cells=[], missing={"x": "not run yet", "y": "not run yet"})
    assert of_study(several) == ["Nothing can be said: none of its 2 cells is evaluated."]


# --- runs -----------------------------------------------------------------------------------------------------------


def of_runs(b, rate, a="runs/demo/1", at_matched=None, omission=SAME, f1=SAME):
    found = {"f1": f1, RATE: rate, OMISSION: omission}
    figures = [Delta(**delta(name, one).model_dump(exclude={"reference", "arm"}), a=0.1, b=0.1)
               for name, one in found.items()]  # fmt: skip
    at = None
    if at_matched is not None:
        difference, low, high, p = at_matched
        at = MatchedOmission(
            omission_rate=0.05, a=0.1, b=0.1, difference=difference, interval=(low, high), p=p, p_holm=p,
            achieved=(0.05, 0.05),
        )  # fmt: skip
    return Comparison(
        split="test", a=a, b=b, examples=10, config_differences=[], figures=figures, matched_omission=at, flipped=[]
    )  # fmt: skip


def test_two_runs():
    told = of_comparison([of_runs("runs/demo/2", LESS, at_matched=SAME)])
    assert told == [
        "On a single seed each, the run “2” hallucinates less than “1”, by 4.1 points [1.9, 6.3], at no more omissions"
        " (−0.4 points [−1.2, 0.5]).",
        "At matched omission, no difference in hallucination can be shown between “1” and the run “2” (−0.4 points"
        " [−1.2, 0.5]).",
        "No difference in F1 (−0.004 [−0.012, 0.005]) can be shown.",
        "A difference counts as shown where p is under 0.05, adjusted for all figures of both runs (Holm); intervals"
        " are over examples alone, so that another seed may say otherwise.",
    ]


def test_several_runs_are_named_by_more_where_their_folders_differ():
    others = [of_runs("runs/wnut/1", SAME), of_runs("/elsewhere/demo/2", SAME)]
    told = of_comparison(others)
    assert told[0] == (
        "On a single seed each, no difference in hallucination can be shown between “demo/1” and the runs “wnut/1” and"
        " “demo/2”, nor in omission or F1."
    )
    assert "all figures of all runs" in told[-1]
    assert not any("matched" in text for text in told)


def test_runs_beside_nothing_say_nothing():
    assert of_comparison([]) == []


def test_sentences_are_sentences():
    every = [
        of_study(study(along("mix", [LESS, MORE, SAME]), arm_trends=[slope("mix", LESS)], missing={"a": "b"})),
        of_study(curve(MORE, label=UNDEFINED)),
        of_study(study([against("a", UNDEFINED), against("b", LESS)])),
        of_comparison([of_runs("runs/demo/2", MORE)]),
    ]
    for told in every:
        for text in told:
            assert text[0].isupper(), text
            assert text.endswith("."), text
            assert ".." not in text
            assert "None" not in text
