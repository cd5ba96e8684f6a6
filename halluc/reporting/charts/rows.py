"""Forest plots: a row each, a figure with its interval in each panel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec

from halluc.reporting.charts.chart import (
    INK,
    LONGEST_LABEL,
    at_right,
    figure,
    marker,
    point,
    rows_axis,
    shortened,
    ticks,
)
from halluc.runs.studies import Interval

_ROW, _AROUND = 20, 50  # pixels: of a row, and of heading and ticks


@dataclass(frozen=True)
class Mark:
    """A figure; filled where it can be told from zero."""

    value: float
    interval: Interval | None
    is_filled: bool = True
    colour: str = INK
    shape: str = "o"

    def ends(self) -> list[float]:
        return [self.value, *(self.interval or ())]


@dataclass(frozen=True)
class Panel:
    """A column: a mark of each row, None where there is none, of the figure ``name``; ``figures`` stand beside them.

    The axis has room for the values ``span`` too. Of differences (``signed``), zero is a line.
    """

    heading: str
    name: str
    marks: Sequence[Mark | None]
    figures: Sequence[str] = ()
    signed: bool = False
    span: Sequence[float] = ()


@dataclass(frozen=True)
class Block:
    """Rows by name, of which ``longest`` characters are shown, with panels side by side."""

    names: Sequence[str]
    panels: Sequence[Panel]
    longest: int = LONGEST_LABEL


def forest(blocks: Sequence[Block]) -> Figure:
    """Blocks under each other, on one left edge."""
    heights = [_AROUND + _ROW * len(block.names) for block in blocks]
    drawn = figure(sum(heights))
    columns = max(len(block.panels) for block in blocks)
    grid = GridSpec(len(blocks), columns, drawn, height_ratios=heights)
    for number, block in enumerate(blocks):
        first: Axes | None = None
        for place, panel in enumerate(block.panels):
            last = columns if place == len(block.panels) - 1 else place + 1
            axes = drawn.add_subplot(grid[number, place:last], sharey=first)
            _panel(axes, panel)
            if first is None:
                first = axes
                rows_axis(axes, [shortened(name, block.longest) for name in block.names])
            else:
                axes.tick_params(labelleft=False)
    return drawn


def _panel(axes: Axes, panel: Panel) -> None:
    axes.set_title(panel.heading)
    axes.grid(axis="x")
    for row, mark in enumerate(panel.marks):
        if mark is not None:
            point(axes, mark.value, row, marker(mark.colour, mark.shape, mark.is_filled), mark.interval)
    for row, told in enumerate(panel.figures):
        at_right(axes, row, told)
    axes.update_datalim([(value, 0) for value in panel.span], updatey=False)
    axes.autoscale_view(scaley=False)
    if panel.signed:
        axes.axvline(0, color=INK, linewidth=1, alpha=0.6)
    elif axes.dataLim.x0 >= 0:
        axes.set_xlim(left=0)
    ticks(axes.xaxis, panel.name, most=4 if len(panel.figures) == 0 else 3, signed=panel.signed)
