"""Where a text to predict on stands in a record or a row, as the data that a model was trained on has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from halluc.config.bounds import MOST_LINE_BYTES
from halluc.data.readers.texts_config import Column


@dataclass(frozen=True)
class Fields:
    """Names or numbers of fields and columns, and how rows are cut.

    ``second`` is None where texts are no pairs. ``borders``: tokens that are given as such may be those of a pair, with
    the place of the second text. ``most``: bytes of the longest line, and characters of the longest text.
    """

    text: Column = "text"
    second: Column | None = None
    id: str = "id"
    delimiter: str = "auto"
    header: bool | Literal["auto"] = "auto"
    quoting: bool = True
    borders: bool = False
    most: int = MOST_LINE_BYTES

    @classmethod
    def of(cls, data: object) -> Fields:
        """Those of a ``data`` section, whatever its format; what it does not have is as by default."""
        return cls(
            text=getattr(data, "text_field", cls.text),
            second=getattr(data, "second_field", cls.second),
            id=getattr(data, "id_field", cls.id),
            delimiter=getattr(data, "delimiter", cls.delimiter),
            header=getattr(data, "header", cls.header),
            quoting=getattr(data, "quoting", cls.quoting),
            most=getattr(data, "max_line_bytes", cls.most),
        )

    @property
    def keys(self) -> tuple[str, str | None]:
        """The fields of records: columns that have a number have no name there but the usual one."""
        text = self.text if isinstance(self.text, str) else "text"
        return text, "second" if isinstance(self.second, int) else self.second

    @property
    def columns(self) -> list[Column]:
        return [self.text, *([] if self.second is None else [self.second])]

    @property
    def names(self) -> list[str]:
        """The columns that are asked for by name."""
        return [column for column in self.columns if isinstance(column, str)]

    @property
    def has_header(self) -> bool:
        return self.header is True or bool(self.names)
