"""What is said of arms, or runs, against a reference in one figure: clauses, in which those of which the same can be
said share one.

A clause claims a difference only where it is shown; elsewhere it says that none can be shown, never that there is
none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from halluc.report.words.rivals import POINT, Family, Found, Measure, Rival
from halluc.report.words.wording import MOST_NAMED, amount, listed, several, signed, sizes


class Clause(NamedTuple):
    """Somebody, and what is said of them."""

    who: str
    does: str


def joined(clauses: Iterable[Clause]) -> list[str]:
    """Clauses in their order; those of the same one after the other share their subject."""
    told: list[str] = []
    for who, members in groupby(clauses, key=attrgetter("who")):
        told.append(f"{who} {', and '.join(clause.does for clause in members)}")
    return told


@dataclass(frozen=True)
class Said:
    """Of one figure: clauses of what is shown, the rivals that they are of, and those of which nothing is shown, or
    nothing is known."""

    clauses: list[Clause]
    differing: list[Rival]
    alike: list[Rival]
    undefined: list[Rival]


# A sign at each point, and those of the figure beside it where the first is less.
_Pattern = tuple[tuple[int | None, ...], tuple[int | None, ...]]
_ABSENT, _PERHAPS = 9, 2


def said(
    family: Family,
    measure: Measure,
    beside: Measure | None = None,
    *,
    rivals: Sequence[Rival] | None = None,
    names_reference: bool = True,
    names_rest: bool = True,
) -> Said:
    """What can be said of one figure.

    Args:
        beside: a figure whose differences are told where the first is less.
        rivals: of whom; None: of all.
        names_reference: whether the first clause has it.
        names_rest: whether a clause says at which points no difference is shown.
    """
    groups: dict[_Pattern, list[Rival]] = {}
    found = Said([], [], [], [])
    for rival in family.rivals if rivals is None else rivals:
        pattern = _pattern(family, rival, measure, beside)
        if {1, -1} & set(pattern[0]):
            found.differing.append(rival)
            groups.setdefault(pattern, []).append(rival)
        elif 0 in pattern[0]:
            found.alike.append(rival)
        elif None in pattern[0]:
            found.undefined.append(rival)
    for pattern, members in sorted(groups.items(), key=lambda item: -1 not in item[0][0]):
        reference = f" than {family.reference}" if names_reference and not found.clauses else ""
        told = _differing(family, measure, beside, pattern, members, reference)
        rest = [point for point, sign in zip(family.points, pattern[0], strict=True) if sign == 0 and names_rest]
        told += f", but no difference can be shown at {_rest(family, rest)}" if rest else ""
        found.clauses.append(Clause(who(family, members), told))
    return found


def _rest(family: Family, points: Sequence[str]) -> str:
    return f"the other {len(points)}" if _is_many(family, points) else listed(points)


def _is_many(family: Family, points: Sequence[str]) -> bool:
    """Whether places on several axes are counted and not named."""
    return family.axis == POINT and len(points) > MOST_NAMED


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
    family: Family,
    measure: Measure,
    beside: Measure | None,
    pattern: _Pattern,
    rivals: Sequence[Rival],
    reference: str,
) -> str:
    """What rivals do of which a difference is shown at some point."""
    by_sign = {sign: [p for p, s in zip(family.points, pattern[0], strict=True) if s == sign] for sign in (-1, 1)}
    parts: list[str] = []
    for sign, verbs in ((-1, measure.less), (1, measure.more)):
        points = by_sign[sign]
        if not points:
            continue
        where = f"at {points[-1]} " if len(points) > 1 else ""
        told = verbs[len(rivals) > 1] + ("" if parts else reference) + at(family, points)
        told += f", {where}by {_by(rivals, points[-1], measure)}"
        if sign == -1 and beside is not None:
            told += _beside(family, rivals, points, pattern[1], beside)
        parts.append(told)
    return ", and ".join(parts)


def _beside(
    family: Family, rivals: Sequence[Rival], points: Sequence[str], signs: Sequence[int | None], beside: Measure
) -> str:
    """What a difference costs in another figure: ``, at more omissions (+2.2 points [1.0, 3.4])``."""
    if not {-1, 0, 1, _PERHAPS} >= set(signs):
        return ""
    worst = 1 if 1 in signs else max(sign for sign in signs if sign is not None)
    word = {1: "more", _PERHAPS: "perhaps more", 0: "no more", -1: "fewer"}[worst]
    costly = [point for point, sign in zip(points, signs, strict=True) if sign == worst > 0]
    where = at(family, costly) if costly and costly != list(points) else ""
    point = (costly or points)[-1]
    return f", at {word} {beside.called}s{where} ({_differences(rivals, point, beside)})"


def _differences(rivals: Sequence[Rival], point: str, measure: Measure) -> str:
    """With their signs; one with its interval. All are defined."""
    found = [rival.points[point][measure.figure] for rival in rivals]
    values = [one.value for one in found if one.value is not None]
    if len(found) == 1:
        return signed(measure.written_as, values[0], found[0].interval)
    return several(measure.written_as, values)


def _by(rivals: Sequence[Rival], point: str, measure: Measure) -> str:
    """How far they differ, without the sign: ``4.1 points [1.9, 6.3]``, ``3.5 and 3.6 points``."""
    found = [rival.points[point][measure.figure] for rival in rivals]
    values = [one.value for one in found if one.value is not None]
    if len(found) == 1:
        return amount(measure.written_as, values[0], found[0].interval)
    return sizes(measure.written_as, [abs(value) for value in values])


def who(family: Family, rivals: Sequence[Rival]) -> str:
    """``the arm “mix”``, ``the arms “noise” and “mix”``, ``all 8 arms``."""
    if len(rivals) == 1:
        return f"the {family.noun} {rivals[0].name}"
    if len(rivals) == len(family.rivals) > MOST_NAMED:
        return f"all {len(rivals)} {family.noun}s"
    return f"the {family.noun}s {listed([rival.name for rival in rivals])}"


def at(family: Family, points: Sequence[str]) -> str:
    """Where on the axis: `` at every gap.fraction``, `` at gap.fraction 0.25 and 0.5``; nothing without an axis."""
    if family.axis is None:
        return ""
    if len(points) == len(family.points) > 1:
        return f" at every {family.axis}"
    if _is_many(family, points):
        return f" at {len(points)} of {len(family.points)} {family.axis}s"
    return f" at {family.axis} {listed(points)}"
