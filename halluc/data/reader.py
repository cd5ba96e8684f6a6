"""The interface of a task's reader, and of the builder that converts its results to examples."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, cast

from halluc.core.examples import Example, Origin
from halluc.data.config import DataConfig
from halluc.data.fields import Ids, own_id, value_of
from halluc.data.inputs import InputText
from halluc.data.predictions import PredictionFile
from halluc.data.rows.reading import open_rows
from halluc.data.rows.references import SplitName
from halluc.data.rows.row import BadLine, LeftOut, Notice, Row, Unreadable
from halluc.data.tokenization import Tokenizer
from halluc.data.writers import Writer
from halluc.runs.data import Renamed


class Raw(Protocol):
    """A result of a reader: an example, or the input of a builder."""

    @property
    def origin(self) -> Origin: ...

    @property
    def tokens(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True)
class Repaired:
    """An example, and the repairs made in it."""

    example: Example
    repairs: tuple[str, ...]

    @property
    def origin(self) -> Origin:
        return self.example.origin

    @property
    def tokens(self) -> tuple[str, ...]:
        return self.example.tokens


class Unmapped(Unreadable):
    """For the first row of a file: the configured fields do not exist, or cannot be determined."""


@dataclass(frozen=True)
class Annotation:
    """The notation of the annotation, for tasks that support several.

    ``scheme`` is None if the files have none, or several (see ``schemes``, by split); ``note`` is the reason.
    ``renamed`` has the number of annotations with each label that ``rename_labels`` renames.
    """

    scheme: str | None = None
    note: str = ""
    schemes: Mapping[SplitName, str] = field(default_factory=dict)
    renamed: Mapping[str, Renamed] = field(default_factory=dict)


class ExampleBuilder:
    """Converts the reader's results to examples; this class returns examples unchanged.

    ``bad`` collects lines that cannot be read, and ``repairs`` the repairs.
    """

    def __init__(self, config: Any, bad: list[BadLine]) -> None:
        self.config, self.bad = config, bad
        self.repairs: list[Notice] = []

    def prepare(self, splits: Mapping[SplitName, Iterable[Any]], others: Mapping[SplitName, Iterable[Any]]) -> None:
        """Inspect the results of all splits before the first call of ``example``.

        Args:
            others: the splits of the config that the command does not need; they are read when they are iterated. With
                them, decisions such as the tag scheme do not depend on the command.
        """

    def with_bad(self, bad: list[BadLine]) -> ExampleBuilder:
        """A builder with the results of ``prepare``, and another list ``bad``."""
        return type(self)(self.config, bad)

    def example(self, item: Any, split: SplitName) -> Example | None:
        """The example, or None if it cannot be read; then the reason is added to ``bad``."""
        if isinstance(item, Repaired):
            self.repairs.extend(Notice(item.origin.file, item.origin.line, what) for what in item.repairs)
        return cast(Example, item.example if isinstance(item, Repaired) else item)

    def annotation(self) -> Annotation:
        """The notation of the annotation, after all examples were built."""
        return Annotation()


class Reader(Protocol):
    """Maps the rows of a corpus to the examples of one task.

    ``read`` yields a bad row instead of raising, so that all are reported at once. Its results are passed to a
    ``Builder``, which sees all splits.

    ``mapping`` describes in one line which fields are read; it is set after the first row. ``writers`` are the formats
    that can hold the examples, and ``Predictions`` reads predictions of other tools, if supported.
    ``has_marked_lines``: a line of plain text to predict contains markup, which ``input_of`` parses.
    """

    Config: ClassVar[type[DataConfig]]
    Builder: ClassVar[type[ExampleBuilder]] = ExampleBuilder
    Predictions: ClassVar[type[PredictionFile] | None] = None
    writers: ClassVar[Mapping[str, Writer]] = {}
    has_marked_lines: ClassVar[bool] = False
    config: Any
    mapping: str

    def __init__(self, config: Any) -> None: ...

    def read(self, reference: str, split: SplitName) -> Iterator[Raw | BadLine | LeftOut | Notice]: ...

    def input_of(self, row: Row) -> InputText:
        """A row to predict; its annotation may be missing and is ignored.

        Raises:
            Unreadable: it has no text.
        """
        ...


class RowReader(Reader):
    """A reader that converts each row to one or several examples; a subclass defines ``examples`` and ``input_of``."""

    has_marked_lines: ClassVar[bool] = True

    def __init__(self, config: Any) -> None:
        self.config = config
        self.mapping = ""
        self._tokenizer = Tokenizer.of(config)

    @abstractmethod
    def examples(self, row: Row, origin: Origin, identity: str) -> Sequence[Any]:
        """The examples of a row, whose ids begin with ``identity``, and intentionally excluded ones (``LeftOut``).

        Raises:
            Unreadable: it cannot be read.
        """

    def rows(self, reference: str, split: SplitName) -> tuple[str, Iterator[Row | BadLine | Notice]]:
        return open_rows(reference, split, self.config.layout())

    def read(self, reference: str, split: SplitName) -> Iterator[Any]:
        ids = Ids()
        file, rows = self.rows(reference, split)
        for row in rows:
            if not isinstance(row, Row):
                yield row
                continue
            number = row.number or row.line
            try:
                own = own_id(value_of(row.fields, self.config.id_field), self.config.id_field)
                identity = f"{split}-{number}" if own is None else str(own)
                examples = self.examples(row, Origin(file, row.line), identity)
                for example in examples:
                    if not isinstance(example, LeftOut):
                        ids.add(example.id, split, number, row.line, own is not None)
            except Unreadable as bad:
                yield row.bad(bad)
            else:
                yield from examples

    def say(self, mapping: str) -> None:
        """Set ``mapping`` if it is not set yet."""
        self.mapping = self.mapping or mapping
