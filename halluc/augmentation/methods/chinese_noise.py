"""Noise in Chinese text: character confusions of input methods and OCR."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from halluc.augmentation.language import chinese
from halluc.augmentation.methods.base import Augmenter, Lexicon, RateConfig
from halluc.core.edits import Edit, Editable, Replace, free_positions
from halluc.core.rng import Draws

ChineseKind = Literal["homophone", "lookalike"]
_TABLES = {"homophone": chinese.homophones, "lookalike": chinese.lookalikes}
_WHY = {"homophone": "homophone", "lookalike": "similar shape"}


class ChineseNoiseConfig(RateConfig):
    type: Literal["chinese_noise"]
    kinds: dict[ChineseKind, Annotated[float, Field(gt=0, le=1_000_000)]] = Field(
        default={"homophone": 2.0, "lookalike": 1.0},
        min_length=1,
        max_length=2,
        description="weight of each kind. homophone: a character with the same Pinyin (input method errors); "
        "lookalike: a character of similar shape (OCR errors)",
    )
    mentions: bool = Field(default=True, description="whether characters of mentions are also replaced")


class ChineseNoise(Augmenter):
    """Replaces Chinese characters by homophones and by characters of a similar shape.

    In a token, one frequent character is replaced by another frequent one of the same script (simplified or
    traditional).
    """

    Config: ClassVar[type[RateConfig]] = ChineseNoiseConfig
    changes_form_only = True

    def __init__(self, config: ChineseNoiseConfig, training: Lexicon) -> None:
        self.config = config
        self._tables: Mapping[ChineseKind, Mapping[chinese.Script, chinese.Alternatives]] = {
            kind: _TABLES[kind]() for kind in config.kinds
        }

    def propose(self, example: Editable, draws: Draws) -> Sequence[Edit]:
        script = chinese.script_of("".join(example.tokens))
        tables = {kind: table[script] for kind, table in self._tables.items()}
        options = {
            at: places
            for at in free_positions(example, self.config.mentions)
            if (places := _options(example.tokens[at], tables))
        }
        edits = []
        candidates = list(options)
        for number in self.config.choose(len(candidates), draws):
            at = candidates[number]
            token, places = example.tokens[at], options[at]
            place, kind = places[draws.weighted(list(accumulate(self.config.kinds[kind] for _, kind in places)))]
            new = draws.choice(tables[kind][token[place]])
            edits.append(Replace(at, at + 1, (token[:place] + new + token[place + 1 :],), _WHY[kind]))
        return edits


def _options(token: str, tables: Mapping[ChineseKind, chinese.Alternatives]) -> list[tuple[int, ChineseKind]]:
    """The characters of a token that have alternatives, by position, with the kind of alternative."""
    return [(place, kind) for place, char in enumerate(token) for kind, table in tables.items() if char in table]
