"""How a file becomes rows: its format, and what separates lines, cells and columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from halluc.config.bounds import MOST_LINE_BYTES

CorpusFormat = Literal["auto", "jsonl", "json", "csv", "conll", "lines", "table", "hub", "tmx"]
# Plain texts have no annotation: they are only predicted on.
Format = Literal[CorpusFormat, "text"]

# What plain lines are taken for, as far as a task has it.
_OF_LINES: tuple[Format, ...] = ("text", "lines", "conll")


@dataclass(frozen=True)
class Layout:
    """What ``read_rows`` is told; the keys of ``data`` of the same names say what each is.

    ``formats`` are those that ``auto`` chooses among. ``asked`` are the fields that are looked for, by name or number:
    a first row that has one of the names is a header. ``token_columns`` are those of conll.
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
    asked: tuple[str | int, ...] = ()
    token_columns: tuple[str | int, ...] = ()
    lists: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The fields that are looked for by name."""
        return tuple(one for one in self.asked if isinstance(one, str))

    @property
    def fallback(self) -> Format:
        """The format of lines that tell of no other one."""
        return next((one for one in _OF_LINES if one in self.formats), self.formats[-1])

    @property
    def by_number(self) -> bool:
        """Whether columns are asked for by number."""
        return any(isinstance(one, int) for one in self.asked)

    @property
    def least(self) -> int:
        """The columns that a row has at least."""
        return max([1, *(one + 1 if one >= 0 else -one for one in self.asked if isinstance(one, int))])
