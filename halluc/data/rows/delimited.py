"""CSV and similar formats: rows as the module csv splits them, with line numbers, and detection of the delimiter."""

from __future__ import annotations

import csv
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from halluc.core.errors import Location, data_error
from halluc.data.rows.lines import Line
from halluc.data.rows.row import BadLine, Layout, Notice, Row, excerpt

DELIMITERS = ("\t", ",", ";", "|")
# A delimiter is plausible if this many of the first rows have the same number of columns.
_ALIKE = 0.9
# Only the beginning of each row is examined: any delimiter would split a line of megabytes.
_MOST_SNIFFED = 1 << 16
QUOTES = "close it, write quotes inside quotes twice, or set `data.quoting: false`"

# Cells are limited by the length of their lines; the csv module's own limit is global to the process.
csv.field_size_limit(min(sys.maxsize, (1 << 31) - 1))


class Cells(NamedTuple):
    """The cells of a row, its first line number, and that line itself."""

    line: int
    cells: list[str]
    shown: str


def cut(lines: Iterable[Line], delimiter: str, quoting: bool, file: str, most: int) -> Iterator[Cells | BadLine]:
    """The rows of a file without blank lines; a broken row as ``BadLine``.

    A quote opens a cell only at its beginning; elsewhere it is text. Reading ends at a row of more than ``most``
    characters, whose closing quote is probably missing.
    """
    feed = _Feed(lines, most)
    quotes: Any = csv.QUOTE_MINIMAL if quoting else csv.QUOTE_NONE
    reader = csv.reader(feed, delimiter=delimiter, quoting=quotes, strict=True)
    while True:
        feed.begin()
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield _broken(feed, str(error), file)
            if feed.is_endless:
                return
            continue
        yield from feed.bad
        if cells is None:
            return
        if cells and not feed.bad and not (len(cells) == 1 and not cells[0].strip()):
            yield Cells(feed.line, cells, feed.shown)


class _Feed:
    """Passes lines to the module csv, and records where the current row began.

    ``bad`` are the unreadable lines of the current row, which is then dropped.
    """

    def __init__(self, lines: Iterable[Line], most: int) -> None:
        self.last, self.is_endless = 0, False
        self._lines, self._most = iter(lines), most
        self.begin()

    def begin(self) -> None:
        self.line, self.shown, self._size = 0, "", 0
        self.bad: list[BadLine] = []

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        if self._size > self._most:
            self.is_endless = True
            raise StopIteration
        for item in self._lines:
            if isinstance(item, BadLine):
                self.bad.append(item)
                if item.text is None and self._size:
                    continue
                if item.text is None:
                    return ""  # ends the row, so that the line is reported in order
                number, text = item.line, item.text  # its quotes may open or close a cell
            else:
                number, text = item
            if not self.line:
                self.line, self.shown = number, text
            self.last = number
            self._size += len(text) + 1
            return text + "\n"
        raise StopIteration


def _broken(feed: _Feed, why: str, file: str) -> BadLine:
    if "new-line character" in why:
        problem = "a carriage return inside a row"
        help = "convert the line ends, for example with `tr '\\r' '\\n'`, or put the cell in double quotes"
        return BadLine("D124", file, feed.last, problem, help, *excerpt(feed.shown))
    at, problem = None, f"not readable as CSV: {why}"
    if "expected after" in why:
        problem = "text after the closing quote of a cell"
    elif "unexpected end of data" in why:
        at, problem = max(feed.shown.rfind('"'), 0), "a quote that is never closed"
    return BadLine("D118", file, feed.line, problem, QUOTES, *excerpt(feed.shown, at))


def table(lines: Iterable[Line], head: Sequence[Line], layout: Layout, file: str) -> Iterator[Row | BadLine | Notice]:
    """A row for each row of the file, with cells by the names of the header, if there is one, or by number, or both.

    Args:
        head: the first of the ``lines``, from which the delimiter is detected.

    Raises:
        HallucError D104, D114, D118: the header cannot be read. D116: a requested or unique column occurs twice. D117:
            the delimiter cannot be determined.
    """
    quoting = layout.quoting is not False
    delimiter = layout.delimiter if layout.delimiter != "auto" else _delimiter(head, layout, file)
    has_header = layout.header is True or (layout.header == "auto" and not layout.by_number)
    names: list[str] | None = None
    header: Sequence[str] = ()
    width, is_repeated = 0, False
    for row in cut(lines, delimiter, quoting, file, layout.max_line_bytes):
        if isinstance(row, BadLine):
            if has_header and not width:  # the header itself is broken
                raise row.error()
            yield row
            continue
        if not width:
            width = len(row.cells)
            if has_header:
                names, header = _header(row, layout, file), row.cells
                continue
        if len(row.cells) != width:
            yield _ragged(row, width, file)
            continue
        if row.cells == header and not is_repeated:
            is_repeated = True
            yield Notice(file, row.line, "this row equals the header; remove it, and others like it")
        fields: dict[str | int, str] = dict(enumerate(row.cells)) if names is None or layout.by_number else {}
        fields.update(zip(names or (), row.cells, strict=False))
        yield Row(file, row.line, fields, row.shown)


