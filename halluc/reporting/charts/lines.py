"""Lines over an axis, with bands, named in a legend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from halluc.reporting.charts.chart import (
    DASHED,
    INK,
    figure,
    legend,
    marker,
    measured,
    plain_log,
    series,
    shortened,
    ticks,
)
from halluc.runs.studies import Interval

MOST_LINES = 12


@dataclass(frozen=True)
class Curve:
    """A line through points, by its name in the legend; ``intervals`` make a band."""

    name: str
    xs: Sequence[float]
    ys: Sequence[float]
    intervals: Sequence[Interval | None] = ()
    has_points: bool = True


def plot(
    curves: Sequence[Curve],
    *,
    name: str,
    below: str,
    above: str,
    height: float = 240,
    zero: bool = False,
    is_log: bool = False,
    x_is_log: bool = False,
    mark: tuple[float, str] | None = None,
) -> Figure:
    """Curves of the figure ``name`` on one panel; ``below`` and ``above`` say what its axes tell.

    Args:
        zero: whether zero is shown at any rate.
        is_log, x_is_log: whether the y axis, the x axis, is logarithmic.
        mark: a place on the x axis, and what is there.
    """
    drawn = figure(height)
    axes = drawn.add_subplot()
    axes.grid(axis="y")
    axes.set_title(above)
    axes.set_xlabel(below, loc="right")
    for number, curve in enumerate(curves):
        _draw(axes, number, curve)
    _scale_x(axes, [x for curve in curves for x in curve.xs], x_is_log)
    if is_log:
        axes.set_yscale("log")
        plain_log(axes.yaxis, [y for curve in curves for y in curve.ys])
    else:
        ticks(axes.yaxis, name)
        if zero and axes.dataLim.y0 >= 0:
            axes.set_ylim(bottom=0)
    if mark is not None:
        vertical(axes, *mark)
    legend(drawn, axes, where="outside lower left")
    return drawn


def _scale_x(axes: Axes, places: Sequence[float], is_log: bool) -> None:
    """The places themselves are ticks, where they are few."""
    if is_log:
        axes.set_xscale("log")
        plain_log(axes.xaxis, places)
        return
    ticks(axes.xaxis)
    distinct = sorted(set(places))
    if 1 < len(distinct) <= 6 and all(b - a > (distinct[-1] - distinct[0]) / 9 for a, b in pairwise(distinct)):
        axes.set_xticks(distinct, [f"{place:,.6g}" for place in distinct])


def _draw(axes: Axes, number: int, curve: Curve) -> None:
    colour, shape = series(number)
    band(axes, colour, curve.xs, curve.intervals)
    style = marker(colour, shape, size=5.5) if curve.has_points else {"color": colour}
    label = measured(shortened(curve.name)) or None
    axes.plot(curve.xs, curve.ys, **style | {"linewidth": 1.8, "linestyle": "-"}, label=label)


def band(axes: Axes, colour: str, xs: Sequence[float], intervals: Sequence[Interval | None]) -> None:
    """The 95% intervals along a line, where two or more are known."""
    known = [(x, *ends) for x, ends in zip(xs, intervals, strict=False) if ends is not None]
    if len(known) > 1:
        places, lows, highs = zip(*known, strict=True)
        axes.fill_between(places, lows, highs, color=colour, alpha=0.16)


def vertical(axes: Axes, place: float, told: str | None) -> None:
    """A dashed line across a place on the x axis, by its name in the legend."""
    axes.axvline(place, color=INK, linewidth=1, linestyle=DASHED, label=told)
