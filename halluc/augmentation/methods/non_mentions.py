"""Words outside of mentions in the form of mentions, so that a capital letter alone is not evidence of one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from halluc.augmentation.language.casing import pattern, recase
from halluc.augmentation.language.function_words import FUNCTION_WORDS
from halluc.augmentation.methods.base import Augmenter, Lexicon, MethodConfig, OptionError, RateConfig, Tokens
from halluc.core.edits import Edit, Editable, Replace, free_positions
from halluc.core.rng import Draws

Shape = Literal["capitalised", "upper", "replaced"]
_WHY = {"capitalised": "non-mention capitalised", "upper": "non-mention in capitals", "replaced": "capitalised word"}
# Shorter words are rarely content words.
_SHORTEST = 3


class NonMentionsConfig(RateConfig):
    type: Literal["non_mentions"]
    shapes: dict[Shape, Annotated[float, Field(ge=0, le=1_000_000)]] = Field(
        default={"capitalised": 2.0, "upper": 1.0, "replaced": 1.0},
        min_length=1,
        max_length=3,
        description="how often each shape is drawn. capitalised: each word of the phrase; upper: all letters; "
        "replaced: each word becomes a rare capitalised common word of the training split",
    )
    longest: int = Field(default=2, ge=1, le=100, description="words of a phrase: from 1 to this many, drawn evenly")
    rare: int = Field(
        default=3,
        ge=1,
        le=1_000_000,
        description="with `replaced`: words that training has capitalised at most this often",
    )

    @model_validator(mode="after")
    def _has_positive_weight(self) -> NonMentionsConfig:
        if not any(self.shapes.values()):
            raise ValueError("`shapes` gives no shape a weight above 0")
        return self


class NonMentions(Augmenter):
    """Gives lower-case words outside mentions the shape of a mention: capitals, or a rare capitalised common word.

    ``rate`` is the share of the lower-case content words that are outside of mentions and not next to one. The labels
    of an example stay.
    """

    Config: ClassVar[type[MethodConfig]] = NonMentionsConfig
    changes_form_only: ClassVar[bool] = True
    instead: ClassVar[str | None] = "use `case`, which changes the casing of whole texts"
    learns: ClassVar[frozenset[Literal["words"]]] = frozenset({"words"})

    def __init__(self, config: NonMentionsConfig, training: Lexicon) -> None:
        """Raises OptionError C147: the words of the training split have no upper and lower case."""
        words = [word for of_tag in training.words.values() for word in of_tag]
        if words and not any(word.lower() != word.upper() for word in words):
            message = "no word of the training split has upper and lower case: nothing can be changed"
            raise OptionError("type", "C147", message, "remove this method")
        self.config = config
        self._words = _capitalised_words(training, config.rare)
        self._shapes = [shape for shape, weight in config.shapes.items() if weight]
        self._cumulative = list(accumulate(config.shapes[shape] for shape in self._shapes))

    def propose(self, example: Editable, draws: Draws) -> Sequence[Edit]:
        candidates = _candidates(example)
        free = set(candidates)
        edits: list[Edit] = []
        for number in self.config.choose(len(candidates), draws):
            start = candidates[number]
            end, wanted = start, 1 + draws.below(self.config.longest)
            while end in free and end - start < wanted:
                free.discard(end)
                end += 1
            shape = self._shapes[draws.weighted(self._cumulative)]
            edits += [
                Replace(at, at + 1, (new,), _WHY[shape])
                for at in range(start, end)
                if (new := self._apply_shape(example.tokens[at], shape, draws)) is not None
            ]
        return edits

    def _apply_shape(self, token: str, shape: Shape, draws: Draws) -> str | None:
        """The token in a shape; None if training has no word to replace it by."""
        if shape != "replaced":
            return recase("upper" if shape == "upper" else "title", token)
        return draws.choice(self._words) if self._words else None


def _candidates(example: Editable) -> list[int]:
    """Lower-case content words outside of mentions, and not next to one, whose borders would become unclear."""
    adjacent = {at for start, end, _ in example.spans for at in (start - 1, end)}
    tokens: Tokens = example.tokens
    return [
        at
        for at in free_positions(example, in_spans=False)
        if at not in adjacent
        and len(tokens[at]) >= _SHORTEST
        and tokens[at].isalpha()
        and tokens[at].islower()
        and tokens[at] not in FUNCTION_WORDS
    ]


def _capitalised_words(training: Lexicon, rare: int) -> list[str]:
    """Capitalised words that occur at most ``rare`` times in training, outside of mentions.

    They also occur in lower case, and never in a mention, so they are not names without annotation.
    """
    outside = training.words.get("O", {})
    named = {token.lower() for names in training.mentions.values() for name in names for token in name}
    return [
        word
        for word, count in outside.items()
        if count <= rare
        and len(word) >= _SHORTEST
        and word.isalpha()
        and pattern(word) == "title"
        and word.lower() in outside
        and word.lower() not in named
        and word.lower() not in FUNCTION_WORDS
    ]
