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
    order: int = Field(default=3, ge=2, le=10, description="tokens of an n-gram: each is drawn after `order - 1` others")
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
            stream.extend(self._symbols.of(example))
            stream.extend([BORDER] * padding)
            count += 1
        if count < FEWEST_EXAMPLES:
            message = f"{count} training examples are too few for an n-gram model: it needs {FEWEST_EXAMPLES}"
            help = "give it a larger training split, or leave this method out"
            raise OptionError("order", "D144", message, help, EXIT_DATA)
        kinds = numpy.array(self._symbols.kinds, dtype=numpy.int64)
        levels = levels_of(numpy.frombuffer(stream, dtype=numpy.int64), kinds, padding, 1 / self.config.temperature)
        self._levels = levels if self.config.smoothing == "witten_bell" else levels[-1:]

    def sample(self, like: Editable, draws: Draws) -> Editable:
        if like.locked:
            raise Rejected("locked")
        padding = self.config.order - 1
        made = [BORDER] * padding
        while True:
            symbol = self._next(made, draws)
            if symbol == BORDER:
                break
            made.append(symbol)
            if len(made) - padding > self.config.longest:
                raise Rejected("too long")
        if len(made) == padding:
            raise Rejected("empty")
        return self._symbols.parsed(made[padding:])

    def _next(self, made: Sequence[int], draws: Draws) -> int:
        """The symbol after those made, from the longest context that Witten-Bell does not pass by."""
        raise NotImplementedError
