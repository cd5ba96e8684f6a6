"""What the reader of a task gives: examples, or sentences whose tags have still to be decoded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from halluc.core.examples import Example, Span
from halluc.data.config import DataConfig
from halluc.data.inputs import InputText
from halluc.data.rows.references import SplitName
from halluc.data.rows.row import BadLine, LeftOut, Notice, Row, Unreadable


@dataclass(frozen=True, slots=True)
class RawSentence:
    """One sentence as a file has it: with tags whose scheme is not known yet, or with spans.

    ``lines`` gives the line of each token (from 1). ``confidences`` are those of the spans as the file has them,
    unchecked, None where one has none; empty where no span has one.
    """

    id: str
    file: str
    lines: Sequence[int]
    document: int
    tokens: tuple[str, ...]
    tags: tuple[str, ...] | None = None
    spans: tuple[Span, ...] | None = None
    repairs: tuple[str, ...] = ()
    confidences: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Mended:
    """An example of another task than token classification, and what was mended in it."""

    example: Example
    repairs: tuple[str, ...]


class Unmapped(Unreadable):
    """Of the first row of a file: the fields that are asked for are not there, or cannot be told."""


# What a reader gives of an example.
Raw = RawSentence | Mended | Example


class Reader(Protocol):
    """Maps the rows of a corpus to the examples of one task.

    ``read`` never raises for a bad row: it yields it, so that all are reported at once. Sentences of token
    classification come as ``RawSentence``: tags become spans once the scheme of a file is known. Other examples come as
    they are, or ``Mended``.

    ``mapping`` says which fields are read, in one line; it is set once the first row was read.
    """

    Config: ClassVar[type[DataConfig]]
    config: Any
    mapping: str

    def __init__(self, config: DataConfig) -> None: ...

    def read(self, reference: str, split: SplitName) -> Iterator[Raw | BadLine | LeftOut | Notice]: ...

    def input_of(self, row: Row) -> InputText:
        """A row to predict on, whose annotation may be missing and is not looked at.

        Raises:
            Unreadable: it has no text.
        """
        ...
