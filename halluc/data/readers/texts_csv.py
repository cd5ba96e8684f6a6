"""Columns (CSV, TSV): rows with line numbers, as RFC 4180 has them, and the delimiter told apart.

The csv module of Python is not used: it takes broken quotes for text, tells no line, and bounds cells for the whole
process.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from halluc.config.bounds import MOST_LINE_BYTES
from halluc.data.readers.base import BadLine
from halluc.data.readers.lines import Line, excerpt

DELIMITERS = ("\t", ",", ";", "|")
# A row of a delimiter's own: so many of the first rows are of one width.
_ALIKE = 0.9
# So much of each of them is looked at: a line of megabytes would be cut by every delimiter.
_MOST_SNIFFED = 1 << 16
_QUOTES = "close it, write quotes inside quotes twice, or set `data.quoting: false`"


class Row(NamedTuple):
    """The cells of a row, the line that it begins on, and that line itself."""

    line: int
    cells: list[str]
    shown: str


def rows(
    lines: Iterable[Line], delimiter: str, quoting: bool, file: str, most: int = MOST_LINE_BYTES
) -> Iterator[Row | BadLine]:
    """The rows of a file, blank lines left out; a broken one as ``BadLine``.

    A quote opens a cell only where the cell begins with it; elsewhere it is text. A quoted cell of more than ``most``
    characters is one whose quote is never closed, behind which nothing is read.
    """
    parser, lost = _RowParser(delimiter, file), False
    for item in lines:
        if isinstance(item, BadLine):
            yield item
            lost = True  # the row that it stands in, whose quotes it may open or close all the same
        number, line = (item.line, item.text or "") if isinstance(item, BadLine) else item
        if parser.open is None and not (quoting and '"' in line):
            if line.strip() and not lost:
                yield Row(number, line.split(delimiter), line)
            lost = False
            continue
        row = parser.row(number, line)
        if row is not None:
            if not lost:
                yield row
            lost = False
        elif parser.size > most:
            break  # what stands behind can not be told from text
    if parser.open is not None:
        yield parser.open


class _RowParser:
    """Cuts lines at delimiters outside quotes; between lines it holds the row whose quoted cell is open.

    ``open`` is what to say of the quote that is open, should it never be closed; ``size`` counts its characters.
    """

    def __init__(self, delimiter: str, file: str) -> None:
        self.delimiter, self.file = delimiter, file
        self.open: BadLine | None = None
        self.size = 0
        self._pieces: list[str] = []
        self._row = Row(0, [], "")

    def row(self, number: int, line: str) -> Row | BadLine | None:
        """The row that ends on this line, or why it is broken; None where it goes on."""
        at = 0
        if self.open is None:
            self._row = Row(number, [], line)
        while True:
            if self.open is None and line.startswith('"', at):
                self._begin(number, line, at)
                at += 1
            if self.open is None:
                end = line.find(self.delimiter, at)
                cell = line[at:] if end < 0 else line[at:end]
            else:
                behind = self._closed(line, at)
                if behind is None:
                    return None
                self.open, cell = None, "".join(self._pieces)
                end = behind if behind < len(line) else -1
                if end >= 0 and not line.startswith(self.delimiter, end):
                    problem = "text behind the quote that closes a cell"
                    return BadLine("D118", self.file, number, problem, _QUOTES, *excerpt(line, end))
            self._row.cells.append(cell)
            if end < 0:
                return self._row
            at = end + 1

    def _begin(self, number: int, line: str, at: int) -> None:
        problem = "a quote that is never closed"
        self.open = BadLine("D118", self.file, number, problem, _QUOTES, *excerpt(line, at))
        self._pieces, self.size = [], 0

    def _closed(self, line: str, at: int) -> int | None:
        """Where the open cell ends, behind its quote; None where it goes on on the next line."""
        while True:
            end = line.find('"', at)
            if end < 0:
                self._pieces.append(line[at:] + "\n")
                self.size += len(line) - at + 1
                return None
            self._pieces.append(line[at:end])
            self.size += end - at + 1
            if not line.startswith('"', end + 1):
                return end + 1
            self._pieces.append('"')
            at = end + 2


def told_delimiter(lines: Sequence[tuple[int, str]], quoting: bool, names: Sequence[str], least: int) -> str | None:
    """The delimiter by the first lines of a file, or None.

    One that cuts the first row so that it has all the ``names``; else the one by which most rows are of one width, of
    ``least`` columns or more, if nine in ten are.
    """
    shares: dict[str, float] = {}
    for delimiter in DELIMITERS:
        begins = [(number, line[:_MOST_SNIFFED]) for number, line in lines]
        cut = [row for row in rows(begins, delimiter, quoting, "") if isinstance(row, Row)]
        if not cut:
            continue
        if names and set(names) <= {cell.strip() for cell in cut[0].cells}:
            return delimiter
        width, times = Counter(len(row.cells) for row in cut).most_common(1)[0]
        if width >= least and times >= _ALIKE * len(cut):
            shares[delimiter] = times / len(cut)
    return max(shares, key=lambda one: shares[one]) if shares else None