def _header(row: Cells, layout: Layout, file: str) -> list[str]:
    names = [cell.strip() for cell in row.cells]
    for name in (*layout.names, *layout.unique):
        if names.count(name) > 1:
            message = f"the column `{name}` is repeated"
            help = "rename one, or set columns by number, with `data.header: true`"
            raise data_error("D116", message, Location(file, row.line, text=excerpt(row.shown)[0]), help)
    # Make all other names unique, and not empty.
    first = {name: place for place, name in reversed(list(enumerate(names)))}
    return [name if name and first[name] == place else f"{name}#{place}" for place, name in enumerate(names)]


def _ragged(row: Cells, width: int, file: str) -> BadLine:
    problem = f"{len(row.cells):,} column{'s' if len(row.cells) != 1 else ''}, but the first row has {width}"
    help = "if a text contains the delimiter, put the cell in double quotes, or set `data.delimiter` and `data.quoting`"
    if len(row.cells) > width and not any(cell.strip() for cell in row.cells[width:]):
        help = "it ends with a delimiter, but the first row does not: remove it, or add one to the first row"
    return BadLine("D113", file, row.line, problem, help, *excerpt(row.shown))


def _delimiter(head: Sequence[Line], layout: Layout, file: str) -> str:
    """The delimiter, from the first lines.

    Raises:
        HallucError D117: no delimiter gives as many columns as are requested.
    """
    lines = [item for item in head if not isinstance(item, BadLine) and item[1].strip()]
    if not lines:
        return ","
    result = guess_delimiter(lines, layout.quoting is not False, layout.names, layout.least)
    if result is not None:
        return result
    if layout.least < 2 or layout.names:
        return ","
    number, line = lines[0]
    message = "the delimiter cannot be detected: none splits the first lines into the required columns"
    help = 'set it, for example `data.delimiter: ";"`; "LABEL text" lines are read with `data.format: lines`'
    raise data_error("D117", message, Location(file, number, text=excerpt(line)[0]), help)


def guess_delimiter(lines: Sequence[tuple[int, str]], quoting: bool, names: Sequence[str], least: int) -> str | None:
    """The delimiter with which the first row contains most of the ``names``; if no name occurs, the one with which most
    rows have the same number of columns, if these are at least nine in ten rows and ``least`` columns. None otherwise.
    """
    shares: dict[str, float] = {}
    named: dict[str, float] = {}
    begins = [(number, line[:_MOST_SNIFFED]) for number, line in lines]
    for delimiter in DELIMITERS:
        rows = [row for row in cut(begins, delimiter, quoting, "", 1 << 20) if isinstance(row, Cells)]
        if not rows:
            continue
        if many := len(set(names) & {cell.strip() for cell in rows[0].cells}):
            named[delimiter] = many + (len(rows[0].cells) > 1) / 2
        width, times = Counter(len(row.cells) for row in rows).most_common(1)[0]
        if width >= max(least, 2) and times >= _ALIKE * len(rows):
            shares[delimiter] = times / len(rows)
    scores = named or shares
    return max(scores, key=lambda delimiter: scores[delimiter]) if scores else None


def names_columns(line: str, names: Sequence[str]) -> bool:
    """Whether a line is a header of several columns with at least one of the names.

    A header has no blanks around its cells, as a sentence has after its commas.
    """
    for delimiter in DELIMITERS if names else ():
        row = next(cut([(1, line[:_MOST_SNIFFED])], delimiter, True, "", 1 << 20), None)
        cells = row.cells if isinstance(row, Cells) and len(row.cells) > 1 else []
        if not set(names).isdisjoint(cells) and all(cell == cell.strip() for cell in cells):
            return True
    return False
