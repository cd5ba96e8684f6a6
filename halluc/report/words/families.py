"""The arms of a study, its lines, and runs, as families of rivals against a reference."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import PurePath
from typing import TypeVar

from halluc.report import formats
from halluc.report.words.rivals import POINT, Family, Found, Measure, Rival, tested, within
from halluc.report.words.trends import ends, over, point, told, varying
from halluc.report.words.verdicts import MATCHED, NO_CLAIMS, RATE
from halluc.report.words.wording import quoted
from halluc.runs.studies import ArmComparison, ArmTrend, Comparison, Plain, StudyFigures

_SLOPE, _INTERCEPT = "slope", "intercept"


def of_arms(figures: StudyFigures) -> Iterator[Family]:
    """The arms of each axis against its reference, at all points of the other axes."""

    def place(one: ArmComparison) -> tuple[str, ...]:
        return one.axis, told(one.reference)

    for (axis, reference), members in _grouped(figures.comparisons, place).items():
        along = [name for name in varying(figures) if name in members[0].choice]
        places = sorted({tuple(one.choice[name] for name in along): None for one in members}, key=_by_number)
        rivals: dict[str, dict[str, dict[str, Found]]] = {}
        for one in members:
            here = point(along, [one.choice[name] for name in along])
            found = {d.name: tested(d.difference, d.interval, d.p_holm) for d in one.figures if not d.by}
            rivals.setdefault(_arm(axis, told(one.arm)), {})[here] = found
        yield Family(
            noun="arm",
            reference=_arm(axis, reference),
            axis=_called(along),
            points=tuple(point(along, values) for values in places),
            rivals=tuple(Rival(name, points) for name, points in rivals.items()),
            among=_among(axis, figures),
        )


def _among(axis: str, figures: StudyFigures) -> str:
    """The axis that arms are of, where not all are of one."""
    return formats.visible(axis) if len({one.axis for one in figures.comparisons}) > 1 else ""


def _called(axes: Sequence[str]) -> str | None:
    """What the points on some axes are called."""
    if not axes:
        return None
    return formats.visible(axes[0]) if len(axes) == 1 else POINT


def _arm(axis: str, name: str) -> str:
    return quoted(name if axis == "arm" else f"{formats.visible(axis)}={name}")


def _by_number(values: Sequence[Plain]) -> list[float]:
    return [float(value) for value in values if isinstance(value, (int, float))]


def of_lines(figures: StudyFigures) -> Iterator[tuple[Family, list[Measure]]]:
    """The lines of the arms' hallucination rates less those of the reference: slopes and, where the axis holds zero,
    intercepts."""

    def between(one: ArmTrend) -> tuple[float, float]:
        rivals = [c for c in figures.comparisons if (c.axis, c.arm) == (one.arm_axis, one.arm)]
        return ends(one.axis, one.choice, [rival.choice for rival in rivals])

    def place(one: ArmTrend) -> tuple[str, ...]:
        low, high = between(one)
        where = f"along {formats.visible(one.axis)} (from {low:g} to {high:g})"
        return one.arm_axis, told(one.reference), where

    lines = [one for one in figures.arm_trends if one.name == RATE and not one.by]
    for (arm_axis, reference, where), members in _grouped(lines, place).items():
        low, high = between(members[0])
        measures = [_measure(_SLOPE, f"slope of hallucination {where}")]
        if low <= 0 <= high:
            called = f"intercept of hallucination at {formats.visible(members[0].axis)} 0"
            measures.append(_measure(_INTERCEPT, called))
        along = [name for name in varying(figures) if name in members[0].choice]
        rivals: dict[str, dict[str, dict[str, Found]]] = {}
        for one in members:
            here = point(along, [one.choice[name] for name in along])
            rivals.setdefault(_arm(arm_axis, told(one.arm)), {})[here] = _line(one, high - low)
        points = tuple({place: None for found in rivals.values() for place in found})
        lines_of = tuple(Rival(name, found) for name, found in rivals.items())
        yield (
            Family("arm", _arm(arm_axis, reference), _called(along), points, lines_of, _among(arm_axis, figures)),
            measures,
        )


def _line(one: ArmTrend, width: float) -> dict[str, Found]:
    return {_SLOPE: over(one, width), _INTERCEPT: within(one.intercept, one.intercept_interval)}


def _measure(figure: str, called: str) -> Measure:
    verbs = (f"has a {{}} {called}", f"have a {{}} {called}")
    lower, higher = ((verbs[0].format(word), verbs[1].format(word)) for word in ("lower", "higher"))
    return Measure(figure, lower, higher, f"the {called}", NO_CLAIMS, RATE)


T = TypeVar("T")


def _grouped(items: Iterable[T], place: Callable[[T], tuple[str, ...]]) -> dict[tuple[str, ...], list[T]]:
    groups: dict[tuple[str, ...], list[T]] = {}
    for item in items:
        groups.setdefault(place(item), []).append(item)
    return groups


def of_runs(comparisons: Sequence[Comparison]) -> Family:
    """Runs against the first one."""
    first, *others = map(quoted, _short([comparisons[0].a, *(one.b for one in comparisons)]))
    rivals = tuple(Rival(name, {"": _found(one)}) for name, one in zip(others, comparisons, strict=True))
    return Family("run", first, None, ("",), rivals)


def _found(one: Comparison) -> dict[str, Found]:
    found = {d.name: tested(d.difference, d.interval, d.p_holm) for d in one.figures if not d.by}
    at = one.matched_omission
    if at is not None:
        found[MATCHED] = tested(at.difference, at.interval, at.p_holm)
    return found


def _short(runs: Sequence[str]) -> list[str]:
    """The last folders of their paths: cells of one study by themselves, else a name and its time."""
    paths = [PurePath(run) for run in runs]
    parts = 1 if len({path.parent for path in paths}) == 1 else 2
    return [formats.visible("/".join(path.parts[-parts:])) for path in paths]
