"""The example of token classification."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from halluc.core.claims import Mark
from halluc.core.examples import Origin, Pair, Span, surface


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
        """Plain tuples for ``of_plain``."""
        return self.id, self.origin.plain, self.tokens, tuple(map(tuple, self.spans))

    @staticmethod
    def of_plain(
        identity: str, where: tuple[Any, ...], tokens: tuple[str, ...], spans: tuple[tuple[int, int, str], ...]
    ) -> Tagged:  # fmt: skip
        file, *others = where
        # Coverage stores the file of each mention: interned, all mentions share one string.
        return Tagged(identity, Origin(sys.intern(file), *others), tokens, tuple([Span(*span) for span in spans]))

    def __reduce__(self) -> tuple[Callable[..., Tagged], tuple[object, ...]]:
        # Thousands of examples are sent to worker processes, and plain tuples are pickled five times as fast.
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

    ``lines`` has the line of each token (from 1). ``confidences`` are those of the spans, unchecked, None for a span
    without one; empty if no span has one. ``number`` is that of ``Origin``.
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
        """Plain tuples for ``of_plain``; consecutive lines are stored as the bounds of a range."""
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
        of_lines = range(*lines) if lines else several
        of_spans = None if spans is None else tuple([Span(*span) for span in spans])
        return RawSentence(identity, file, of_lines, document, tokens, tags, of_spans, *rest)
