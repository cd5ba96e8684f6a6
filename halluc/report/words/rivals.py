"""Arms, or runs, beside a reference: their differences from it, and the words for the figures that differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from halluc.runs.studies import Interval

SURE = 0.05
# What places on several axes are called.
POINT = "point"


@dataclass(frozen=True)
class Found:
    """A difference from the reference; ``shown`` is its sign where it is more than chance, 0 where that cannot be
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
    """A difference that is shown where its interval excludes zero."""
    if value is None or interval is None:
        return Found(None, None, None)
    return Found(value, interval, (interval[0] > 0) - (interval[1] < 0))


class Measure(NamedTuple):
    """A figure in words: what one, and what several do with less and with more of it (before "than the reference"),
    what it is called where no difference can be shown, and why there may be no such figure.

    ``unit`` is the figure that its differences are written like; empty: its own.
    """

    figure: str
    less: tuple[str, str]
    more: tuple[str, str]
    called: str
    undefined: str = ""
    unit: str = ""

    @property
    def written_as(self) -> str:
        return self.unit or self.figure


@dataclass(frozen=True)
class Rival:
    """What is compared with the reference: its differences by point of the axis, and by figure."""

    name: str
    points: dict[str, dict[str, Found]]

    def at(self, point: str, figure: str) -> Found | None:
        return self.points.get(point, {}).get(figure)


@dataclass(frozen=True)
class Family:
    """Rivals of one reference at all points of an axis (``POINT``: of several), in their order; ``axis`` is None where
    there is but one point. ``among`` is what all are arms of, where the study has arms of several axes."""

    noun: str
    reference: str
    axis: str | None
    points: tuple[str, ...]
    rivals: tuple[Rival, ...]
    among: str = ""
