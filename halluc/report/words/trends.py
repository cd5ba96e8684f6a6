"""Curves of a study in plain sentences: what grows along an axis of numbers, and what does not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from halluc.report import formats
from halluc.report.words.rivals import Found, within
from halluc.report.words.wording import amount, listed, quoted, sentence, signed
from halluc.runs.studies import Line, Plain, StudyFigures, Trend

Key = tuple[str, tuple[tuple[str, str], ...]]
_RATE: Key = ("hallucination_rate", ())
# One rate alone would mislead: where knowledge is lacking a model may rather distort, or say nothing.
_BESIDE: dict[Key, str] = {
    ("distortion_rate", (("reason", "label"),)): "the share of claims with a wrong label",
    ("distortion_rate", (("reason", "boundary"),)): "that with a wrong boundary",
    ("omission_rate", ()): "the omission rate",
    ("f1", ()): "entity F1",
}
_VERBS = {1: "grows", -1: "falls"}


def is_number(value: Plain) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def told(value: Plain) -> str:
    """A value or arm as the config has it."""
    words = {None: "null", True: "true", False: "false"}
    return words[value] if value is None or isinstance(value, bool) else formats.visible(value)


def varying(figures: StudyFigures) -> list[str]:
    """The axes on which the cells differ."""
    return [axis for axis in figures.cells[0].choice if len({cell.choice[axis] for cell in figures.cells}) > 1]


def ends(axis: str, fixed: Mapping[str, Plain], choices: Iterable[Mapping[str, Plain]]) -> tuple[float, float]:
    """The lowest and the highest place on an axis of numbers, of those choices that agree with ``fixed``."""
    alike = [choice for choice in choices if all(choice[name] == value for name, value in fixed.items())]
    places = [float(value) for choice in alike if isinstance(value := choice[axis], (int, float))]
    return min(places), max(places)


def of_setting(choice: Mapping[str, Plain], figures: StudyFigures) -> str:
    """``where train.schedule is “cosine”, ``, of those axes on which the cells differ."""
    several = {axis: value for axis, value in choice.items() if len({c.choice[axis] for c in figures.cells}) > 1}
    named = [
        f"{formats.visible(axis)} is {told(value) if is_number(value) else quoted(told(value))}"
        for axis, value in several.items()
    ]
    return f"where {listed(named)}, " if named else ""


def over(line: Line, width: float) -> Found:
    """How far a line climbs over a width of its axis."""
    interval = line.slope_interval
    ends = None if interval is None else (interval[0] * width, interval[1] * width)
    return within(None if line.slope is None else line.slope * width, ends)


def curves(figures: StudyFigures) -> list[str]:
    """What the hallucination rate does along each axis of numbers, and what goes with it: a sentence each."""
    groups: dict[tuple[str, str], dict[Key, Trend]] = {}
    for trend in figures.trends:
        where = (trend.axis, of_setting(trend.choice, figures))
        groups.setdefault(where, {})[trend.name, tuple(trend.by.items())] = trend
    rates: dict[str, list[str]] = {}
    besides: dict[str, list[str]] = {}
    for (axis, setting), trends in groups.items():
        fixed = next(iter(trends.values())).choice
        low, high = ends(axis, fixed, [cell.choice for cell in figures.cells])
        found = {key: over(trend, high - low) for key, trend in trends.items()}
        along = f"along {formats.visible(axis)}, from {low:g} to {high:g}"
        rates.setdefault(axis, []).append(setting + _rate(along, found.get(_RATE)))
        beside = _beside({key: found[key] for key in _BESIDE if key in found})
        if beside:
            besides.setdefault(axis, []).append(f"{setting}alongside, {beside}")
    return [sentence("; ".join(told[axis])) for axis in rates for told in (rates, besides) if axis in told]


def _rate(along: str, rate: Found | None) -> str:
    if rate is None or rate.shown is None:
        return f"{along}, nothing can be said about the hallucination rate: a run without claims has none"
    if rate.shown:
        return f"{along}, the hallucination rate {_VERBS[rate.shown]} by {_climbs(_RATE, rate)}"
    return f"no trend of the hallucination rate can be shown {along} ({_climbs(_RATE, rate, signs=True)})"


def _beside(found: Mapping[Key, Found]) -> str:
    grown = [f"{_BESIDE[key]} {_VERBS[one.shown]} by {_climbs(key, one)}" for key, one in found.items() if one.shown]
    flat = [_BESIDE[key] for key, one in found.items() if one.shown == 0]
    parts = [listed(grown)] if grown else []
    if flat:
        parts.append(f"no trend can be shown of {listed(flat, 'or')}")
    return "; ".join(parts)


def _climbs(key: Key, found: Found, signs: bool = False) -> str:
    assert found.value is not None, "what is undefined climbs nowhere"
    if signs:
        return signed(key[0], found.value, found.interval)
    return amount(key[0], found.value, found.interval)


def point(axes: Sequence[str], values: Sequence[Plain]) -> str:
    """A place on axes: ``0.5`` of one axis, ``(gap.fraction 0.5, arm “mix”)`` of several."""
    places = [told(value) if is_number(value) else quoted(told(value)) for value in values]
    if len(axes) < 2:
        return "".join(places)
    return f"({', '.join(f'{formats.visible(axis)} {place}' for axis, place in zip(axes, places, strict=True))})"
