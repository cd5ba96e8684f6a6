"""Arms, or runs, against a reference in plain sentences: those of which the same can be said share one.

A sentence claims a difference only where it is shown; elsewhere it says that none can be shown, never that there is
none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from halluc.report.words.wording import amount, listed, sentence, signed, size
from halluc.runs.studies import Interval

SURE = 0.05
# So many arms are named one by one, and each with its figure.
_MOST_NAMED = 3


@dataclass(frozen=True)
class Found:
    """A difference from the reference; ``shown`` is its sign where it is more than chance, 0 where that can not be
    shown, None where the difference is undefined."""

    value: float | None
    interval: Interval | None
    shown: int | None


def tested(value: float | None, interval: Interval | None, p: float | None) -> Found:
    """A difference with its p, adjusted for all that it stands among."""
    if value is None:
        return Found(None, None, None)
    return Found(value, interval, (value > 0) - (value < 0) if p is not None and p < SURE else 0)


def within(value: float | None, interval: Interval | None) -> Found:
    """A difference that is shown where its interval leaves out nought."""
    if value is None or interval is None:
        return Found(None, None, None)
    return Found(value, interval, (interval[0] > 0) - (interval[1] < 0))


class Measure(NamedTuple):
    """A figure in words: what one, and what several do with less and with more of it (before "than none"), what it is
    called where no difference can be shown, and why there may be no such figure."""

    figure: str
    less: tuple[str, str]
    more: tuple[str, str]
    called: str
    undefined: str
    opening: str = ""


@dataclass(frozen=True)
class Rival:
    """What is compared with the reference: its differences by point of the axis, and by figure."""

    name: str
    points: dict[str, dict[str, Found]]

    def at(self, point: str, figure: str) -> Found | None:
        return self.points.get(point, {}).get(figure)


@dataclass(frozen=True)
class Family:
    """Rivals of one reference at all points of an axis, in its order; ``axis`` is None where there is but one point."""

    noun: str
    reference: str
    axis: str | None
    points: tuple[str, ...]
    rivals: tuple[Rival, ...]
    setting: str = ""


# A sign at each point, and those of the figure beside it where the first is less.
_Pattern = tuple[tuple[int | None, ...], tuple[int | None, ...]]
_ABSENT, _PERHAPS = 9, 2


def sentences(
    family: Family, measure: Measure, beside: Measure | None = None, *, only_shown: bool = False
) -> list[str]:
    """What can be said of one figure; ``beside`` is a figure whose differences are told where the first is less."""
    groups: dict[_Pattern, list[Rival]] = {}
    alike: list[Rival] = []
    undefined: list[Rival] = []
    for rival in family.rivals:
        pattern = _pattern(family, rival, measure, beside)
        if {1, -1} & set(pattern[0]):
            groups.setdefault(pattern, []).append(rival)
        elif 0 in pattern[0]:
            alike.append(rival)
        elif None in pattern[0]:
            undefined.append(rival)
    ordered = sorted(groups.items(), key=lambda item: -1 not in item[0][0])
    told = [_differing(family, measure, beside, pattern, rivals) for pattern, rivals in ordered]
    if alike and not only_shown:
        told.append(_alike(family, measure, alike, sum(map(len, groups.values()))))
    if undefined and not only_shown:
        what = f"of {_who(family, undefined)} nothing can be said about {measure.called}"
        told.append(f"{what}: {measure.undefined}")
    return [sentence(family.setting + measure.opening + text) for text in told]


def _pattern(family: Family, rival: Rival, measure: Measure, beside: Measure | None) -> _Pattern:
    signs = tuple(_sign(rival.at(point, measure.figure)) for point in family.points)
    less = [point for point, sign in zip(family.points, signs, strict=True) if sign == -1]
    return signs, tuple(_cost(rival.at(point, beside.figure)) for point in less) if beside else ()


def _sign(found: Found | None) -> int | None:
    return _ABSENT if found is None else found.shown


def _cost(found: Found | None) -> int | None:
    """The sign; where it is not shown, though the interval by itself would show more, ``_PERHAPS``."""
    leans = found is not None and found.shown == 0 and found.interval is not None and found.interval[0] > 0
    return _PERHAPS if leans else _sign(found)


def _differing(
    family: Family, measure: Measure, beside: Measure | None, pattern: _Pattern, rivals: Sequence[Rival]
) -> str:
    """Rivals of which a difference is shown at some point."""
    by_sign = {sign: [p for p, s in zip(family.points, pattern[0], strict=True) if s == sign] for sign in (-1, 1, 0)}
    both = bool(by_sign[-1] and by_sign[1])
    parts = []
    for sign, verbs in ((-1, measure.less), (1, measure.more)):
        points = by_sign[sign]
        if not points:
            continue
        detail = _by(rivals, points[-1], measure.figure)
        if sign == -1 and beside is not None:
            detail += _beside(family, rivals, points, pattern[1], beside)
        if len(points) > 1:
            detail = f"at {points[-1]} {detail}"
        joint = f" ({detail})" if both else f"{'; ' if len(points) > 1 else ', '}{detail}"
        parts.append(f"{verbs[len(rivals) > 1]} {family.reference}{_at(family, points)}{joint}")
    told = f"{_who(family, rivals)} {' and '.join(parts)}"
    return told + (f"; no difference can be shown at {listed(by_sign[0])}" if by_sign[0] else "")


def _beside(
    family: Family, rivals: Sequence[Rival], points: Sequence[str], signs: Sequence[int | None], beside: Measure
) -> str:
    """What a difference costs in another figure: ``, at more omissions (+2.2 points [1.0, 3.4])``."""
    if not {-1, 0, 1, _PERHAPS} >= set(signs):
        return ""
    worst = 1 if 1 in signs else max(sign for sign in signs if sign is not None)
    word = {1: "more", _PERHAPS: "perhaps more", 0: "no more", -1: "fewer"}[worst]
    costly = [point for point, sign in zip(points, signs, strict=True) if sign == worst > 0]
    where = _at(family, costly) if costly and costly != list(points) else ""
    return f", at {word} {beside.called}s{where}{_signed(rivals, (costly or points)[-1], beside.figure)}"


def _alike(family: Family, measure: Measure, rivals: Sequence[Rival], differing: int) -> str:
    """Rivals of which no difference is shown at any point, beside so many that differ."""
    nothing = f"no difference in {measure.called} can be shown"
    anywhere = f" at any {family.axis}" if family.axis else ""
    many = len(rivals) > _MOST_NAMED and len(rivals) + differing == len(family.rivals)
    if differing:
        who = f"the other {len(rivals)} {family.noun}s" if many else _who(family, rivals)
        return f"of {who} {nothing}{anywhere}"
    who = f"any of the {len(rivals)} {family.noun}s" if many else _who(family, rivals)
    known = [point for point in family.points if rivals[0].at(point, measure.figure)]
    detail = _signed(rivals, known[-1], measure.figure, f"at {known[-1]} " if family.axis else "")
    return f"{nothing}{anywhere} between {family.reference} and {who}{detail}"


def _who(family: Family, rivals: Sequence[Rival]) -> str:
    """``the arm mix``, ``the arms noise and mix``, ``all 8 arms``."""
    if len(rivals) == 1:
        return f"the {family.noun} {rivals[0].name}"
    if len(rivals) == len(family.rivals) > _MOST_NAMED:
        return f"all {len(rivals)} {family.noun}s"
    return f"the {family.noun}s {listed([rival.name for rival in rivals])}"


def _at(family: Family, points: Sequence[str]) -> str:
    if family.axis is None:
        return ""
    if len(points) == len(family.points) > 1:
        return f" at every {family.axis}"
    return f" at {family.axis} {listed(points)}"


def _by(rivals: Sequence[Rival], point: str, figure: str) -> str:
    """How far they differ, without the sign: ``by 4.1 points [1.9, 6.3]``, ``by 3.5 and 3.6 points``."""
    found = [rival.points[point][figure] for rival in rivals]
    sizes = [abs(one.value) for one in found if one.value is not None]
    if len(found) == 1:
        return f"by {amount(figure, found[0].value or 0.0, found[0].interval)}"
    if len(sizes) > _MOST_NAMED:
        return f"by {size(figure, min(sizes), unit=False)} to {size(figure, max(sizes))}"
    *first, last = sizes
    return f"by {listed([*(size(figure, one, unit=False) for one in first), size(figure, last)])}"


def _signed(rivals: Sequence[Rival], point: str, figure: str, where: str = "") -> str:
    """`` (+2.2 points [1.0, 3.4])`` of one rival; nothing of several, whose own sentences tell it."""
    found = rivals[0].at(point, figure)
    if len(rivals) > 1 or found is None or found.value is None:
        return ""
    return f" ({where}{signed(figure, found.value, found.interval)})"
