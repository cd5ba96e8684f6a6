"""What a study, or runs beside a first one, say in at most six plain sentences: what they rest on where that is little,
the answer, and never more than the figures.

A difference is *shown* where its p, adjusted (Holm), is under .05; a slope where its interval excludes zero.
"""

from __future__ import annotations

from collections.abc import Sequence

from halluc.report import formats
from halluc.report.words import families, verdicts
from halluc.report.words.rivals import SURE
from halluc.report.words.trends import curves
from halluc.report.words.verdicts import OMISSION, RATE
from halluc.report.words.wording import sentence
from halluc.runs.studies import Comparison, StudyFigures

_MOST_SENTENCES = 6
_SHOWN = f"A difference counts as shown where p is under {SURE}, adjusted for"


def of_study(figures: StudyFigures) -> list[str]:
    """What a study says so far: of its arms, else of its curves, else of what there is."""
    if not figures.cells:
        missing = len(figures.missing)
        who = f"none of its {missing} cells" if missing > 1 else "no cell"
        return [f"Nothing can be said: {who} is evaluated."]
    if figures.comparisons:
        found = verdicts.contests(families.of_arms(figures))
        rest = [*verdicts.together(families.of_lines(figures)), _shown(figures)]
        left = _MOST_SENTENCES - len(found) - len(rest) - len(_caveat(figures))
        found += _of_references(figures)[: max(0, left)] + rest
    elif figures.trends:
        found = curves(figures)
    else:
        found = _alone(figures)
    return _caveat(figures) + found


def of_comparison(comparisons: Sequence[Comparison]) -> list[str]:
    """What runs say beside the first one, each a single seed."""
    if not comparisons:
        return []
    first, *others = verdicts.contests([families.of_runs(comparisons)]) or ["No figure can be compared."]
    runs = "all runs" if len(comparisons) > 1 else "both runs"
    return [
        f"On a single seed each, {first[:1].lower()}{first[1:]}",
        *others,
        f"{_SHOWN} all figures of {runs} (Holm); intervals are over examples alone, so that another seed may say"
        " otherwise.",
    ]


def is_single_seed(figures: StudyFigures) -> bool:
    """Whether no cell has more than one run."""
    return all(len(cell.runs) == 1 for cell in figures.cells)


def _of_references(figures: StudyFigures) -> list[str]:
    """What hallucination does along the first axis of numbers where every arm is the reference of its axis."""
    against = {one.axis: one.reference for one in figures.comparisons}
    trends = [
        trend
        for trend in figures.trends
        if all(trend.choice.get(axis, reference) == reference for axis, reference in against.items())
    ]
    return curves(figures.model_copy(update={"trends": trends}))[:1]


def _shown(figures: StudyFigures) -> str:
    if not figures.arm_trends:
        return f"{_SHOWN} the arms compared (Holm); figures are not adjusted for each other."
    return (
        f"{_SHOWN} the arms compared (Holm), one of slopes and intercepts where its interval excludes zero; figures and"
        " points are not adjusted for each other."
    )


def _caveat(figures: StudyFigures) -> list[str]:
    """What must be known before the rest is read: cells that are missing, and what rests on single seeds."""
    missing = len(figures.missing)
    comparisons = figures.comparisons
    alone = is_single_seed(figures) or (bool(comparisons) and all(one.seeds == 1 for one in comparisons))
    partly = any(one.seeds == 1 for one in comparisons) or any(len(cell.runs) == 1 for cell in figures.cells)
    if missing:
        total = missing + sum(len(cell.runs) for cell in figures.cells)
        seeds = ", and rests on single seeds" if alone else ", and rests on single seeds in part" if partly else ""
        are = "is" if missing == 1 else "are"
        return [f"Of {total} cells {missing} {are} missing: what follows is of the rest{seeds}."]
    if alone:
        return ["This rests on a single seed: intervals are over examples alone, and another seed may say otherwise."]
    if partly:
        return ["Some of this rests on a single seed: there intervals are over examples alone."]
    return []


def _alone(figures: StudyFigures) -> list[str]:
    """Of cells that stand beside nothing."""
    if len(figures.cells) > 1:
        return ["Nothing can be compared yet: no cell has its counterpart in another arm, or at another point."]
    found = {figure.name: figure for figure in figures.cells[0].figures if not figure.by}
    rate, omission = found.get(RATE), found.get(OMISSION)
    if rate is None or rate.mean is None:
        return ["Nothing can be said about hallucination: a run without claims has no such rate."]
    told_rate = f"{formats.percent(rate.mean)} {formats.interval(RATE, rate.interval)}"
    text = f"of the claims {told_rate.strip()} are hallucinations"
    if omission is not None and omission.mean is not None:
        text += f", and {formats.percent(omission.mean)} of the annotation is omitted"
    return [sentence(text), "Only one cell is there: nothing can be compared."]
