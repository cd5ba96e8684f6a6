"""Plots of any figures: lines along an axis, points in a plane, and forest plots with one row each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from matplotlib.transforms import Bbox

from halluc.reporting.charts.chart import (
    DASHED,
    INK,
    LONGEST_LABEL,
    annotate_right,
    figure,
    legend,
    marker,
    measurable_label,
    plain_log,
    point,
    rows_axis,
    series,
    shorten,
    ticks,
)
from halluc.runs.studies import Interval

MOST_LINES = 12
_MOST_IN_PLACE = 5  # names; with more a legend is used, since labels could not be assigned to points
_LEADER = {"arrowstyle": "-", "color": INK, "linewidth": 0.6, "alpha": 0.6}
_MOST_STEPS = 500  # iterations for separating names; not a time limit, so that the output is deterministic
_ROW, _AROUND = 20, 50  # pixels: of a row of a forest plot, and of heading and ticks


@dataclass(frozen=True)
class Curve:
    """A line through points, with its name in the legend; ``intervals`` are drawn as a band."""

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
    """Curves of the figure ``name`` on one panel; ``below`` and ``above`` are the titles of its axes.

    Args:
        zero: whether zero is always shown.
        is_log, x_is_log: whether the y axis, or the x axis, is logarithmic.
        mark: a position on the x axis, and its name.
    """
    drawn = figure(height)
    axes = panel(drawn, above, below, "y")
    for number, curve in enumerate(curves):
        colour, shape = series(number)
        band(axes, colour, curve.xs, curve.intervals)
        style = marker(colour, shape, size=5.5) if curve.has_points else {"color": colour}
        label = measurable_label(shorten(curve.name)) or None
        axes.plot(curve.xs, curve.ys, **style | {"linewidth": 1.8, "linestyle": "-"}, label=label)
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


def panel(drawn: Figure, above: str, below: str, grid: Literal["both", "x", "y"] = "both") -> Axes:
    """The axes of a figure with their titles, and grid lines in one direction or both."""
    axes = drawn.add_subplot()
    axes.grid(axis=grid)
    axes.set_title(above)
    axes.set_xlabel(below, loc="right")
    return axes


def _scale_x(axes: Axes, places: Sequence[float], is_log: bool) -> None:
    """The values themselves are ticks if there are few."""
    if is_log:
        axes.set_xscale("log")
        plain_log(axes.xaxis, places)
        return
    ticks(axes.xaxis)
    distinct = sorted(set(places))
    if 1 < len(distinct) <= 6 and all(b - a > (distinct[-1] - distinct[0]) / 9 for a, b in pairwise(distinct)):
        axes.set_xticks(distinct, [f"{place:,.6g}" for place in distinct])


def band(axes: Axes, colour: str, xs: Sequence[float], intervals: Sequence[Interval | None]) -> None:
    """The 95% intervals along a line, if at least two are known."""
    known = [(x, *ends) for x, ends in zip(xs, intervals, strict=False) if ends is not None]
    if len(known) > 1:
        places, lows, highs = zip(*known, strict=True)
        axes.fill_between(places, lows, highs, color=colour, alpha=0.16)


def vertical(axes: Axes, place: float, text: str | None) -> None:
    """A dashed vertical line at a position on the x axis, with its name in the legend."""
    axes.axvline(place, color=INK, linewidth=1, linestyle=DASHED, label=text)


@dataclass(frozen=True)
class Point:
    """A point with an interval in each direction; ``name`` may be empty."""

    x: float
    y: float
    x_interval: Interval | None
    y_interval: Interval | None
    colour: str
    shape: str
    name: str


def scatter(paths: Sequence[Sequence[Point]], *, x: str, y: str, below: str, above: str) -> Figure:
    """The points of a path are connected; ``x`` and ``y`` are the names of the figures."""
    named = [p for path in paths for p in path if p.name]
    in_place = len(named) <= _MOST_IN_PLACE
    drawn = figure(310 if in_place else 300 + 16 * (len(named) + 1) // 2)
    axes = panel(drawn, above, below)
    axes.margins(0.1)
    ticks(axes.xaxis, x)
    ticks(axes.yaxis, y)
    for path in paths:
        axes.plot([p.x for p in path], [p.y for p in path], color=path[0].colour, linewidth=1, linestyle=(0, (1, 2)))
        for p in path:
            point(axes, p.x, p.y, marker(p.colour, p.shape, size=7), p.x_interval, p.y_interval)
    if in_place:
        _place_names(drawn, axes, named, [p for path in paths for p in path])
    else:
        for p in named:
            axes.plot([], [], **marker(p.colour, p.shape), label=measurable_label(shorten(p.name)))
        legend(drawn, axes, where="outside lower left")
    return drawn


def _place_names(drawn: Figure, axes: Axes, named: Sequence[Point], points: Iterable[Point]) -> None:
    """Names next to their points, moved away from points, intervals and each other."""
    from adjustText import adjust_text

    if not named:
        return
    texts = [axes.text(p.x, p.y, measurable_label(shorten(p.name))) for p in named]
    drawn.draw_without_rendering()  # names are moved within the final layout of the axes
    axes.set_autoscale_on(False)
    lines = [Bbox.from_extents(*ends) for p in points for ends in _lines(p)]
    adjust_text(texts, objects=lines, ax=axes, expand=(1.15, 1.6), iter_lim=_MOST_STEPS, arrowprops=_LEADER)


def _lines(p: Point) -> tuple[tuple[float, float, float, float], ...]:
    """The point and its intervals: left, bottom, right, top."""
    (left, right), (bottom, top) = p.x_interval or (p.x, p.x), p.y_interval or (p.y, p.y)
    return (left, p.y, right, p.y), (p.x, bottom, p.x, top)


@dataclass(frozen=True)
class Mark:
    """A figure; filled if it differs significantly from zero."""

    value: float
    interval: Interval | None
    is_filled: bool = True
    colour: str = INK
    shape: str = "o"


@dataclass(frozen=True)
class Panel:
    """A column: a mark for each row, None if there is none, of the figure ``name``; ``figures`` are printed next to
    them.

    The axis also includes the values ``span``. For differences (``signed``), zero is a line.
    """

    heading: str
    name: str
    marks: Sequence[Mark | None]
    figures: Sequence[str] = ()
    signed: bool = False
    span: Sequence[float] = ()


@dataclass(frozen=True)
class Block:
    """Named rows, with at most ``longest`` characters of each name, and panels side by side."""

    names: Sequence[str]
    panels: Sequence[Panel]
    longest: int = LONGEST_LABEL


def forest(blocks: Sequence[Block]) -> Figure:
    """Blocks below each other, with one left edge."""
    heights = [_AROUND + _ROW * len(block.names) for block in blocks]
    drawn = figure(sum(heights))
    columns = max(len(block.panels) for block in blocks)
    grid = GridSpec(len(blocks), columns, drawn, height_ratios=heights)
    for number, block in enumerate(blocks):
        first: Axes | None = None
        for place, panel in enumerate(block.panels):
            last = columns if place == len(block.panels) - 1 else place + 1
            axes = drawn.add_subplot(grid[number, place:last], sharey=first)
            _forest_panel(axes, panel)
            if first is None:
                first = axes
                rows_axis(axes, [shorten(name, block.longest) for name in block.names])
            else:
                axes.tick_params(labelleft=False)
    return drawn


def _forest_panel(axes: Axes, panel: Panel) -> None:
    axes.set_title(panel.heading)
    axes.grid(axis="x")
    for row, mark in enumerate(panel.marks):
        if mark is not None:
            point(axes, mark.value, row, marker(mark.colour, mark.shape, mark.is_filled), mark.interval)
    for row, text in enumerate(panel.figures):
        annotate_right(axes, row, text)
    axes.update_datalim([(value, 0) for value in panel.span], updatey=False)
    axes.autoscale_view(scaley=False)
    if panel.signed:
        axes.axvline(0, color=INK, linewidth=1, alpha=0.6)
    elif axes.dataLim.x0 >= 0:
        axes.set_xlim(left=0)
    ticks(axes.xaxis, panel.name, most=4 if len(panel.figures) == 0 else 3, signed=panel.signed)
    if not panel.signed:  # no point lies beyond the last tick
        axes.set_xlim(right=max(axes.get_xlim()[1], next(x for x in axes.get_xticks() if x >= axes.dataLim.x1 - 1e-9)))
