"""Lines over an axis, with bands, each named at its end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from halluc.reporting.charts.chart import FAINT, INK, QUIET, SMALL, WIDTH, Canvas, marker, series, shortened, width_of
from halluc.reporting.charts.scales import Frame, Scale
from halluc.runs.studies import Interval

MOST_LINES = 12
_APART = 13  # pixels between names
_TOP, _BELOW = 22, 36


@dataclass(frozen=True)
class Curve:
    """A line through points; ``name`` stands at its end, ``intervals`` make a band."""

    name: str
    xs: Sequence[float]
    ys: Sequence[float]
    intervals: Sequence[Interval | None] = ()
    has_points: bool = True


def plot(
    curves: Sequence[Curve],
    *,
    x: Scale,
    y: Scale,
    below: str,
    above: str,
    height: float = 170,
    is_log: bool = False,
    x_is_log: bool = False,
    mark: tuple[float, str] | None = None,
) -> Canvas:
    """Curves on one panel; ``below`` and ``above`` say what its axes tell.

    Args:
        is_log, x_is_log: whether the y axis, the x axis, is logarithmic.
        mark: a place on the x axis, and what is there.
    """
    canvas = Canvas(_TOP + height + _BELOW)
    canvas.text(0, 10, above, size=SMALL, alpha=QUIET)
    names = [shortened(curve.name) for curve in curves]
    left = max((width_of(told, SMALL) for _, told in y.ticks), default=0) + 10
    right = max(map(width_of, names)) + 28 if any(names) else 12
    frame = Frame(left, _TOP, WIDTH - left - right, height, x, y, is_log, x_is_log)
    axes = canvas.panel(left, _TOP, frame.width, height, x=x, y=y, grid="y")
    if is_log:
        _make_log(axes, y)
    if x_is_log:
        axes.set_xscale("log")
        axes.minorticks_off()
        axes.set_xlim(x.low, x.high)
        axes.set_xticks([place for place, _ in x.ticks], [told for _, told in x.ticks])
    for number, curve in enumerate(curves):
        _draw(axes, number, curve)
    if mark is not None:
        _mark(canvas, frame, *mark)
    canvas.text(left + frame.width, canvas.height - 4, below, size=SMALL, ha="right", alpha=QUIET)
    _name(canvas, frame, curves, names)
    return canvas


def _make_log(axes: Axes, y: Scale) -> None:
    axes.set_yscale("log")
    axes.minorticks_off()
    axes.set_ylim(y.low, y.high)
    axes.set_yticks([place for place, _ in y.ticks], [told for _, told in y.ticks])


def _draw(axes: Axes, number: int, curve: Curve) -> None:
    colour, shape = series(number)
    known = [(x, ends) for x, ends in zip(curve.xs, curve.intervals, strict=False) if ends is not None]
    if len(known) > 1:
        lows, highs = zip(*(ends for _, ends in known), strict=True)
        axes.fill_between([x for x, _ in known], lows, highs, color=colour, alpha=0.14, linewidth=0)
    axes.plot(curve.xs, curve.ys, color=colour, linewidth=1.8, solid_capstyle="round")
    if curve.has_points:
        style = marker(colour, shape, size=5.5)
        axes.plot(curve.xs, curve.ys, linestyle="none", clip_on=False, **style)


def _mark(canvas: Canvas, frame: Frame, place: float, told: str) -> None:
    x = frame.across(place)
    canvas.line([x, x], [_TOP - 4, _TOP + frame.height], color=INK, linewidth=1, linestyle=(0, (3, 2)), alpha=QUIET)
    side = "right" if place > (frame.x.low + frame.x.high) / 2 else "left"
    canvas.text(x, _TOP - 8, told, size=SMALL, ha=side)


def _name(canvas: Canvas, frame: Frame, curves: Sequence[Curve], names: Sequence[str]) -> None:
    """Names stand beside the last points, apart from each other; a faint line leads to each."""
    ends = [frame.down(curve.ys[-1]) for curve in curves]
    side = frame.left + frame.width + 14
    for number, level in enumerate(apart(ends, _TOP, _TOP + frame.height)):
        if names[number]:
            start = frame.across(curves[number].xs[-1]) + 5
            canvas.line([start, side - 2], [ends[number], level], color=FAINT, linewidth=0.8)
            colour, shape = series(number)
            canvas.key(side, level + 4, [(colour, marker(colour, shape, size=5.5), names[number])])


def apart(levels: Sequence[float], low: float, high: float, distance: float = _APART) -> list[float]:
    """Levels moved as little as makes them ``distance`` apart, in their order, within [low, high] if they fit."""
    order = sorted(range(len(levels)), key=lambda place: levels[place])
    room = min(distance, (high - low) / max(len(levels) - 1, 1))
    moved = [levels[place] for place in order]
    for _ in range(200):
        moved = [min(max(level, low), high) for level in moved]
        for place in range(len(moved) - 1):
            overlap = room - (moved[place + 1] - moved[place])
            if overlap > 0:
                moved[place] -= overlap / 2
                moved[place + 1] += overlap / 2
    return [level for _, level in sorted(zip(order, moved, strict=True))]
