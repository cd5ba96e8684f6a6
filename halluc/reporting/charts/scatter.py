"""Points in a plane, named where they stand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from halluc.reporting.charts.chart import INK, figure, legend, marker, measured, point, shortened, ticks
from halluc.runs.studies import Interval

_MOST_IN_PLACE = 5  # names; more stand in a legend, since no one could tell which is whose
_LEADER = {"arrowstyle": "-", "color": INK, "linewidth": 0.6, "alpha": 0.6}
_MOST_STEPS = 500  # of moving names apart; not a time, so that the same report gives the same bytes


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
    """The points of a path are joined; ``x`` and ``y`` are the names of the figures."""
    named = [p for path in paths for p in path if p.name]
    in_place = len(named) <= _MOST_IN_PLACE
    drawn = figure(310 if in_place else 300 + 16 * (len(named) + 1) // 2)
    axes = drawn.add_subplot()
    axes.grid()
    axes.margins(0.1)
    axes.set_title(above)
    axes.set_xlabel(below, loc="right")
    ticks(axes.xaxis, x)
    ticks(axes.yaxis, y)
    for path in paths:
        axes.plot([p.x for p in path], [p.y for p in path], color=path[0].colour, linewidth=1, linestyle=(0, (1, 2)))
        for p in path:
            point(axes, p.x, p.y, marker(p.colour, p.shape, size=7), p.x_interval, p.y_interval)
    if in_place:
        _name(drawn, axes, named, [p for path in paths for p in path])
    else:
        for p in named:
            axes.plot([], [], **marker(p.colour, p.shape), label=measured(shortened(p.name)))
        legend(drawn, axes, where="outside lower left")
    return drawn


def _name(drawn: Figure, axes: Axes, named: Sequence[Point], points: Iterable[Point]) -> None:
    """Names beside their points, moved apart from points, intervals and each other."""
    from adjustText import adjust_text

    if not named:
        return
    texts = [axes.text(p.x, p.y, measured(shortened(p.name))) for p in named]
    drawn.draw_without_rendering()  # names are moved on the axes as they will lie
    axes.set_autoscale_on(False)
    lines = [Bbox.from_extents(*ends) for p in points for ends in _lines(p)]
    adjust_text(texts, objects=lines, ax=axes, expand=(1.15, 1.6), iter_lim=_MOST_STEPS, arrowprops=_LEADER)


def _lines(p: Point) -> tuple[tuple[float, float, float, float], ...]:
    """The point and its intervals: left, bottom, right, top."""
    (left, right), (bottom, top) = p.x_interval or (p.x, p.x), p.y_interval or (p.y, p.y)
    return (left, p.y, right, p.y), (p.x, bottom, p.x, top)
