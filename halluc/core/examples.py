"""What the corpora are made of. Every task adds its own frozen example beside ``Tagged``."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, Protocol, TypeVar


class Span(NamedTuple):
    """Tokens ``start`` to ``end`` (half open) of one example, and their label."""

    start: int
    end: int
    label: str


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an example came from.

    ``line`` is its first line in ``file`` (from 1); ``document`` counts
    the document boundaries before it in the file;
    ``parent`` is the id of the example it was augmented from, ``methods`` by what.
    """

    file: str
    line: int
    document: int = 0
    parent: str | None = None
    methods: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


# What training shows, the smallest piece of it: a surface and the label that it has there.
Pair = tuple[str, str]


class Example(Protocol):
    """What every example has, whatever its task.

    ``tokens`` are its words. ``annotation`` is all that its gold says, so that examples of the same tokens and
    annotation are the same. ``pairs`` has the surface and the label of each thing that is labelled in it.
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
    def pairs(self) -> Sequence[Pair]: ...


@dataclass(frozen=True, slots=True)
class Tagged:
    """The example of token classification: tokens and labelled spans, sorted and without overlap."""

    id: str
    origin: Origin
    tokens: tuple[str, ...]
    spans: tuple[Span, ...]

    @property
    def annotation(self) -> tuple[Span, ...]:
        return self.spans

    @property
    def pairs(self) -> list[Pair]:
        """Its mentions: surface and label."""
        return [(surface(self.tokens, span), span.label) for span in self.spans]

    def __reduce__(self) -> tuple[Callable[..., Tagged], tuple[object, ...]]:
        # Examples go to worker processes by the thousand; as plain tuples they are pickled in a fifth of the time.
        origin = self.origin
        where = (origin.file, origin.line, origin.document, origin.parent, origin.methods)
        return _tagged, (self.id, where, self.tokens, tuple(map(tuple, self.spans)))


def _tagged(
    identity: str, where: tuple[Any, ...], tokens: tuple[str, ...], spans: tuple[tuple[int, int, str], ...]
) -> Tagged:  # fmt: skip
    return Tagged(identity, Origin(*where), tokens, tuple([Span(*span) for span in spans]))


@dataclass(frozen=True, slots=True)
class Labelled:
    """The example of text classification: a text as tokens, and its labels, sorted.

    Without labels it is out of scope or, where a text may have several, it has none. Of a pair, ``tokens`` are those of
    both texts, and ``second`` is where the second begins.
    """

    id: str
    origin: Origin
    tokens: tuple[str, ...]
    labels: tuple[str, ...]
    second: int | None = None

    @property
    def annotation(self) -> tuple[str, ...]:
        return self.labels

    @property
    def pairs(self) -> list[Pair]:
        """The whole text with each of its labels."""
        text = " ".join(self.tokens)
        return [(text, label) for label in self.labels]

    def __reduce__(self) -> tuple[Callable[..., Labelled], tuple[object, ...]]:
        origin = self.origin  # as plain tuples, like ``Tagged``
        where = (origin.file, origin.line, origin.document, origin.parent, origin.methods)
        return _labelled, (self.id, where, self.tokens, self.labels, self.second)


def _labelled(
    identity: str, where: tuple[Any, ...], tokens: tuple[str, ...], labels: tuple[str, ...], second: int | None
) -> Labelled:  # fmt: skip
    return Labelled(identity, Origin(*where), tokens, labels, second)


def labels_of(example: Example) -> Sequence[str]:
    """The label of each of the example's pairs; of our own examples without making the surfaces."""
    if isinstance(example, Labelled):
        return example.labels
    if isinstance(example, Tagged):
        return [span.label for span in example.spans]
    return [label for _, label in example.pairs]


ExampleT = TypeVar("ExampleT", bound=Example)


@dataclass(frozen=True)
class Corpus(Generic[ExampleT]):
    """One split, in file order."""

    split: str
    examples: tuple[ExampleT, ...]
    source: str
    inputs: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.examples)

    def __iter__(self) -> Iterator[ExampleT]:
        return iter(self.examples)


def surface(tokens: Sequence[str], span: Span) -> str:
    """A mention's tokens joined by one space, case kept (DEFINITIONS, section 2)."""
    return " ".join(tokens[span.start : span.end])
