"""The example of token classification."""

from __future__ import annotations

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

    def __reduce__(self) -> tuple[Callable[..., Tagged], tuple[object, ...]]:
        # Examples are sent to worker processes by the thousand; plain tuples are pickled five times as fast.
        return _tagged, (self.id, self.origin.plain, self.tokens, tuple(map(tuple, self.spans)))


def _tagged(
    identity: str, where: tuple[Any, ...], tokens: tuple[str, ...], spans: tuple[tuple[int, int, str], ...]
) -> Tagged:  # fmt: skip
    return Tagged(identity, Origin(*where), tokens, tuple([Span(*span) for span in spans]))


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
