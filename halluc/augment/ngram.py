"""An n-gram language model over tokens with their tags: the baseline of everything that writes labelled sentences."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Literal, NamedTuple

import numpy
from pydantic import Field

from halluc.augment.base import MethodConfig, OptionError, Rejected, Synthesizer, tags
from halluc.core.edits import Editable
from halluc.core.errors import EXIT_DATA
from halluc.core.examples import Span
from halluc.core.rng import Draws

FEWEST_EXAMPLES = 10


class NgramConfig(MethodConfig):
    type: Literal["ngram"]
    order: int = Field(
        default=3, ge=2, le=10, description="tokens of an n-gram: each is drawn after `order - 1` others"
    )
    temperature: float = Field(
        default=1.0,
        ge=0.1,
        le=10,
        description="counts are raised to the power of its inverse: below 1 what is frequent is preferred, above 1 "
        "what is rare",
    )
    smoothing: Literal["witten_bell", "none"] = Field(
        default="witten_bell",
        description="witten_bell: now and then after fewer tokens, down to the last tag; none: every n-gram is one of "
        "the training split",
    )
    longest: int = Field(default=60, ge=1, description="tokens of an example; what would be longer is rejected")


class Ngram(Synthesizer):
    """Writes new labelled sentences by an n-gram model of tokens with tags, the baseline of neural synthesizers.

    As in DAGA (Ding et al. 2020) the labels are written into the token stream, and what is sampled is parsed back;
    but each (IOB2 tag, token) is one symbol, the model is an n-gram model with Witten-Bell smoothing (Witten & Bell
    1991), and its lowest order draws after the last tag alone, so that no invalid sequence of tags can come up. It is
    what a neural synthesizer (DAGA, SeqGAN) must stand beside (Caccia et al. 2020). At order 3 it repeats long
    stretches of the training split, and whole sentences of a small one: the filter ``duplicate`` removes those.
    """

    Config: ClassVar[type[MethodConfig]] = NgramConfig

    def __init__(self, config: NgramConfig) -> None:
        self.config = config
        self._symbols = Symbols()
        self._levels: tuple[Level, ...] = ()

    def fit(self, examples: Iterable[Editable]) -> None:
        """Count the n-grams of all orders.

        Raises:
            OptionError D144: fewer than 10 examples.
        """
        padding = self.config.order - 1
        self._symbols = Symbols()
        stream, count = array("q", [BORDER] * padding), 0
        for example in examples:
            if example.tokens:
                stream.extend(self._symbols.of(example))
                stream.extend([BORDER] * padding)
                count += 1
        if count < FEWEST_EXAMPLES:
            message = f"{count} training examples are too few for an n-gram model: it needs {FEWEST_EXAMPLES}"
            help = "give it a larger training split, or leave this method out"
            raise OptionError("order", "D144", message, help, EXIT_DATA)
        self._levels = levels_of(stream, self._symbols.tags, padding, 1 / self.config.temperature)

    def sample(self, like: Editable, draws: Draws) -> Editable:
        if like.locked:
            raise Rejected("locked")
        padding = self.config.order - 1
        made = [BORDER] * padding
        while (symbol := self._next(made, draws)) != BORDER:
            made.append(symbol)
            if len(made) - padding > self.config.longest:
                raise Rejected("too long")
        return self._symbols.parsed(made[padding:])

    def _next(self, made: Sequence[int], draws: Draws) -> int:
        """The symbol after those made, drawn from the longest context that smoothing does not pass by."""
        size, levels = len(self._symbols.tokens), self._levels
        context = self._symbols.tags[made[-1]]
        known = [context]
        for depth in range(1, len(levels)):
            context = levels[depth].context(context * size + made[-depth])
            if context < 0:
                break
            known.append(context)
        depth = len(known) - 1
        if self.config.smoothing == "witten_bell":
            while depth and draws.uniform() < levels[depth].passed[known[depth]]:
                depth -= 1
        return levels[depth].drawn(known[depth], draws)


# The symbol, and the tag, of what stands before and after every example.
BORDER = 0


class Symbols:
    """The pairs of tag and token, numbered in the order of first appearance."""

    def __init__(self) -> None:
        self.tokens = [""]
        self.tags = [BORDER]
        self._names = [""]
        self._number: dict[str, tuple[int, dict[str, int]]] = {}

    def of(self, example: Editable) -> list[int]:
        return [self._symbol(tag, token) for tag, token in zip(tags(example), example.tokens, strict=True)]

    def _symbol(self, tag: str, token: str) -> int:
        if tag not in self._number:
            self._number[tag] = len(self._names), {}
            self._names.append(tag)
        tag_number, of_tag = self._number[tag]
        symbol = of_tag.get(token)
        if symbol is None:
            symbol = of_tag[token] = len(self.tokens)
            self.tokens.append(token)
            self.tags.append(tag_number)
        return symbol

    def parsed(self, symbols: Sequence[int]) -> Editable:
        """The labelled example that the symbols spell; ``I-`` goes on with the span before it."""
        spans: list[Span] = []
        for at, symbol in enumerate(symbols):
            prefix, _, label = self._names[self.tags[symbol]].partition("-")
            if prefix == "B":
                spans.append(Span(at, at + 1, label))
            elif prefix == "I":
                spans[-1] = Span(spans[-1].start, at + 1, label)
        return Editable(tuple([self.tokens[symbol] for symbol in symbols]), tuple(spans))


class Level(NamedTuple):
    """All contexts of one length with what follows them, as flat arrays: a few bytes an n-gram.

    ``codes`` are the contexts, ascending, each made of the next shorter one and the symbol before that. What follows
    context ``n`` stands in ``symbols`` from ``starts[n]`` to ``starts[n + 1]``; ``sums`` are the running sums of their
    weights, and ``passed`` is how often a shorter context is used instead (Witten & Bell).
    """

    codes: array[int]
    starts: array[int]
    symbols: array[int]
    sums: array[float]
    passed: array[float]

    def context(self, code: int) -> int:
        """The number of a context, or -1 where the training split has none such."""
        at = bisect_left(self.codes, code)
        return at if at < len(self.codes) and self.codes[at] == code else -1

    def drawn(self, context: int, draws: Draws) -> int:
        start, end = self.starts[context], self.starts[context + 1]
        below = self.sums[start - 1] if start else 0.0
        wanted = below + draws.uniform() * (self.sums[end - 1] - below)
        return self.symbols[min(bisect_right(self.sums, wanted, start, end), end - 1)]


def levels_of(stream: Sequence[int], tag_of: Sequence[int], padding: int, power: float) -> tuple[Level, ...]:
    """The levels of a stream of symbols with ``padding`` borders around each example.

    Level 0 has the last tag for its context, level n the last n symbols; counts are raised to ``power``.
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
        # Tags are their own numbers, since every tag stands before something.
        context = numbered
        levels.append(_level(known, context * size + symbols[at], size, power))
    return tuple(levels)


def _level(known: Any, ngrams: Any, size: int, power: float) -> Level:
    """One level, from its contexts and the code (context and symbol) of every n-gram."""
    codes, counts = numpy.unique(ngrams, return_counts=True)
    context = codes // size
    starts = numpy.searchsorted(context, numpy.arange(len(known) + 1))
    most = numpy.maximum.reduceat(counts, starts[:-1]).astype(float)
    # Weights as shares of the greatest: a high power of a great count would drown its neighbours in the running sums.
    weights = (counts / most[context]) ** power
    totals = numpy.add.reduceat(weights, starts[:-1]) * most**power
    distinct = numpy.diff(starts)
    return Level(
        _packed("q", known),
        _packed("q", starts),
        _packed("i", codes % size),
        _packed("d", numpy.cumsum(weights)),
        _packed("d", distinct / (totals + distinct)),
    )


def _packed(code: Literal["q", "i", "d"], values: Any) -> Any:
    """An ``array``, whose single values are read faster than those of NumPy."""
    return array(code, values.astype(code).tobytes())
