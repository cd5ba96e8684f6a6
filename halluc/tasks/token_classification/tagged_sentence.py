"""The example of token classification."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from halluc.core.examples import Mark, Origin, Pair, Span, surface


@dataclass(frozen=True, slots=True)
class Tagged:
    """Tokens and labelled spans, sorted and without overlap."""

    id: str
    origin: Origin
    tokens: tuple[str, ...]
    spans: tuple[Span, ...]

    @property
    def annotation(self) -> tuple[Span, ...]:
        return self.spans

    @property
    def labels(self) -> list[str]:
        return [span.label for span in self.spans]

    @property
    def pairs(self) -> list[Pair]:
        """Its mentions: surface and label."""
        return [(surface(self.tokens, span), span.label) for span in self.spans]

    @property
    def plain(self) -> tuple[object, ...]:
        """What ``of_plain`` makes it of."""
        return self.id, self.origin.plain, self.tokens, tuple(map(tuple, self.spans))

    @staticmethod
    def of_plain(
        identity: str, where: tuple[Any, ...], tokens: tuple[str, ...], spans: tuple[tuple[int, int, str], ...]
    ) -> Tagged:  # fmt: skip
        file, *others = where
        # What keeps the name of the file, as coverage does of each mention, keeps the same string.
        return Tagged(identity, Origin(sys.intern(file), *others), tokens, tuple([Span(*span) for span in spans]))

    def __reduce__(self) -> tuple[Callable[..., Tagged], tuple[object, ...]]:
        # Examples go to worker processes by the thousand; as plain tuples they are pickled in a fifth of the time.
        return Tagged.of_plain, self.plain


def with_spans(example: Tagged, marks: Sequence[Mark]) -> Tagged:
    """The sentence with these spans.

    Raises:
        ValueError: a span is outside of the sentence, or two overlap.
    """
    spans = []
    for start, end, label in marks:
        if start is None or end is None or not 0 <= start < end <= len(example.tokens):
            raise ValueError(f"tokens {start} to {end} are not in the sentence, which has {len(example.tokens)}")
        spans.append(Span(start, end, label))
    spans.sort()
    for one, other in pairwise(spans):
        if other.start < one.end:
            text = " and ".join(f"[{span.start}, {span.end}, {span.label}]" for span in (one, other))
            raise ValueError(f"the spans {text} overlap")
    return replace(example, spans=tuple(spans))


@dataclass(frozen=True, slots=True)
class RawSentence:
    """One sentence with spans, or with tags whose scheme is not known yet.

    ``lines`` has the line of each token (from 1). ``confidences`` are those of the spans in the file, unchecked, None
    if one has none; empty if no span has one. ``number`` is that of ``Origin``.
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
    number: int = 0

    @property
    def origin(self) -> Origin:
        return Origin(self.file, self.lines[0], self.document, number=self.number)

    @property
    def plain(self) -> tuple[object, ...]:
        """What ``of_plain`` makes it of: lines in a row as the first and the one behind the last."""
        lines = (self.lines.start, self.lines.stop) if isinstance(self.lines, range) else None
        spans = None if self.spans is None else tuple(map(tuple, self.spans))
        return (
            lines, self.id, self.file, () if lines else tuple(self.lines), self.document, self.tokens, self.tags, spans,
            self.repairs, self.confidences, self.number,
        )  # fmt: skip

    @staticmethod
    def of_plain(
        lines: tuple[int, int] | None, identity: str, file: str, several: tuple[int, ...], document: int,
        tokens: tuple[str, ...], tags: tuple[str, ...] | None, spans: tuple[tuple[int, int, str], ...] | None,
        *rest: Any,
    ) -> RawSentence:  # fmt: skip
        made = None if spans is None else tuple([Span(*span) for span in spans])
        return RawSentence(
            identity, file, range(*lines) if lines else several, document, tokens, tags, made, *rest
        )  # fmt: skip
