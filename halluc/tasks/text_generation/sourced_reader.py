"""From rows to inputs with references: the base of readers whose rows are records."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from halluc.core.characters import is_invisible
from halluc.data.config import Column
from halluc.data.fields.values import kind
from halluc.data.inputs import InputText, identity_of
from halluc.data.predictions import PredictionFile
from halluc.data.reader import RowReader
from halluc.data.rows.row import MEND, Row, Unreadable
from halluc.tasks.text_generation.reading import WrittenPredictions
from halluc.tasks.text_generation.source_text import Sourced


class SourcedReader(RowReader):
    """A subclass makes the examples of a row, and the input of a row without targets."""

    Predictions: ClassVar[type[PredictionFile] | None] = WrittenPredictions

    @abstractmethod
    def source(self, row: Row) -> Sourced | None:
        """The input of a row, whose targets are ignored; None if it is blank.

        Raises:
            Unreadable: it has none.
        """

    def input_of(self, row: Row) -> InputText:
        identity = identity_of(row, self.config.id_field)
        example = self.source(row)
        if example is None:
            return InputText(row.line, identity, (), "", ())
        return InputText(row.line, identity, example.tokens, example.whole, details=example)


def first_of(given: Mapping[Any, Any], names: Iterable[Column]) -> Column | None:
    """The first of the names for which a row has a value; otherwise the first one that exists."""
    there = [name for name in names if name in given]
    return next((name for name in there if given[name] not in (None, "")), there[0] if there else None)


def visible_text(given: Any, what: str, field: Column) -> str:
    """A visible text, stripped.

    Raises:
        Unreadable D106: it is empty. D107: it is not text.
    """
    if not isinstance(given, str):
        raise Unreadable("D107", f"`{field}` is {kind(given)}, not a string", MEND)
    if is_invisible(given) or not given.strip():
        raise Unreadable("D106", f"an empty {what}", MEND)
    return given.strip()
