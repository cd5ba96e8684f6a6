"""An n-gram model as flat arrays: symbols of a tag and a token, and the continuations of every context."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy

from halluc.augmentation.methods.base import tags
from halluc.core.edits import Editable
from halluc.core.examples import Span
from halluc.core.rng import Draws

# The symbol, and the tag, before and after every example.
BORDER = 0


class Symbols:
    """The numbers of the pairs of tag and token, in the order of first appearance."""

    def __init__(self) -> None:
        self.tokens = [""]
        self.tags = [BORDER]
        self._tag_numbers = {"": BORDER}
        self._numbers: dict[tuple[str, str], int] = {}

    def of(self, example: Editable) -> list[int]:
        return [self._symbol(tag, token) for tag, token in zip(tags(example), example.tokens, strict=True)]

    def _symbol(self, tag: str, token: str) -> int:
        if (tag, token) not in self._numbers:
            self._numbers[tag, token] = len(self.tokens)
            self.tokens.append(token)
            self.tags.append(self._tag_numbers.setdefault(tag, len(self._tag_numbers)))
        return self._numbers[tag, token]

    def parse(self, symbols: Sequence[int]) -> Editable:
        """The labelled example of the symbols; ``I-`` continues the span before it."""
        spans: list[Span] = []
        names = list(self._tag_numbers)
        for at, symbol in enumerate(symbols):
            prefix, _, label = names[self.tags[symbol]].partition("-")
            if prefix == "B":
                spans.append(Span(at, at + 1, label))
            elif prefix == "I":
                spans[-1] = Span(spans[-1].start, at + 1, label)
        return Editable(tuple([self.tokens[symbol] for symbol in symbols]), tuple(spans))


class NgramLevel(NamedTuple):
    """All contexts of one length with their continuations, as flat arrays: a few bytes per n-gram.

    ``codes`` are the contexts, ascending, each composed of the next shorter one and the symbol before that. The
    continuations of context ``n`` are in ``symbols`` from ``starts[n]`` to ``starts[n + 1]``; ``sums`` are the
    cumulative sums of their weights, and ``passed`` is the probability of backing off to a shorter context (Witten &
    Bell).
    """

    codes: array[int]
    starts: array[int]
    symbols: array[int]
    sums: array[float]
    passed: array[float]

    def context(self, code: int) -> int:
        """The number of a context, or -1 if it does not occur in the training split."""
        at = bisect_left(self.codes, code)
        return at if at < len(self.codes) and self.codes[at] == code else -1

    def draw(self, context: int, draws: Draws) -> int:
        start, end = self.starts[context], self.starts[context + 1]
        below = self.sums[start - 1] if start else 0.0
        wanted = below + draws.uniform() * (self.sums[end - 1] - below)
        return self.symbols[min(bisect_right(self.sums, wanted, start, end), end - 1)]


class NgramModel(NamedTuple):
    symbols: Symbols
    levels: tuple[NgramLevel, ...]


class Stream:
    """The training examples of one set of labels, concatenated as symbols with borders between them."""

    def __init__(self, padding: int) -> None:
        self.symbols, self.count = Symbols(), 0
        self._padding = padding
        self._stream = array("q", [BORDER] * padding)

    def add(self, example: Editable) -> None:
        if not example.tokens:
            return
        self._stream.extend(self.symbols.of(example))
        self._stream.extend([BORDER] * self._padding)
        self.count += 1

    def model(self, power: float) -> NgramModel:
        return NgramModel(self.symbols, build_levels(self._stream, self.symbols.tags, self._padding, power))


def build_levels(stream: Sequence[int], tag_of: Sequence[int], padding: int, power: float) -> tuple[NgramLevel, ...]:
    """The levels of a stream of symbols with ``padding`` borders around each example.

    The context of level 0 is the last tag, that of level n are the last n symbols; counts are raised to ``power``.
    """
    symbols, kinds = numpy.array(stream, dtype=numpy.int64), numpy.array(tag_of, dtype=numpy.int64)
    size = len(kinds)
    at = padding + numpy.flatnonzero((symbols[padding:] != BORDER) | (symbols[padding - 1 : -1] != BORDER))
    context = codes = kinds[symbols[at - 1]]
    levels = []
    for depth in range(padding + 1):
        if depth:
            codes = context * size + symbols[at - depth]
        known, numbered = numpy.unique(codes, return_inverse=True)
        context = numbered  # at depth 0 equal to the tags, since each of them occurs as a context
        levels.append(_level(known, context * size + symbols[at], size, power))
    return tuple(levels)


def _level(known: Any, ngrams: Any, size: int, power: float) -> NgramLevel:
    """One level, from its contexts and the code (context and symbol) of every n-gram."""
    codes, counts = numpy.unique(ngrams, return_counts=True)
    context = codes // size
    starts = numpy.searchsorted(context, numpy.arange(len(known) + 1))
    most = numpy.maximum.reduceat(counts, starts[:-1]).astype(float)
    # Relative to the largest count of the context, since powers of large counts would dominate the cumulative sums.
    weights = (counts / most[context]) ** power
    totals = numpy.add.reduceat(weights, starts[:-1]) * most**power
    distinct = numpy.diff(starts)
    return NgramLevel(
        _pack("q", known),
        _pack("q", starts),
        _pack("i", codes % size),
        _pack("d", numpy.cumsum(weights)),
        _pack("d", distinct / (totals + distinct)),
    )


def _pack(code: Literal["q", "i", "d"], values: Any) -> Any:
    """An ``array``, whose single values are accessed faster than those of NumPy."""
    return array(code, values.astype(code).tobytes())
