"""What a study, or runs beside a first one, say in plain sentences: the answer first, and never more than the figures.

A difference is *shown* where its p, adjusted (Holm), is under .05; a slope where its interval leaves out nought.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import PurePath
from typing import TypeVar

from halluc.report import formats
from halluc.report.words.contests import SURE, Family, Found, Measure, Rival, sentences, tested, within
from halluc.report.words.trends import curves, ends, numeric_axes, of_setting, over, point, told
from halluc.report.words.wording import sentence
from halluc.runs.studies import ArmComparison, ArmTrend, Comparison, Plain, StudyFigures

RATE = "hallucination_rate"
_NO_CLAIMS = "a run without claims has no such rate"
_RATE = Measure(
    RATE,
    ("hallucinates less than", "hallucinate less than"),
    ("hallucinates more than", "hallucinate more than"),
    "hallucination",
    _NO_CLAIMS,
)
_MATCHED = _RATE._replace(
    figure="hallucination_rate_at_matched_omission",
    undefined="a run has no claims left there",
    opening="at matched omission, ",
)
_OMISSION = Measure(
    "omission_rate",
    ("omits less than", "omit less than"),
    ("omits more than", "omit more than"),
    "omission",
    "there is no gold to omit",
)
_F1 = Measure(
    "f1", ("has a lower F1 than", "have a lower F1 than"), ("has a higher F1 than", "have a higher F1 than"), "F1", ""
)
_DISTORTION = Measure(
    "distortion_rate",
    ("distorts less than", "distort less than"),
    ("distorts more than", "distort more than"),
    "distortion",
    _NO_CLAIMS,
)


def of_study(figures: StudyFigures) -> list[str]:
    """What a study says so far: of its arms, else of its curves, else of what there is."""
    if not figures.cells:
        return ["Nothing can be said: no cell is evaluated.", *_missing(figures)]
    if figures.comparisons:
        found = [text for family in _families(figures) for text in _contest(family)]
        found += [text for family in _slopes(figures) for text in sentences(*family)]
        found.append(
            f"Shown is a difference with p under {SURE}, adjusted for the arms compared (Holm), and one of slopes whose"
            " interval leaves out nought; figures and points are not adjusted for each other."
            if figures.arm_trends
            else f"Shown is a difference with p under {SURE}, adjusted for the arms compared (Holm)."
        )
    elif figures.trends:
        found = curves(figures)
    else:
        found = _alone(figures)
    return found + _seeds(figures) + _missing(figures)


def of_comparison(comparisons: Sequence[Comparison]) -> list[str]:
    """What runs say beside the first one, each a single seed."""
    if not comparisons:
        return []
    first, *others = _short([comparisons[0].a, *(one.b for one in comparisons)])
    rivals = tuple(Rival(name, {"": _of_runs(one)}) for name, one in zip(others, comparisons, strict=True))
    found = _contest(Family("run", first, None, ("",), rivals))
    runs = "all runs" if len(comparisons) > 1 else "both runs"
    return [
        *found,
        f"Shown is a difference with p under {SURE}, adjusted for all figures of {runs} (Holm).",
        "Each run is a single seed: intervals are over examples alone, and another seed may say otherwise.",
    ]


def is_single_seed(figures: StudyFigures) -> bool:
    """Whether no cell has more than one run."""
    return all(len(cell.runs) == 1 for cell in figures.cells)


def _contest(family: Family) -> list[str]:
    """Less hallucination is worth what it costs: omissions, F1, claims that are told wrongly."""
    found = sentences(family, _RATE, _OMISSION)
    found += sentences(family, _MATCHED)
    found += sentences(family, _OMISSION)
    found += sentences(family, _F1)
    return found + sentences(family, _DISTORTION, only_shown=True)


def _of_runs(one: Comparison) -> dict[str, Found]:
    found = {d.name: tested(d.difference, d.interval, d.p_holm) for d in one.figures if not d.by}
    at = one.matched_omission
    if at is not None:
        found[_MATCHED.figure] = tested(at.difference, at.interval, at.p_holm)
    return found


def _short(runs: Sequence[str]) -> list[str]:
    """The last folders of their paths: cells of one study by themselves, else a name and its time."""
    paths = [PurePath(run) for run in runs]
    parts = 1 if len({path.parent for path in paths}) == 1 else 2
    return [formats.visible("/".join(path.parts[-parts:])) for path in paths]


def _families(figures: StudyFigures) -> Iterator[Family]:
    """The arms of each axis against its reference, apart for each choice on the other axes of words."""
    numeric = numeric_axes(figures)

    def place(one: ArmComparison) -> tuple[str, ...]:
        words = {axis: value for axis, value in one.choice.items() if axis not in numeric}
        return one.axis, told(one.reference), of_setting(words, figures)

    for (axis, reference, setting), members in _grouped(figures.comparisons, place).items():
        along = [name for name in numeric if name in members[0].choice]
        places = sorted({tuple(one.choice[name] for name in along) for one in members}, key=_by_number)
        rivals: dict[str, dict[str, dict[str, Found]]] = {}
        for one in members:
            here = point(along, [one.choice[name] for name in along])
            found = {d.name: tested(d.difference, d.interval, d.p_holm) for d in one.figures if not d.by}
            rivals.setdefault(_arm(axis, told(one.arm)), {})[here] = found
        yield Family(
            noun="arm",
            reference=_arm(axis, reference),
            axis=(formats.visible(along[0]) if len(along) == 1 else "point") if along else None,
            points=tuple(point(along, values) for values in places),
            rivals=tuple(Rival(name, points) for name, points in rivals.items()),
            setting=setting,
        )


def _arm(axis: str, name: str) -> str:
    return name if axis == "arm" else f"{formats.visible(axis)}={name}"


def _by_number(values: Sequence[Plain]) -> list[float]:
    return [float(value) for value in values if isinstance(value, (int, float))]


def _slopes(figures: StudyFigures) -> Iterator[tuple[Family, Measure]]:
    """The lines of the arms' hallucination rates less those of the reference: slopes, then intercepts."""

    def between(one: ArmTrend) -> tuple[float, float]:
        rivals = [c for c in figures.comparisons if (c.axis, c.arm) == (one.arm_axis, one.arm)]
        return ends(one.axis, one.choice, [rival.choice for rival in rivals])

    def place(one: ArmTrend) -> tuple[str, ...]:
        low, high = between(one)
        where = f"along {formats.visible(one.axis)} (from {low:g} to {high:g})"
        return one.arm_axis, told(one.reference), where, of_setting(one.choice, figures)

    lines = [one for one in figures.arm_trends if one.name == RATE and not one.by]
    for (arm_axis, reference, where, setting), members in _grouped(lines, place).items():
        low, high = between(members[0])
        kinds = {f"the slope of hallucination {where}": [over(one, high - low) for one in members]}
        if low <= 0 <= high:
            at_nought = f"the intercept of hallucination at {formats.visible(members[0].axis)} 0"
            kinds[at_nought] = [within(one.intercept, one.intercept_interval) for one in members]
        for called, found in kinds.items():
            named = zip((_arm(arm_axis, told(one.arm)) for one in members), found, strict=True)
            rivals = tuple(Rival(name, {"": {RATE: each}}) for name, each in named)
            yield Family("arm", _arm(arm_axis, reference), None, ("",), rivals, setting), _line(called)


