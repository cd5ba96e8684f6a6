"""Labelled texts in columns: which are asked for, by name or number, and what their rows tell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from halluc.core.errors import Location, data_error, did_you_mean
from halluc.data.readers.base import BadLine
from halluc.data.readers.texts_config import Column, TextsConfig
from halluc.data.readers.texts_csv import Line, Row, excerpt, rows, told_delimiter
from halluc.data.readers.texts_making import ABSENT, Found


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
        cut = rows(lines, delimiter, self.config.quoting, self.file)
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

    def _asked(self) -> list[Column]:
        config = self.config
        fields = [config.text_field, *([] if config.second_field is None else [config.second_field])]
        return fields if self.outside else [*fields, config.label_field]

    def _has_header(self) -> bool:
        return self.config.header is True or any(isinstance(field, str) for field in self._asked())

    def _delimiter(self, head: Sequence[Line]) -> str:
        if self.config.delimiter != "auto":
            return self.config.delimiter
        asked = self._asked()
        lines = [item for item in head if not isinstance(item, BadLine)]
        names = [field for field in asked if isinstance(field, str)]
        least = max([len(asked), *(field + 1 for field in asked if isinstance(field, int))])
        found = told_delimiter(lines, self.config.quoting, names, least)
        if found is None and any(line.strip() for _, line in lines):
            problem = "the delimiter cannot be told: no one cuts the first lines into as many columns as are asked for"
            help = 'name it, as `data.delimiter: ";"`; "LABEL text" lines are read with `data.form: lines`'
            raise data_error("D117", problem, Location(self.file, 1, text=excerpt(lines[0][1])[0]), help)
        return found or ","

    def _places(self, first: Row) -> _Places:
        """Where the fields stand, by the first row.

        Raises:
            HallucError D116: a column is not there, or stands there twice.
        """
        names = [cell.strip() for cell in first.cells] if self._has_header() else []
        config = self.config
        label = None
        if not self.outside:
            label = self._place(config.label_field, "label_field", names, first)
        elif str(config.label_field) in names:
            label = names.index(str(config.label_field))
        second = None
        if config.second_field is not None:
            second = self._place(config.second_field, "second_field", names, first)
        text = self._place(config.text_field, "text_field", names, first)
        identity = names.index(config.id_field) if names.count(config.id_field) == 1 else None
        return _Places(text, second, label, identity)

    def _place(self, field: Column, key: str, names: Sequence[str], first: Row) -> int:
        where = Location(self.file, first.line, text=excerpt(first.shown)[0])
        if isinstance(field, int):
            if field < len(first.cells):
                return field
            problem = f"no column {field}: the first row has {len(first.cells)}"
            raise data_error("D116", problem, where, f"columns count from 0; see `data.{key}` and `data.delimiter`")
        if names.count(field) == 1:
            return names.index(field)
        if field in names:
            raise data_error("D116", f"the column `{field}` stands twice", where, f"rename one, or see `data.{key}`")
        near = did_you_mean(field, names)
        help = f"without a header, name columns by number: `data.{key}: 0`; see `data.delimiter` too"
        have = ", ".join(f"`{name[:40]}`" for name in names[:8])
        told = f"did you mean `data.{key}: {near}`?" if near else help
        raise data_error("D116", f"no column `{field}`; the first row has {have}", where, told)

    def _ragged(self, row: Row, width: int) -> BadLine:
        problem = f"{len(row.cells)} column{'s' if len(row.cells) != 1 else ''} where the first row has {width}"
        help = "a delimiter in a text? put the cell in double quotes, or see `data.delimiter` and `data.quoting`"
        return BadLine("D113", self.file, row.line, problem, help, *excerpt(row.shown))


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
