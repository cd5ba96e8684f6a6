"""Forest plots: a row each, a figure with its interval in each panel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from halluc.reporting.charts.chart import (
    INK,
    LONGEST_LABEL,
    QUIET,
    SMALL,
    WIDTH,
    Canvas,
    marker,
    shortened,
    whisker,
    width_of,
)
from halluc.reporting.charts.scales import Scale
from halluc.runs.studies import Interval

ROW = 20
_HEAD, _FOOT = 24, 26  # over the rows of a block: the panels' headings; under them: what stands at the ticks


@dataclass(frozen=True)
class Mark:
    """A figure; filled where it can be told from zero."""

    value: float
    interval: Interval | None
    is_filled: bool = True
    colour: str = INK
    shape: str = "o"


@dataclass(frozen=True)
class Panel:
    """A column: a mark of each row, None where there is none; ``figures`` are printed beside them."""

    heading: str
    scale: Scale
    marks: Sequence[Mark | None]
    figures: Sequence[str] = ()
    has_zero: bool = False


@dataclass(frozen=True)
class Block:
    """Rows by name, of which ``longest`` characters are shown, with panels side by side."""

    names: Sequence[str]
    panels: Sequence[Panel]
    longest: int = LONGEST_LABEL


def forest(blocks: Sequence[Block]) -> Canvas:
    """Blocks under each other, on one left edge."""
    names = [[shortened(name, block.longest) for name in block.names] for block in blocks]
    left = max(width_of(name) for block in names for name in block) + 12
    heights = [_HEAD + ROW * len(block.names) + _FOOT for block in blocks]
    canvas = Canvas(sum(heights))
    top = 0.0
    for block, told, height in zip(blocks, names, heights, strict=True):
        for place, name in enumerate(told):
            canvas.text(0, top + _HEAD + ROW * (place + 0.5) + 4, name)
        start = left
        room = (WIDTH - left - 10 * (len(block.panels) - 1)) / len(block.panels)
        for panel in block.panels:
            _panel(canvas, panel, start, top, room)
            start += room + 10
        top += height
    return canvas


def _panel(canvas: Canvas, panel: Panel, left: float, top: float, room: float) -> None:
    rows = len(panel.marks)
    width = room - max((width_of(figure) + 6 for figure in panel.figures), default=4)
    canvas.text(left, top + 12, panel.heading, size=SMALL, alpha=QUIET)
    axes = canvas.panel(left, top + _HEAD, width, ROW * rows, x=panel.scale)
    axes.set_ylim(rows - 0.5, -0.5)
    if panel.has_zero:
        axes.axvline(0, color=INK, linewidth=1, alpha=0.6)
    for place, mark in enumerate(panel.marks):
        if mark is not None:
            _mark(axes, place, mark)
    for place, figure in enumerate(panel.figures):
        canvas.text(left + room, top + _HEAD + ROW * (place + 0.5) + 4, figure, ha="right")


def _mark(axes: Axes, place: int, mark: Mark) -> None:
    whisker(axes, place, mark.interval, mark.colour)
    axes.plot([mark.value], [place], linestyle="none", **marker(mark.colour, mark.shape, mark.is_filled))
