"""From rows to inputs with references: what readers share whose rows are records."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from halluc.core.characters import is_invisible
from halluc.core.examples import Origin
from halluc.data.config import Column
from halluc.data.fields.ids import Ids, own_id
from halluc.data.fields.paths import path_of, value_at
from halluc.data.fields.values import kind
from halluc.data.inputs import InputText, identity_of
from halluc.data.predictions import PredictionFile
from halluc.data.reader import Reader
from halluc.data.rows.reading import open_rows
from halluc.data.rows.references import SplitName
from halluc.data.rows.row import MEND, BadLine, LeftOut, Notice, Row, Unreadable
from halluc.data.tokenization import Tokenizer
from halluc.tasks.text_generation.reading import WrittenPredictions
from halluc.tasks.text_generation.source_text import Sourced


class SourcedReader(Reader):
    """A subclass makes the examples of a row, of which there may be several, and the input of one without targets."""

    Predictions: ClassVar[type[PredictionFile] | None] = WrittenPredictions
    has_marked_lines: ClassVar[bool] = True

    def __init__(self, config: Any) -> None:
        self.config = config
        self.mapping = ""
        self._tokenizer = Tokenizer.of(config)

    @abstractmethod
    def examples(self, row: Row, origin: Origin, identity: str) -> Sequence[Sourced | LeftOut]:
        """The examples of a row, whose ids begin with ``identity``, and what is none on purpose.

        Raises:
            Unreadable: it cannot be read.
        """

    @abstractmethod
    def source(self, row: Row) -> Sourced | None:
        """The input of a row whose targets are not looked at; None where it is blank.

        Raises:
            Unreadable: it has none.
        """

    def read(self, reference: str, split: SplitName) -> Iterator[Sourced | BadLine | LeftOut | Notice]:
        ids = Ids()
        file, rows = open_rows(reference, split, self.config.layout())
        for row in rows:
            if not isinstance(row, Row):
                yield row
                continue
            number = row.number or row.line
            try:
                own = own_id(value_of(row.fields, self.config.id_field), self.config.id_field)
                identity = f"{split}-{number}" if own is None else str(own)
                made = self.examples(row, Origin(file, row.line), identity)
                for example in made:
                    if isinstance(example, Sourced):
                        ids.add(example.id, split, number, row.line, own is not None)
            except Unreadable as bad:
                yield row.bad(bad)
            else:
                yield from made

    def input_of(self, row: Row) -> InputText:
        identity = identity_of(row, self.config.id_field)
        example = self.source(row)
        if example is None:
            return InputText(row.line, identity, (), "", ())
        return InputText(row.line, identity, example.tokens, example.whole, details=example)


def value_of(given: Mapping[Any, Any], column: Column) -> Any:
    """The value in a field or at a path; None where there is none."""
    return value_at(given, path_of(column, [given]))


def first_of(given: Mapping[Any, Any], names: Iterable[Column]) -> Column | None:
    """The first of the names that a row has a value under; else the first that it has at all."""
    there = [name for name in names if name in given]
    return next((name for name in there if given[name] not in (None, "")), there[0] if there else None)


def visible_text(given: Any, what: str, field: Column) -> str:
    """A text that shows something, without blanks at its ends.

    Raises:
        Unreadable D106: it is empty. D107: it is none.
    """
    if not isinstance(given, str):
        raise Unreadable("D107", f"`{field}` is {kind(given)}, not a string", MEND)
    if is_invisible(given) or not given.strip():
        raise Unreadable("D106", f"an empty {what}", MEND)
    return given.strip()