def _line(called: str) -> Measure:
    return Measure(
        RATE,
        (f"lowers {called} against", f"lower {called} against"),
        (f"raises {called} against", f"raise {called} against"),
        called,
        _NO_CLAIMS,
    )


T = TypeVar("T")


def _grouped(items: Iterable[T], place: Callable[[T], tuple[str, ...]]) -> dict[tuple[str, ...], list[T]]:
    groups: dict[tuple[str, ...], list[T]] = {}
    for item in items:
        groups.setdefault(place(item), []).append(item)
    return groups


def _alone(figures: StudyFigures) -> list[str]:
    """Of cells that stand beside nothing."""
    if len(figures.cells) > 1:
        return ["Nothing can be compared yet: no cell has its counterpart in another arm, or at another point."]
    found = {figure.name: figure for figure in figures.cells[0].figures if not figure.by}
    rate, omission = found.get(RATE), found.get(_OMISSION.figure)
    if rate is None or rate.mean is None:
        return ["Nothing can be said about hallucination: a run without claims has no such rate."]
    told_rate = f"{formats.percent(rate.mean)} {formats.interval(RATE, rate.interval)}"
    text = f"of the claims {told_rate.strip()} are hallucinations"
    if omission is not None and omission.mean is not None:
        text += f", and {formats.percent(omission.mean)} of the gold is omitted"
    return [sentence(text), "Only one cell is there: nothing can be compared."]


def _seeds(figures: StudyFigures) -> list[str]:
    if is_single_seed(figures):
        return ["A single seed: intervals are over examples alone, and another seed may say otherwise."]
    if any(one.seeds == 1 for one in figures.comparisons) or any(len(cell.runs) == 1 for cell in figures.cells):
        return ["Some of this rests on a single seed: there intervals are over examples alone."]
    return []


def _missing(figures: StudyFigures) -> list[str]:
    missing = len(figures.missing)
    if not missing:
        return []
    total = missing + sum(len(cell.runs) for cell in figures.cells)
    return [f"Of {total} cells {missing} {'is' if missing == 1 else 'are'} missing: this is what the others say."]
