"""The base types of corpora. Every task adds its own frozen example class."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, Protocol, TypeVar


class Span(NamedTuple):
    """Tokens ``start`` to ``end`` (half open) of one example, with a label."""

    start: int
    end: int
    label: str


@dataclass(frozen=True, slots=True)
class Origin:
    """The source of an example.

    ``line`` is its first line in ``file`` (from 1); ``document`` is the number of its document in the file, 0 for all
    examples if the file has no documents; ``parent`` is the id of the example it was augmented from, by ``methods``.
    ``number`` is its position in the file, from 1, counting also examples that are left out; 0: unknown.
    """

    file: str
    line: int
    document: int = 0
    parent: str | None = None
    methods: tuple[str, ...] = ()
    number: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"

    @property
    def plain(self) -> tuple[str, int, int, str | None, tuple[str, ...], int]:
        """Its fields, as constructor arguments."""
        return self.file, self.line, self.document, self.parent, self.methods, self.number

    def precedes(self, other: Origin) -> bool:
        """Whether the example of ``other`` is the next one of the same document."""
        return 0 < self.number == other.number - 1 and self.document == other.document and self.file == other.file


# A surface and its label in training data.
Pair = tuple[str, str]


class Example(Protocol):
    """The attributes of an example of any task.

    ``tokens`` are its words. ``annotation`` is its complete gold annotation: examples with equal tokens and annotation
    are duplicates. ``pairs`` has the surface and the label of each annotated item, ``labels`` the labels alone.
    """

    @property
    def id(self) -> str: ...

    @property
    def origin(self) -> Origin: ...

    @property
    def tokens(self) -> tuple[str, ...]: ...

    @property
    def annotation(self) -> Hashable: ...

    @property
    def labels(self) -> Sequence[str]: ...

    @property
    def pairs(self) -> Sequence[Pair]: ...


ExampleT = TypeVar("ExampleT", bound=Example)


@dataclass(frozen=True)
class Corpus(Generic[ExampleT]):
    """One split, in file order."""

    split: str
    examples: Sequence[ExampleT]
    source: str
    inputs: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.examples)

    def __iter__(self) -> Iterator[ExampleT]:
        return iter(self.examples)


def surface(tokens: Sequence[str], span: Span) -> str:
    """A mention's tokens joined by one space, case kept (DEFINITIONS, section 2)."""
    return " ".join(tokens[span.start : span.end])
