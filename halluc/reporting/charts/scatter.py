"""Points named where they stand: each name where it hides least."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from halluc.reporting.charts.chart import (
    QUIET,
    SMALL,
    WIDTH,
    Canvas,
    KeyEntry,
    key_width,
    marker,
    shortened,
    whisker,
    width_of,
)
from halluc.reporting.charts.scales import Frame, Scale
from halluc.runs.studies import Interval

_NAME = 12  # the height of a name
_POINT = 5  # half the width of a point, and a little
_MOST_IN_PLACE = 5  # names; more stand under the chart, since no one could tell which is whose

# left, top, right, bottom
Box = tuple[float, float, float, float]


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


def scatter(paths: Sequence[Sequence[Point]], *, x: Scale, y: Scale, below: str, above: str) -> Canvas:
    """The points of a path are joined."""
    frame = Frame(40, 22, WIDTH - 48, 250, x, y)
    named = [point for path in paths for point in path if point.name]
    lines = list(_key_lines(named)) if len(named) > _MOST_IN_PLACE else []
    foot = frame.top + frame.height + 36
    canvas = Canvas(foot + 16 * len(lines))
    canvas.text(0, 10, above, size=SMALL, alpha=QUIET)
    axes = canvas.panel(frame.left, frame.top, frame.width, frame.height, x=x, y=y, grid="both")
    for path in paths:
        axes.plot([p.x for p in path], [p.y for p in path], color=path[0].colour, linewidth=1, linestyle=(0, (1, 2)))
        for point in path:
            whisker(axes, point.y, point.x_interval, point.colour)
            whisker(axes, point.x, point.y_interval, point.colour, upright=True)
            axes.plot([point.x], [point.y], linestyle="none", **marker(point.colour, point.shape, size=7))
    canvas.text(frame.left + frame.width, foot - 4, below, size=SMALL, ha="right", alpha=QUIET)
    for number, line in enumerate(lines):
        canvas.key(0, foot + 16 * number + 12, line)
    if not lines:
        _name(canvas, frame, [point for path in paths for point in path])
    return canvas


def _key_lines(points: Sequence[Point]) -> Iterable[list[KeyEntry]]:
    """Names with their points, as many in a line as fit."""
    line: list[KeyEntry] = []
    for point in points:
        entry = point.colour, marker(point.colour, point.shape), shortened(point.name)
        if line and key_width([*line, entry]) > WIDTH:
            yield line
            line = []
        line.append(entry)
    yield line


def _name(canvas: Canvas, frame: Frame, points: Sequence[Point]) -> None:
    """In turn, each at the one of its places that overlaps least with points, names and intervals."""
    taken = [_around(frame.across(point.x), frame.down(point.y)) for point in points]
    lines = [box for point in points for box in _whiskers(frame, point)]
    for point in points:
        if not point.name:
            continue
        name = shortened(point.name)
        places = list(_places(frame.across(point.x), frame.down(point.y), width_of(name)))
        best = min(places, key=lambda box: _cost(box, taken, lines, frame))
        taken.append(best)
        canvas.text(best[0], best[3] - 3, name)


def _around(x: float, y: float) -> Box:
    return x - _POINT, y - _POINT, x + _POINT, y + _POINT


def _places(x: float, y: float, width: float) -> Iterable[Box]:
    """Beside, over and under the point, the nearer ones first."""
    for away in (_POINT + 2, _POINT + 14):
        for left in (x + away, x - away - width):
            for top in (y - _NAME - 1, y + 1, y - _NAME / 2):
                yield left, top, left + width, top + _NAME
        for top in (y - away - _NAME, y + away):
            yield x - width / 2, top, x + width / 2, top + _NAME


def _cost(box: Box, taken: Iterable[Box], lines: Iterable[Box], frame: Frame) -> float:
    outside = max(0.0, -box[0]) + max(0.0, box[2] - WIDTH) + max(0.0, box[3] - frame.top - frame.height)
    return 1000 * outside + 10 * sum(_shared(box, other) for other in taken) + sum(_shared(box, one) for one in lines)


def _shared(a: Box, b: Box) -> float:
    return max(0.0, min(a[2], b[2]) - max(a[0], b[0])) * max(0.0, min(a[3], b[3]) - max(a[1], b[1]))


def _whiskers(frame: Frame, point: Point) -> Iterable[Box]:
    x, y = frame.across(point.x), frame.down(point.y)
    if point.x_interval is not None:
        left, right = (frame.across(end) for end in point.x_interval)
        yield left, y - 2, right, y + 2
    if point.y_interval is not None:
        bottom, top = (frame.down(end) for end in point.y_interval)
        yield x - 2, top, x + 2, bottom
