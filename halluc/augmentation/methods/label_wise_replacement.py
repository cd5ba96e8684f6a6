"""Tokens replaced by tokens of the same label (Dai & Adel 2020)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import ClassVar, Literal, NamedTuple

from pydantic import Field

from halluc.augmentation.methods.base import Augmenter, Lexicon, MethodConfig, RateConfig, tags
from halluc.config.section import Share
from halluc.core.edits import Edit, Editable, Replace, free_positions
from halluc.core.rng import Draws

_WHY = "token of the same label"


class LabelWiseReplacementConfig(RateConfig):
    type: Literal["label_wise_replacement"]
    rate: Share = Field(default=0.1, description="average share of the tokens of an example that is replaced")
    entities: bool = Field(default=True, description="whether tokens of mentions are also replaced")


class _Words(NamedTuple):
    """The training tokens of one tag, their cumulative counts, and the index of each token."""

    tokens: tuple[str, ...]
    cumulative: tuple[int, ...]
    place: dict[str, int]

    @classmethod
    def of(cls, counts: Mapping[str, int]) -> _Words:
        place = {token: number for number, token in enumerate(counts)}
        return cls(tuple(counts), tuple(accumulate(counts.values())), place)

    def draw_other(self, token: str, draws: Draws) -> str | None:
        """Another token than ``token``, drawn by frequency; None if there is none."""
        tokens, cumulative, place = self
        before = own = 0
        at = place.get(token)
        if at is not None:
            before = cumulative[at - 1] if at else 0
            own = cumulative[at] - before
        if own == cumulative[-1]:
            return None
        drawn = draws.below(cumulative[-1] - own)
        return tokens[bisect_right(cumulative, drawn if drawn < before else drawn + own)]


class LabelWiseReplacement(Augmenter):
    """Replaces tokens by training tokens of the same tag, drawn as often as they occur (Dai & Adel 2020).

    For a text that is labelled as a whole, tokens come from texts with the same labels.
    """

    Config: ClassVar[type[MethodConfig]] = LabelWiseReplacementConfig
    learns = frozenset({"words"})

    def __init__(self, config: LabelWiseReplacementConfig, training: Lexicon) -> None:
        self.config = config
        self._words = {tag: _Words.of(counts) for tag, counts in training.words.items() if counts}

    def propose(self, example: Editable, draws: Draws) -> Sequence[Edit]:
        tagged = tags(example)
        positions = free_positions(example, self.config.entities)
        edits: list[Edit] = []
        for number in self.config.choose(len(positions), draws):
            position = positions[number]
            words = self._words.get(tagged[position])
            token = words and words.draw_other(example.tokens[position], draws)
            if token:
                edits.append(Replace(position, position + 1, (token,), _WHY))
        return edits
