"""The files of a report: each is whole or absent."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Literal

from halluc.core.files import write_json, write_text
from halluc.runs.reports import AnyReport

Format = Literal["html", "md", "json"]
FORMATS: tuple[Format, ...] = ("html", "md", "json")
NAMES: dict[Format, str] = {"html": "index.html", "md": "report.md", "json": "report.json"}


def write(report: AnyReport, folder: Path, formats: Collection[Format] = FORMATS) -> dict[Format, Path]:
    """Write a report into ``folder``; the file of each format.

    Raises:
        HallucError E401: the folder cannot be written.
    """
    made = {format: _content(report, format) for format in FORMATS if format in formats}
    written = {}
    for format, content in made.items():
        written[format] = folder / NAMES[format]
        if isinstance(content, str):
            write_text(written[format], content)
        else:
            write_json(written[format], content)
    return written


def _content(report: AnyReport, format: Format) -> str | object:
    # Each brings a library of its own, which the other formats need not wait for.
    if format == "html":
        from halluc.reporting.charts import drawing
        from halluc.reporting.page import render

        return render.page(report, drawing.charts(report))
    if format == "md":
        from halluc.reporting.markdown import pages

        return pages.page(report)
    return report.model_dump(mode="json")
