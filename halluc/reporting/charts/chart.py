"""The type of a chart, and shared parts of drawings: width, colours by role, ticks, legends."""

from __future__ import annotations

import contextlib
import io
import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import matplotlib
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends import backend_pdf
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from halluc.reporting.charts import svg
from halluc.runs.schema import MetricResult
from halluc.runs.studies import Interval
from halluc.wording.formats import ELLIPSIS, MINUS, is_percent, visible

# Pixels; the page scales drawings to its width.
WIDTH = 380
MOST_ROWS = 20
LONGEST_LABEL = 24

INK, FAINT = svg.ROLES["ink"], svg.ROLES["faint"]
SERIES = [svg.ROLES[str(number)] for number in range(1, 9)]
_SHAPES = ["o", "s", "^", "D", "v", "P", "X", "p"]
DASHED = (0, (3, 2))
_ROUND = [1, 2, 2.5, 5, 10]


@dataclass(frozen=True)
class Chart:
    """A chart with its numbers.

    ``id`` has letters, digits and hyphens, and is unique on the page. ``note`` explains in a sentence how to read it,
    ``alt`` describes what it shows. ``svg`` is safe to insert into HTML; ``columns`` and ``rows`` are plain text.
    ``figure`` is the matplotlib figure, for other formats.
    """

    id: str
    title: str
    note: str
    alt: str
    svg: str
    columns: list[str]
    rows: list[list[str]]
    figure: Figure = field(repr=False, compare=False)


def figure(height: float) -> Figure:
    """A figure of ``WIDTH`` by ``height`` pixels, in which matplotlib reserves room for all texts."""
    return Figure(figsize=(WIDTH / 72, height / 72), dpi=72, layout="constrained")


def chart(
    figure: Figure, id: str, title: str, note: str, alt: str, columns: list[str], rows: list[list[str]]
) -> Chart:  # fmt: skip
    return Chart(id, title, note, alt, svg.inline(figure, f"c-{id}", title, alt), columns, rows, figure)


def legend(figure: Figure, axes: Axes | Sequence[Axes], *, where: Any = "outside upper left") -> None:
    """A legend outside of the axes, with as many columns as fit."""
    results = [one.get_legend_handles_labels() for one in ([axes] if isinstance(axes, Axes) else axes)]
    handles, labels = [one for both in results for one in both[0]], [one for both in results for one in both[1]]
    for columns in range(min(4, len(labels)), 0, -1):  # no legend if nothing has a label
        box = figure.legend(handles, labels, loc=where, ncols=columns)
        if columns == 1 or box.get_window_extent().width <= WIDTH:
            return
        box.remove()


def rows_axis(axes: Axes, names: Sequence[str]) -> None:
    """Names of rows on the left, the first at the top."""
    axes.set_yticks(range(len(names)), [measurable_label(name) for name in names])
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params("y", labelsize="medium")


def annotate_right(axes: Axes, row: float, text: str) -> None:
    """Text next to a row, on the right of the axes."""
    axes.annotate(
        text, (1, row), (5, 0), va="center_baseline", annotation_clip=False,
        xycoords=("axes fraction", "data"), textcoords="offset points",
    )  # fmt: skip


def ticks(axis: Axis, name: str = "", *, most: int = 5, signed: bool = False) -> None:
    """A few round ticks, in per cent if the figure ``name`` is a percentage; differences with their sign, without
    unit."""
    factor, unit = (100, "" if signed else "%") if is_percent(name) else (1, "")
    axis.set_major_locator(MaxNLocator(most, steps=_ROUND))
    axis.set_major_formatter(FuncFormatter(lambda value, _: tick(factor * value, signed=signed) + unit))


def tick(number: float, *, signed: bool = False) -> str:
    """`0.25`, `1,000`, `−2`."""
    rounded = float(f"{number:.6g}") if abs(number) > 1e-9 else 0.0
    text = f"{abs(rounded):,.6g}"
    return text if not rounded else (MINUS if rounded < 0 else "+" if signed else "") + text


def shares(axis: Axis, step: float = 0.25) -> None:
    """Ticks of a share: 0%, 25%, …"""
    places = [step * number for number in range(round(1 / step) + 1)]
    axis.set_ticks(places, [f"{100 * place:g}%" for place in places])


def plain_log(axis: Axis, places: Sequence[float]) -> None:
    """Ticks of a logarithmic axis as plain numbers, at the values themselves if there are few."""
    axis.set_minor_formatter(NullFormatter())
    if 1 < len(set(places)) <= 6:
        axis.set_ticks(sorted(set(places)))
    else:
        decades = math.log10(max(places) / min(places))
        axis.set_major_locator(LogLocator(subs=(1, 2, 5) if decades < 1.5 else (1, 3) if decades < 3 else (1,)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: tick(value)))


