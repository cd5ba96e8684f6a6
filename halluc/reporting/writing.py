"""Writes the files of a report, each atomically."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from halluc.core.files import replacing, write_json, write_jsonl, write_text
from halluc.runs.figure_lines import NamedEvaluation
from halluc.runs.reports import AnyReport

if TYPE_CHECKING:
    from halluc.reporting.charts.chart import Chart

Format = Literal["html", "md", "json", "csv", "jsonl", "tex", "svg", "pdf", "png"]
FORMATS: tuple[Format, ...] = ("html", "md", "json", "csv", "jsonl", "tex", "svg", "pdf", "png")
USUAL: tuple[Format, ...] = ("html", "md", "json")
# A format with a single file has a name; for the others each table or chart is a file in a folder.
FOLDERS = {"tex": "tables", "svg": "figures", "pdf": "figures", "png": "figures"}
Write = Callable[[Path], object]
# Read only if a format needs them: a study has hundreds.
Evaluated = Callable[[], Sequence[NamedEvaluation]]


def write(
    report: AnyReport, folder: Path, formats: Collection[Format] = USUAL, evaluated: Evaluated = tuple
) -> dict[Format, list[Path]]:
    """Write a report into ``folder``; the files of each format.

    Raises:
        HallucError E401: the folder cannot be written.
    """
    charts, evaluated = cache(partial(_charts, report)), cache(evaluated)
    files_of = {format: _files(report, format, charts, evaluated) for format in FORMATS if format in formats}
    for files in files_of.values():
        for name, write_file in files.items():
            write_file(folder / name)
    return {format: [folder / name for name in files] for format, files in files_of.items()}


def _charts(report: AnyReport) -> Sequence[Chart]:
    from halluc.reporting.charts import drawing

    return drawing.charts(report)


def _files(
    report: AnyReport, format: Format, charts: Callable[[], Sequence[Chart]], evaluated: Evaluated
) -> Mapping[str, Write]:
    """A function that writes each file of a format, by its name; all content is computed before any is written."""
    # Imported here, since each format needs other libraries, which take time to import.
    if format == "html":
        from halluc.reporting.page import render

        return {"index.html": _text(render.page(report, charts()))}
    if format == "md":
        from halluc.reporting.markdown import pages

        return {"report.md": _text(pages.page(report))}
    if format == "json":
        content = report.model_dump(mode="json")
        return {"report.json": lambda path: write_json(path, content)}
    if format == "tex":
        from halluc.reporting.paper import latex
        from halluc.reporting.views import papers

        tables = papers.tables(report, evaluated())
        return {f"{FOLDERS[format]}/{name}.tex": _text(latex.table(view, name)) for name, view in tables.items()}
    if format in ("csv", "jsonl"):
        from halluc.reporting.paper import rows

        result = rows.rows(report, evaluated())
        return (
            {"figures.csv": _text(rows.as_csv(result))}
            if format == "csv"
            else {"figures.jsonl": partial(_lines, result)}
        )
    from halluc.reporting.charts import chart

    return {f"{FOLDERS[format]}/{one.id}.{format}": partial(_bytes, chart.FILES[format](one)) for one in charts()}


def _text(text: str) -> Write:
    return lambda path: write_text(path, text)


def _lines(result: Iterable[Any], path: Path) -> None:
    write_jsonl(path, (one.model_dump(mode="json") for one in result))


def _bytes(content: bytes, path: Path) -> None:
    with replacing(path, "wb") as file:
        file.write(content)
