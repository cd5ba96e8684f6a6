"""The base types of corpora, and of claims: what a model asserts about an example (DEFINITIONS, section 1).

Every task adds its own frozen example class, and turns its predictions and its gold into claims. The ledger and
everything after it work on claims alone and do not depend on the task.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, Literal, NamedTuple, Protocol, TypeVar


class Span(NamedTuple):
    """Tokens ``start`` to ``end`` (half open) of one example, with a label."""

    start: int
    end: int
    label: str


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an example came from.

    ``line`` is its first line in ``file`` (from 1); ``document`` is the number of its document in the file, 0 for all
    examples if the file has no documents; ``parent`` is the id of the example it was augmented from, and ``methods``
    the methods. ``number`` is its position among all examples of the file, from 1, including examples that are left
    out; 0: unknown.
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
        return (
            0 < self.number == other.number - 1 and self.document == other.document and self.file == other.file
        )  # fmt: skip


# The smallest piece of training evidence: a surface and its label there.
Pair = tuple[str, str]


class Example(Protocol):
    """What every example has, independent of the task.

    ``tokens`` are its words. ``annotation`` is its complete gold annotation: examples with equal tokens and annotation
    are duplicates. ``pairs`` has the surface and the label of each labelled thing, ``labels`` the labels alone.
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
    inputs: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.examples)

    def __iter__(self) -> Iterator[ExampleT]:
        return iter(self.examples)


def surface(tokens: Sequence[str], span: Span) -> str:
    """A mention's tokens joined by one space, case kept (DEFINITIONS, section 2)."""
    return " ".join(tokens[span.start : span.end])


# The evidence agrees; the claim is about something real but gets it wrong; no evidence supports it; no evidence to
# judge.
Verdict = Literal["supported", "distorted", "unsupported", "unverifiable"]
VERDICTS: tuple[Verdict, ...] = ("supported", "distorted", "unsupported", "unverifiable")


# The tokens of a gold annotation and its label: a span, or (None, None, label) if the label is of the whole example.
Mark = tuple[int | None, int | None, str]


def rounded(confidence: float | None) -> float | None:
    """A confidence as written to files: six decimals, None if there is none."""
    return None if confidence is None else round(confidence, 6)


@dataclass(frozen=True, slots=True)
class Evidence:
    """The gold that a claim was matched to, and other gold that it overlaps (which is then not omitted either)."""

    matched: Mark | None = None
    touched: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True)
class Claim:
    """One assertion about one example; the judge sets ``verdict``, ``reason`` and ``evidence``.

    ``kind`` is its type, such as ``"span"``; ``text`` is the surface; ``where`` are its tokens, if any: tokens of the
    example or, if the model writes a text, of that text. ``parts`` are the surfaces that it relates, if it is a
    relation.
    """

    example_id: str
    kind: str
    text: str
    where: Span | None
    label: str
    confidence: float | None = None
    verdict: Verdict | None = None
    reason: str | None = None
    evidence: Evidence = Evidence()
    parts: tuple[str, ...] = ()

    @property
    def mark(self) -> Mark:
        """What identifies it among the claims about the same example."""
        return self.where or (None, None, self.label)


@dataclass(frozen=True, slots=True)
class Judged:
    """The claims about one example with their verdicts, in order, and the gold that no claim touches."""

    claims: tuple[Claim, ...]
    omissions: tuple[Claim, ...]
