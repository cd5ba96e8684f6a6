"""Charts as files of column width, for papers and slides."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Callable, Iterator
from typing import Any, cast

import matplotlib
from matplotlib import font_manager
from matplotlib.backends import backend_pdf

from halluc.reporting.charts import svg
from halluc.reporting.charts.chart import WIDTH, Chart

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
    written, backend = io.BytesIO(), cast(Any, backend_pdf)  # untyped
    width, height = chart.figure.get_size_inches()
    scale = COLUMN / _MM_PER_INCH / width
    with _drawing_file():
        chart.figure.dpi = 72
        file = backend.PdfFile(
            written, metadata={"CreationDate": None, "Creator": None, "Producer": None, "Title": chart.title}
        )
        file.newPage(width * scale, height * scale)
        file.width, file.height = width, height  # anything outside is cut off: measured before scaling
        file.output(scale, 0, 0, scale, 0, 0, backend.Op.concat_matrix)
        renderer = backend.RendererPdf(file, 72, height, width)
        chart.figure.draw(renderer)
        renderer.finalize()
        file.finalize()
        file.close()
    return written.getvalue()


def png_file(chart: Chart) -> bytes:
    """With a white background."""
    written = io.BytesIO()
    scale = COLUMN / _MM_PER_INCH / (WIDTH / 72)
    with _drawing_file():
        chart.figure.savefig(
            written, format="png", dpi=_PNG_DOTS_PER_INCH * scale, facecolor="white", metadata={"Software": None}
        )
    return written.getvalue()


@contextlib.contextmanager
def _drawing_file() -> Iterator[None]:
    with svg.drawing():
        installed = set(font_manager.get_font_names())
        matplotlib.rcParams["font.family"] = ["DejaVu Sans", *(name for name in _FALLBACKS if name in installed)]
        matplotlib.rcParams["pdf.fonttype"] = 42
        yield


FILES: dict[str, Callable[[Chart], bytes]] = {"svg": svg_file, "pdf": pdf_file, "png": png_file}
