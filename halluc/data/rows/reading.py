"""From a reference or a stream to rows: the one way by which data of any kind is read."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from halluc.core.errors import data_error
from halluc.data.rows import columns, delimited, labelled_lines, records, tables
from halluc.data.rows.compressed import unreadable
from halluc.data.rows.detection import detected
from halluc.data.rows.layout import Format, Layout
from halluc.data.rows.lines import binary
from halluc.data.rows.references import HUB, SplitName, parts, resolve
from halluc.data.rows.row import BadLine, Notice, Row
from halluc.data.rows.streams import TextStream

Rows = Iterator[Row | BadLine | Notice]


def open_rows(reference: str, split: SplitName, layout: Layout) -> tuple[str, Rows]:
    """The name of a file or data set, and its rows.

    Raises:
        HallucError D101: it is not there, or cannot be read.
    """
    if reference.startswith(HUB):
        return reference, tables.of_hub(reference, split, layout.subset)
    path, lists = resolve(reference, split), parts(reference)[1]
    return str(path), _of_file(path, replace(layout, lists=lists))


def format_of(path: Path, layout: Layout) -> Format:
    """The format of a file: the one that the layout names, or that its name and first lines tell.

    Raises:
        HallucError D101: it cannot be read.
    """
    with _opened(path) as file:
        source = TextStream(file, str(path), layout.max_line_bytes, layout.encoding)
        return "table" if tables.is_table(source.begin) else detected(source, layout)


def _opened(path: Path) -> io.BufferedReader:
    try:
        return path.open("rb")
    except OSError as error:
        raise unreadable(str(path), error) from None


def _of_file(path: Path, layout: Layout) -> Rows:
    with _opened(path) as file:
        source = TextStream(file, str(path), layout.max_line_bytes, layout.encoding)
        is_table = tables.is_table(source.begin) or path.suffix.lower() in tables.SUFFIXES
        if layout.format == "table" or (layout.format == "auto" and is_table):
            yield from tables.of_file(path)
            return
        rows = read_rows(source, layout)[1]
        help = "is this the right file, and was it copied whole?"
        yield next(rows, BadLine("D102", str(path), 1, "the file is empty", help))
        yield from rows


def read_rows(source: TextStream, layout: Layout) -> tuple[Format, Rows]:
    """The format of a stream, which the layout names or its first lines tell, and its rows.

    Raises:
        HallucError D116: a list or column that is asked for is not there. D117: the delimiter cannot be told.
    """
    if (bad := binary(source.begin, source.name)) is not None:
        return layout.format, iter([bad])
    form = detected(source, layout)
    if layout.lists and form != "json":
        raise data_error(
            "D116",
            f"no list `{layout.lists[0]}` in {source.name}",
            help="`#` names lists of a JSON object: set `data.format: json`, or take it away",
        )
    return form, _ROWS[form](source, layout)


def _table(source: TextStream, layout: Layout) -> Rows:
    head = source.head() if layout.delimiter == "auto" else []
    return delimited.table(source.lines(), head, layout, source.name)


def _no_text(source: TextStream, layout: Layout) -> Rows:
    raise data_error(
        "D101",
        f"{source.name} is a file, and `data.format: hub` reads data sets of the hub",
        help="name the data set as `hub:NAME@REVISION#SPLIT`",
    )


_ROWS: dict[Format, Callable[[TextStream, Layout], Rows]] = {
    "jsonl": lambda source, layout: records.records(source.lines(), source.name),
    "json": lambda source, layout: records.items(
        source.chunks(), layout.lists, layout.names, source.name, layout.max_line_bytes
    ),
    "csv": _table,
    "conll": lambda source, layout: columns.sentences(source.lines(), layout, source.name),
    "lines": lambda source, layout: labelled_lines.labelled(source.lines(), layout, source.name),
    "text": lambda source, layout: labelled_lines.plain(source.lines(), source.name),
    "hub": _no_text,
    "table": _no_text,
}
