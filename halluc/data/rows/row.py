"""Rows: the content of a file for one example, with its location, before a task maps its fields."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Literal

from halluc.config.section import MOST_LINE_BYTES
from halluc.core.errors import HallucError, Location, data_error

CorpusFormat = Literal["auto", "jsonl", "json", "csv", "conll", "lines", "table", "hub", "tmx"]
# Plain texts have no annotation: they can only be predicted.
Format = Literal[CorpusFormat, "text"]

# The formats assumed for plain lines, in this order, if the task has them.
_OF_LINES: tuple[Format, ...] = ("text", "lines", "conll")


@dataclass(frozen=True)
class Layout:
    """The arguments of ``read_rows``; the keys of ``data`` with the same names are documented there.

    ``formats`` are those that ``auto`` chooses from. ``requested_fields`` are names or numbers of fields: a first row
    that has one of the names is a header. A table may have them, and the ``unique`` names, only once. ``token_columns``
    are the requested columns of conll, ``lists`` the requested lists of a JSON object.
    """

    format: Format = "auto"
    encoding: str = "utf-8"
    max_line_bytes: int = MOST_LINE_BYTES
    delimiter: str = "auto"
    header: bool | Literal["auto"] = "auto"
    quoting: bool | Literal["auto"] = "auto"
    separator: str = "whitespace"
    comment: str | None = None
    columns: int | None = None
    sentence_column: str | int | None = None
    word_id_column: str | int | None = None
    label_position: Literal["first", "last"] = "first"
    subset: str | None = None
    formats: tuple[Format, ...] = ("jsonl", "json", "csv", "lines")
    requested_fields: tuple[str | int, ...] = ()
    unique: tuple[str, ...] = ()
    token_columns: tuple[str | int, ...] = ()
    lists: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The requested fields that are given by name."""
        return tuple(one for one in self.requested_fields if isinstance(one, str))

    @property
    def fallback(self) -> Format:
        """The format if the lines do not show another one."""
        return next((one for one in _OF_LINES if one in self.formats), self.formats[-1])

    @property
    def by_number(self) -> bool:
        """Whether columns are requested by number."""
        return any(isinstance(one, int) for one in self.requested_fields)

    @property
    def least(self) -> int:
        """The minimum number of columns of a row."""
        return max([1, *(one + 1 if one >= 0 else -one for one in self.requested_fields if isinstance(one, int))])


# Advice for a line that is only partly wrong.
MEND = "fix it, or set `data.on_bad_line: skip`"

# Longer lines are not kept in errors: a thousand lines of megabytes would fill the memory.
_MOST_SHOWN, _SHOWN = 10_000, 200


class Unreadable(Exception):
    """Why a row cannot be read, and what to do about it."""

    def __init__(self, code: str, problem: str, help: str | None = None) -> None:
        self.code, self.problem, self.help = code, problem, help
        super().__init__(problem)


class Skipped(Exception):
    """Why a row is intentionally not an example."""


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that cannot be read, and why; ``column`` and ``width`` if known."""

    code: str
    file: str
    line: int
    problem: str
    help: str | None = None
    text: str | None = None
    column: int | None = None
    width: int = 1

    def error(self) -> HallucError:
        return data_error(
            self.code, self.problem, Location(self.file, self.line, self.column, self.width, self.text), self.help
        )


@dataclass(frozen=True, slots=True)
class Notice:
    """A message about a line or a whole file that was read; ``halluc check`` prints it as a warning."""

    file: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}"


class LeftOut(Notice):
    """A row that is intentionally not an example, such as a rejected annotation: counted, and not an error."""


@dataclass(frozen=True, slots=True)
class Row:
    """One record of a file.

    ``line`` is its first line, from 1. ``fields`` are named, or numbered from 0 if there are no names: cells of a row
    without a header, items of a JSON list. For columns (one token per line) each field is a tuple with a cell for each
    token, and ``lines`` has the line of each token. ``shown`` is what an error shows. ``number`` counts rows from 1 if
    several may be on one line, and is 0 otherwise. ``document`` counts the documents of the file.
    """

    file: str
    line: int
    fields: Mapping[Any, Any]
    shown: str = ""
    number: int = 0
    lines: Sequence[int] = ()
    document: int = 0

    def bad(self, why: Unreadable) -> BadLine:
        return BadLine(why.code, self.file, self.line, why.problem, why.help, *excerpt(self.shown))


def quoted(names: Iterable[object], between: str = ", ") -> str:
    """The first names of fields, for errors."""
    return between.join(f"`{str(name)[:40]}`" for name in islice(names, 8)) or "nothing"


def excerpt(line: str, at: int | None = None) -> tuple[str, int | None]:
    """The excerpt of a line for an error, and the column (from 1) of the character ``at`` if the line is short."""
    if len(line) > _MOST_SHOWN:
        return line[:_SHOWN], None
    return line, None if at is None else at + 1


# The parts of a message that vary between rows with the same problem: quoted text, spans with their labels, numbers.
_VARYING = re.compile(r"`[^`]*`|\"[^\"]*\"|'[^']*'|\[[^\]]*\](?: \S+)?|\b0x[\da-f]+\b|\b\d[\d,.]*\b")
# The number of places that are named besides the first one.
_PLACES = 2


def folded(bad: Iterable[BadLine]) -> list[HallucError]:
    """One error for each problem of unreadable lines, in the order of their first occurrences."""
    causes: dict[tuple[str, str], list[BadLine]] = {}
    for one in bad:
        causes.setdefault((one.code, _VARYING.sub("…", one.problem)), []).append(one)
    return list(map(_of_cause, causes.values()))


def _of_cause(lines: list[BadLine]) -> HallucError:
    """The error for the lines with the same problem: their number, and the first three places."""
    first = lines[0]
    if len(lines) == 1:
        return first.error()
    also = ", ".join(f"{one.file}:{one.line}" for one in lines[1 : 1 + _PLACES])
    more = f" and {len(lines) - 1 - _PLACES:,} more" if len(lines) > 1 + _PLACES else ""
    return replace(first, problem=f"{first.problem} ({len(lines):,} lines: also {also}{more})").error()
