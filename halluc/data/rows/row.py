"""Rows: what a file says of one example, with its place, before a task maps its fields."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, NamedTuple

from halluc.core.errors import HallucError, Location, data_error

# What to do about a line of which only a part is wrong.
MEND = "mend it, or set `data.on_bad_line: skip`"

# A longer line is not kept in an error: a thousand lines of megabytes would fill the memory.
_MOST_SHOWN, _SHOWN = 10_000, 200


class Unreadable(Exception):
    """Why a row cannot be read, and what to do."""

    def __init__(self, code: str, problem: str, help: str | None = None) -> None:
        self.code, self.problem, self.help = code, problem, help
        super().__init__(problem)


class Skipped(Exception):
    """Why a row is not an example on purpose."""


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that cannot be read, and why; ``column`` and ``width`` where they are known."""

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
    """Something that a person should know of a file that was read; ``halluc check`` prints it as a warning."""

    file: str
    line: int
    what: str


class LeftOut(Notice):
    """That a row is not an example on purpose, such as a rejected annotation: counted, and no error."""


class Place(NamedTuple):
    """A line of a file."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that was repaired or left out, and where."""

    where: Place
    what: str


@dataclass(frozen=True, slots=True)
class Row:
    """One record of a file.

    ``line`` is the line on which it begins, from 1. ``fields`` are named, or numbered from 0 if nothing names them:
    cells of a row without a header, items of a JSON list. Of columns (a token a line) each field is a tuple with a cell
    for each token, and ``lines`` has the line of each token. ``shown`` is what an error shows. ``number`` counts rows
    from 1 where several may stand on one line, and is 0 elsewhere. ``document`` counts the documents of the file.
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
    """The names of fields, of which an error shows the first."""
    return between.join(f"`{str(name)[:40]}`" for name in islice(names, 8)) or "nothing"


def excerpt(line: str, at: int | None = None) -> tuple[str, int | None]:
    """What an error shows of a line, and the column (from 1) of the character ``at``, where the line is short."""
    if len(line) > _MOST_SHOWN:
        return line[:_SHOWN], None
    return line, None if at is None else at + 1


# What differs between rows of one cause: what is quoted, spans with their labels, and numbers.
_VARYING = re.compile(r"`[^`]*`|\"[^\"]*\"|'[^']*'|\[[^\]]*\](?: \S+)?|\b0x[\da-f]+\b|\b\d[\d,.]*\b")
# Places that are named beside the first one.
_PLACES = 2


def folded(bad: Iterable[BadLine]) -> list[HallucError]:
    """The errors of lines that cannot be read, in the order in which their causes come first."""
    causes: dict[tuple[str, str], list[BadLine]] = {}
    for one in bad:
        causes.setdefault((one.code, _VARYING.sub("…", one.problem)), []).append(one)
    return list(map(_of_cause, causes.values()))


def _of_cause(lines: list[BadLine]) -> HallucError:
    """The same problem in twenty rows is one message, with the count and three places."""
    first = lines[0]
    if len(lines) == 1:
        return first.error()
    also = ", ".join(f"{one.file}:{one.line}" for one in lines[1 : 1 + _PLACES])
    more = f" and {len(lines) - 1 - _PLACES:,} more" if len(lines) > 1 + _PLACES else ""
    return replace(first, problem=f"{first.problem} ({len(lines):,} lines: also {also}{more})").error()