def series(number: int) -> tuple[str, str]:
    """Colour and shape of the line or point with this number; 64 are different."""
    return SERIES[number % len(SERIES)], _SHAPES[(number + number // len(SERIES)) % len(_SHAPES)]


def marker(colour: str, shape: str = "o", filled: bool = True, size: float = 6) -> dict[str, Any]:
    """The style of a point; the inside of unfilled ones is as faint as grid lines."""
    return {
        "color": colour,
        "marker": shape,
        "markersize": size,
        "markerfacecolor": colour if filled else FAINT,
        "markeredgewidth": 1.2,
        "linestyle": "none",
    }


def point(
    axes: Axes, x: float, y: float, style: dict[str, Any], across: Interval | None = None, up: Interval | None = None
) -> None:
    """A point with the 95% intervals of its x, ``across``, and of its y, ``up``, not clipped by the axes."""
    axes.errorbar(x, y, xerr=_reach(x, across), yerr=_reach(y, up), clip_on=False, **style)


def _reach(value: float, interval: Interval | None) -> list[list[float]] | None:
    """How far an interval extends below and above its value, as ``errorbar`` expects it."""
    return None if interval is None else [[max(0.0, value - interval[0])], [max(0.0, interval[1] - value)]]


def shorten(label: object, cells: int = LONGEST_LABEL) -> str:
    """A label shortened for an axis; double-width characters count twice."""
    text = visible(label, longest=None)
    if _cells(text) <= cells:
        return text
    while _cells(text) > cells - 1:
        text = text[:-1]
    return text.rstrip() + ELLIPSIS


def measurable_label(label: str) -> str:
    """A label that matplotlib measures correctly, although its fonts lack double-width characters."""
    return svg.EN_SPACE * sum(unicodedata.east_asian_width(char) in "WF" for char in label) + label


def _cells(text: str) -> int:
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def value_of(metric: MetricResult | None) -> float | None:
    return None if metric is None else metric.value


def alt_text(names: Iterable[str], figures: Iterable[str]) -> str:
    """`all: 3.2%; seen: 0.5%`, for screen readers."""
    return "; ".join(f"{name}: {figure}" for name, figure in zip(names, figures, strict=True))


# Millimetres: a column of a two-column paper.
COLUMN = 88
_MM_PER_INCH = 25.4
_PNG_DOTS_PER_INCH = 300
# matplotlib's default font first; then installed fonts, for scripts that it lacks.
_FALLBACKS = (
    "Noto Sans CJK SC", "Noto Sans CJK JP", "Source Han Sans SC", "WenQuanYi Micro Hei", "Microsoft YaHei",
    "PingFang SC", "Noto Sans Arabic", "Noto Sans Hebrew", "Noto Sans Devanagari", "Arial Unicode MS",
)  # fmt: skip
_BY_ROLE = re.compile(r"var\(--c-[a-z0-9]+, (#[0-9a-f]{6})\)")
_PAGE_STYLE = 'style="width: 100%; height: auto; overflow: visible; stroke-linejoin: round"'
_FILE_STYLE = f'width="{COLUMN}mm" style="stroke-linejoin: round" font-family="DejaVu Sans, Verdana, Arial, sans-serif"'


def svg_file(chart: Chart) -> bytes:
    """The drawing of the page with its own colours; text stays text."""
    drawn = _BY_ROLE.sub(r"\1", chart.svg).replace(_PAGE_STYLE, _FILE_STYLE, 1)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + drawn.encode("utf-8", "backslashreplace") + b"\n"


def pdf_file(chart: Chart) -> bytes:
    """Vector graphics with embedded TrueType fonts, as publishers require; deterministic."""
    content, backend = io.BytesIO(), cast(Any, backend_pdf)  # untyped
    width, height = chart.figure.get_size_inches()
    scale = COLUMN / _MM_PER_INCH / width
    with _drawing_file():
        chart.figure.dpi = 72
        file = backend.PdfFile(
            content, metadata={"CreationDate": None, "Creator": None, "Producer": None, "Title": chart.title}
        )
        file.newPage(width * scale, height * scale)
        file.width, file.height = width, height  # anything outside is cut off: measured before scaling
        file.output(scale, 0, 0, scale, 0, 0, backend.Op.concat_matrix)
        renderer = backend.RendererPdf(file, 72, height, width)
        chart.figure.draw(renderer)
        renderer.finalize()
        file.finalize()
        file.close()
    return content.getvalue()


def png_file(chart: Chart) -> bytes:
    """A raster image with a white background."""
    content = io.BytesIO()
    scale = COLUMN / _MM_PER_INCH / (WIDTH / 72)
    with _drawing_file():
        chart.figure.savefig(
            content, format="png", dpi=_PNG_DOTS_PER_INCH * scale, facecolor="white", metadata={"Software": None}
        )
    return content.getvalue()


@contextlib.contextmanager
def _drawing_file() -> Iterator[None]:
    with svg.drawing():
        installed = set(font_manager.get_font_names())
        matplotlib.rcParams["font.family"] = ["DejaVu Sans", *(name for name in _FALLBACKS if name in installed)]
        matplotlib.rcParams["pdf.fonttype"] = 42
        yield


FILES: dict[str, Callable[[Chart], bytes]] = {"svg": svg_file, "pdf": pdf_file, "png": png_file}
