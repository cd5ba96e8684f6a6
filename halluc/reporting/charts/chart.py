"""What a chart of a report consists of, and the paper it is drawn on: one width, one style, colours by their role."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from halluc.reporting.charts import svg
from halluc.reporting.charts.scales import Scale
from halluc.reporting.formats import ELLIPSIS, visible
from halluc.runs.studies import Interval

# Pixels. A phone's column takes a chart as it is; on a wide screen several stand side by side.
WIDTH = 380
TEXT, SMALL = 11, 10
MOST_ROWS = 20
LONGEST_LABEL = 24
QUIET = 0.75  # opacity of what is less than a figure

INK, FAINT = svg.ROLES["ink"], svg.ROLES["faint"]
SERIES = [svg.ROLES[str(number)] for number in range(1, 9)]
_SHAPES = ["o", "s", "^", "D", "v", "P", "X", "p"]


@dataclass(frozen=True)
class Chart:
    """A chart and the numbers behind it.

    ``id`` has letters, digits and hyphens, and is unique on the page. ``note`` says in a sentence how to read it,
    ``alt`` in words what it shows. ``svg`` may be put into HTML as it is; ``columns`` and ``rows`` are plain text.
    """

    id: str
    title: str
    note: str
    alt: str
    svg: str
    columns: list[str]
    rows: list[list[str]]


# Colour, style of a marker (None: a square), word.
KeyEntry = tuple[str, dict[str, Any] | None, str]


class Canvas:
    """Paper of ``WIDTH`` by ``height`` pixels; places are counted from its upper left corner."""

    def __init__(self, height: float) -> None:
        self.height = height
        self.figure = Figure(figsize=(WIDTH / 72, height / 72), dpi=72)
        self.figure.patch.set_visible(False)

    def panel(
        self, left: float, top: float, width: float, height: float, *, x: Scale, y: Scale | None = None, grid: str = "x"
    ) -> Axes:
        """Axes without a frame, with faint lines at the ticks of ``grid`` (x, y, both or none)."""
        place = (left / WIDTH, 1 - (top + height) / self.height, width / WIDTH, height / self.height)
        axes = self.figure.add_axes(place)
        axes.patch.set_visible(False)
        axes.set_axisbelow(True)
        for spine in axes.spines.values():
            spine.set_visible(False)
        axes.set_xlim(x.low, x.high)
        axes.set_xticks([at for at, _ in x.ticks], [told for _, told in x.ticks])
        axes.set_yticks([])
        if y is not None:
            axes.set_ylim(y.low, y.high)
            axes.set_yticks([at for at, _ in y.ticks], [told for _, told in y.ticks])
        axes.tick_params(length=0, labelsize=SMALL, labelcolor=INK, pad=4)
        for axis in ("x", "y"):
            if grid in (axis, "both"):
                axes.grid(axis=axis, color=FAINT, linewidth=0.8)
        return axes

    def text(self, x: float, y: float, told: str, *, size: float = TEXT, **style: Any) -> None:
        """Text whose baseline is at ``y``."""
        self.figure.text(x / WIDTH, 1 - y / self.height, told, fontsize=size, va="baseline", **style)

    def line(self, xs: Sequence[float], ys: Sequence[float], **style: Any) -> None:
        places = [x / WIDTH for x in xs], [1 - y / self.height for y in ys]
        self.figure.add_artist(Line2D(*places, transform=self.figure.transFigure, **style))

    def key(self, x: float, y: float, entries: Iterable[KeyEntry]) -> None:
        """What colours and shapes stand for, in a row."""
        for colour, marker, word in entries:
            if marker is None:
                corner = x / WIDTH, 1 - y / self.height
                square = Rectangle(corner, 9 / WIDTH, 9 / self.height, color=colour, linewidth=0)
                square.set_transform(self.figure.transFigure)
                self.figure.add_artist(square)
            else:
                self.line([x + 4], [y - 4], linestyle="none", **marker)
            self.text(x + 13, y, word)
            x += _entry_width(word)

    def chart(
        self, id: str, title: str, note: str, alt: str, columns: list[str], rows: list[list[str]]
    ) -> Chart:  # fmt: skip
        return Chart(id, title, note, alt, svg.inline(self.figure, f"c-{id}", title, alt), columns, rows)


def key_width(entries: Iterable[KeyEntry]) -> float:
    return sum(_entry_width(word) for _, _, word in entries)


def _entry_width(word: str) -> float:
    return 13 + width_of(word) + 12


def series(number: int) -> tuple[str, str]:
    """Colour and shape of the line or point with this number; 64 differ."""
    return SERIES[number % len(SERIES)], _SHAPES[(number + number // len(SERIES)) % len(_SHAPES)]


def marker(colour: str, shape: str = "o", filled: bool = True, size: float = 6) -> dict[str, Any]:
    """The style of a point; what is not filled is as faint inside as a line of the grid."""
    return {
        "color": colour,
        "marker": shape,
        "markersize": size,
        "markerfacecolor": colour if filled else FAINT,
        "markeredgewidth": 1.2,
    }


def whisker(axes: Axes, at: float, interval: Interval | None, colour: str = INK, upright: bool = False) -> None:
    """A 95% interval as a line."""
    if interval is not None:
        across = [at, at]
        axes.plot(*((across, interval) if upright else (interval, across)), color=colour, linewidth=1.4)


def shortened(label: object, cells: int = LONGEST_LABEL) -> str:
    """A label as an axis has room for it; characters of double width count twice."""
    told = visible(label, longest=None)
    if _cells(told) <= cells:
        return told
    while _cells(told) > cells - 1:
        told = told[:-1]
    return told.rstrip() + ELLIPSIS


def width_of(told: str, size: float = TEXT) -> float:
    """About how many pixels a text takes in the sans-serif font of a page, rather more than less."""
    return 0.59 * size * _cells(told)


def _cells(told: str) -> int:
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in told
    )


def sentence(told: str) -> str:
    """With a capital, as a title begins."""
    return told[:1].upper() + told[1:]


def told_in_words(names: Sequence[str], figures: Sequence[str]) -> str:
    """`all: 3.2%; seen: 0.5%`, for people who hear a chart."""
    return "; ".join(f"{name}: {figure}" for name, figure in zip(names, figures, strict=True))
