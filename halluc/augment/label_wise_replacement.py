"""Tokens replaced by tokens of the same tag (Dai & Adel 2020)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import ClassVar, Literal, NamedTuple

from pydantic import Field

from halluc.augment.base import Augmenter, MethodConfig, Rate, RateConfig, Training, tags
from halluc.core.edits import Edit, Editable, Replace, is_free
from halluc.core.rng import Draws

# How often a token is drawn before it is left, where one token makes up nearly all of its tag.
_TRIES = 8
_WHY = "token of the same label"


class LabelWiseReplacementConfig(RateConfig):
    type: Literal["label_wise_replacement"]
    rate: Rate = Field(default=0.1, description="share of the tokens of an example that is replaced, on average")
    entities: bool = Field(default=True, description="whether tokens of mentions are replaced too")


class _Words(NamedTuple):
    """The training tokens of one tag, and the running sums of their counts."""

    tokens: tuple[str, ...]
    cumulative: tuple[int, ...]


class LabelWiseReplacement(Augmenter):
    """Replaces tokens by training tokens of the same tag, drawn as often as they occur (Dai & Adel 2020)."""

    Config: ClassVar[type[MethodConfig]] = LabelWiseReplacementConfig
    learns = frozenset({"words"})

    def __init__(self, config: LabelWiseReplacementConfig, training: Training) -> None:
        self.config = config
        self._words = {
            tag: _Words(tuple(counts), tuple(accumulate(counts.values()))) for tag, counts in training.words.items()
        }

    def propose(self, example: Editable, draws: Draws) -> Sequence[Edit]:
        tagged = tags(example)
        positions = self._positions(example, tagged)
        edits: list[Edit] = []
        for number in self.config.chosen(len(positions), draws):
            position = positions[number]
            token = self._another(example.tokens[position], tagged[position], draws)
            if token is not None:
                edits.append(Replace(position, position + 1, (token,), _WHY))
        return edits

    def _positions(self, example: Editable, tagged: Sequence[str]) -> Sequence[int]:
        positions: Sequence[int] = range(len(tagged))
        if not self.config.entities and example.spans:
            positions = [position for position in positions if tagged[position] == "O"]
        if example.locked:
            positions = [position for position in positions if is_free(example, position, position + 1)]
        return positions

    def _another(self, token: str, tag: str, draws: Draws) -> str | None:
        words = self._words.get(tag)
        if words is None:
            return None
        for _ in range(_TRIES):
            drawn = words.tokens[draws.weighted(words.cumulative)]
            if drawn != token:
                return drawn
        return None
