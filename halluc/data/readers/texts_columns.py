"""Labelled texts in columns: which are asked for, by name or number, and what their rows tell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from halluc.core.errors import HallucError, Location, data_error, did_you_mean
from halluc.data.readers.base import BadLine
from halluc.data.readers.lines import Line, excerpt
from halluc.data.readers.texts_config import Column, TextsConfig
from halluc.data.readers.texts_csv import DELIMITERS, Row, rows, told_delimiter
from halluc.data.readers.texts_found import ABSENT, Found

# A longer line is no header, which is cut by every delimiter to see what it names.
_MOST_HEADER = 1 << 16


@dataclass(frozen=True)
class Columns:
    """A file of columns; ``outside``: its texts are out of scope, and need no column of labels."""

    config: TextsConfig
    file: str
    outside: bool

    def texts(self, head: Sequence[Line], lines: Iterable[Line]) -> Iterator[Found | BadLine]:
        """The texts of the ``lines``, of which ``head`` are the first, that tell the delimiter.

        Raises:
            HallucError D116: a column is not there, or stands there twice. D117: the delimiter cannot be told.
        """
        delimiter = self._delimiter(head)
        cut = rows(lines, delimiter, self.config.quoting, self.file, self.config.max_line_bytes)
        places: _Places | None = None
        width = 0
        for row in cut:
            if isinstance(row, BadLine):
                yield row
                continue
            if places is None:
                places, width = self._places(row), len(row.cells)
                if self._has_header():
                    continue
            if len(row.cells) != width:
                yield self._ragged(row, width)
            else:
                yield places.found(row)

    def _asked(self) -> dict[str, Column]:
        return self.config.asked(self.outside)

    def _has_header(self) -> bool:
        return self.config.header is True or any(isinstance(field, str) for field in self._asked().values())

    def _delimiter(self, head: Sequence[Line]) -> str:
        if self.config.delimiter != "auto":
            return self.config.delimiter
        asked = self._asked().values()
        lines = [item for item in head if not isinstance(item, BadLine)]
        names = [field for field in asked if isinstance(field, str)]
        least = max([len(asked), *(field + 1 for field in asked if isinstance(field, int))])
        found = told_delimiter(lines, self.config.quoting, names, least)
        if found is None:  # columns it is, perhaps, and those that it has not are told by name or number
            found = told_delimiter(lines, self.config.quoting, (), 2)
        if found is None and any(line.strip() for _, line in lines):
            problem = "the delimiter cannot be told: no one cuts the first lines into as many columns as are asked for"
            help = 'name it, as `data.delimiter: ";"`; "LABEL text" lines are read with `data.form: lines`'
            number, line = next((number, line) for number, line in lines if line.strip())
            raise data_error("D117", problem, Location(self.file, number, text=excerpt(line)[0]), help)
        return found or ","

    def _places(self, first: Row) -> _Places:
        """Where the fields stand, by the first row.

        Raises:
            HallucError D116: a column is not there, or stands there twice.
        """
        names = [cell.strip() for cell in first.cells] if self._has_header() else []
        header, asked = _Header(self.file, first, names), self._asked()
        header.refuse(asked)
        place = {key: header.place(field) for key, field in asked.items()}
        if str(self.config.label_field) in names:  # there may be one where none is asked for
            place.setdefault("label_field", names.index(str(self.config.label_field)))
        identity = names.index(self.config.id_field) if names.count(self.config.id_field) == 1 else None
        return _Places(place["text_field"], place.get("second_field"), place.get("label_field"), identity)

    def _ragged(self, row: Row, width: int) -> BadLine:
        problem = f"{len(row.cells):,} column{'s' if len(row.cells) != 1 else ''} where the first row has {width}"
        help = "a delimiter in a text? put the cell in double quotes, or see `data.delimiter` and `data.quoting`"
        if len(row.cells) > width and not any(cell.strip() for cell in row.cells[width:]):
            help = "it ends in a delimiter, and the first row does not: take that away, or end the first row so too"
        return BadLine("D113", self.file, row.line, problem, help, *excerpt(row.shown))


@dataclass(frozen=True)
class _Header:
    """The first row of a file; ``names`` are those of its columns, where it names them."""

    file: str
    row: Row
    names: Sequence[str]

    def place(self, field: Column) -> int:
        return field if isinstance(field, int) else self.names.index(field)

    def refuse(self, asked: dict[str, Column]) -> None:
        """Refuse a file that has not every column once: all that are missing are told together."""
        missing = {key: field for key, field in asked.items() if not self._has(field)}
        if missing:
            raise self._missing(missing)
        for key, field in asked.items():
            if self.names.count(str(field)) > 1:
                raise self._error(f"the column `{field}` stands twice", f"rename one, or see `data.{key}`")

    def _has(self, field: Column) -> bool:
        return field < len(self.row.cells) if isinstance(field, int) else field in self.names

    def _missing(self, missing: dict[str, Column]) -> HallucError:
        listed = ", ".join(str(field) if isinstance(field, int) else f"`{field}`" for field in missing.values())
        problem = f"no column{'s' if len(missing) > 1 else ''} {listed}; the first row has "
        if not self.names:
            keys = " and ".join(f"`data.{key}`" for key in missing)
            return self._error(f"{problem}{len(self.row.cells)}", self._cut() or f"columns count from 0; see {keys}")
        have = ", ".join(f"`{name[:40]}`" for name in self.names[:8])
        near = {key: did_you_mean(str(field), self.names, cutoff=0.7) for key, field in missing.items()}
        quoted = [name for name in near.values() if name and name[0] == '"']
        if quoted:
            return self._error(
                problem + have, f"a quote behind a blank is text: take the blank before {quoted[0]} away"
            )
        meant = " and ".join(f"`data.{key}: {name}`" for key, name in near.items() if name)
        keys = " and ".join(f"`data.{key}`" for key in missing)
        help = f"name what it has with {keys}, or, without a header, by number from 0; see `data.delimiter` too"
        return self._error(problem + have, self._cut() or (f"did you mean {meant}?" if meant else help))

    def _cut(self) -> str | None:
        """What to do where the row is one cell, which another delimiter would cut."""
        if len(self.row.cells) > 1:
            return None
        for delimiter in DELIMITERS:
            if delimiter in self.row.shown:
                told = "tab" if delimiter == "\t" else f'"{delimiter}"'
                return f"the row is not cut: did you mean `data.delimiter: {told}`?"
        return None

    def _error(self, problem: str, help: str) -> HallucError:
        return data_error("D116", problem, Location(self.file, self.row.line, text=excerpt(self.row.shown)[0]), help)


@dataclass(frozen=True)
class _Places:
    """The columns of the fields."""

    text: int
    second: int | None
    label: int | None
    id: int | None

    def found(self, row: Row) -> Found:
        label, second, identity = (
            ABSENT if place is None else row.cells[place] for place in (self.label, self.second, self.id)
        )
        return Found(row.line, row.cells[self.text], label, second, identity, row.shown)


def names_columns(line: str, config: TextsConfig) -> bool:
    """Whether a line is a header with all the columns that are asked for by name."""
    wanted = {field for field in config.asked(outside=False).values() if isinstance(field, str)}
    for delimiter in DELIMITERS:
        row = next(rows([(1, line[:_MOST_HEADER])], delimiter, config.quoting, ""), None)
        if wanted and isinstance(row, Row) and wanted <= {cell.strip() for cell in row.cells}:
            return True
    return False
