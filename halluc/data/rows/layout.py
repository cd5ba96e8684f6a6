"""How a file becomes rows: its format, and what separates lines, cells and columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from halluc.config.bounds import MOST_LINE_BYTES

CorpusFormat = Literal["auto", "jsonl", "json", "csv", "conll", "lines", "table", "hub", "tmx"]
# Plain texts have no annotation: they can only be predicted.
Format = Literal[CorpusFormat, "text"]

# The formats assumed for plain lines, in this order, if the task has them.
_OF_LINES: tuple[Format, ...] = ("text", "lines", "conll")


@dataclass(frozen=True)
class Layout:
    """The arguments of ``read_rows``; the keys of ``data`` with the same names are documented there.

    ``formats`` are those that ``auto`` chooses from. ``asked`` are the requested fields, by name or number: a first row
    that has one of the names is a header. ``token_columns`` are those of conll.
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
        """The requested fields that are given by name."""
        return tuple(one for one in self.asked if isinstance(one, str))

    @property
    def fallback(self) -> Format:
        """The format if lines show no other one."""
        return next((one for one in _OF_LINES if one in self.formats), self.formats[-1])

    @property
    def by_number(self) -> bool:
        """Whether columns are requested by number."""
        return any(isinstance(one, int) for one in self.asked)

    @property
    def least(self) -> int:
        """The minimum number of columns of a row."""
        return max([1, *(one + 1 if one >= 0 else -one for one in self.asked if isinstance(one, int))])
