"""Noise: typing and scanning errors in words."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Sequence
from itertools import accumulate
from typing import Annotated, ClassVar, Literal, get_args

from pydantic import Field, model_validator

from halluc.augmentation.language.casing import pattern, recase
from halluc.augmentation.methods import noise_slips
from halluc.augmentation.methods.base import Augmenter, Lexicon, RateConfig
from halluc.augmentation.methods.noise_slips import Slip, fold_token, unfold_token
from halluc.augmentation.methods.noise_tables import MISSPELLINGS
from halluc.config.section import Share, SmallCount
from halluc.core.edits import Edit, Editable, Replace, is_free
from halluc.core.rng import Draws

Kind = Literal[
    "keyboard", "ocr", "insert", "delete", "swap", "substitute", "double", "misspelling", "whitespace", "punctuation"
]
KINDS: tuple[Kind, ...] = get_args(Kind)
_WEIGHTS: dict[Kind, float] = {
    "keyboard": 2.0, "ocr": 1.0, "insert": 1.0, "delete": 1.5, "swap": 1.5, "substitute": 0.5, "double": 1.0,
    "misspelling": 2.0, "whitespace": 0.5, "punctuation": 1.0,
}  # fmt: skip

# The function for a slip of a character, None for misspellings and white space; and the reason in the provenance.
_Kind = tuple[Slip | None, str]
_MISSPELLING: _Kind = (None, "misspelling")
_SLIPS: dict[Kind, _Kind] = {
    "keyboard": (noise_slips.keyboard, "keyboard neighbour"),
    "ocr": (noise_slips.ocr, "OCR confusion"),
    "insert": (noise_slips.insert, "character inserted"),
    "delete": (noise_slips.delete, "character deleted"),
    "swap": (noise_slips.swap, "characters swapped"),
    "substitute": (noise_slips.substitute, "character substituted"),
    "double": (noise_slips.double, "character doubled"),
    "misspelling": _MISSPELLING,
    "whitespace": (None, "white space"),
}

# A slip uses one draw of 64 bits: 12 choose the kind, 32 the character, 20 the replacement.
_KIND_BITS, _PLACE_BITS = 12, 32
_KIND_MASK, _PLACE_MASK = (1 << _KIND_BITS) - 1, (1 << _PLACE_BITS) - 1
_WHAT_SHIFT = _KIND_BITS + _PLACE_BITS

# A named tuple defined this way is created three times as fast, and slips are made by the million.
_new_tuple = tuple.__new__

# The number of draws of a kind for a token, and of a token for an example with too few slips; then all are tried in
# order.
_KIND_DRAWS, _TOKEN_DRAWS = 4, 8


class NoiseConfig(RateConfig):
    type: Literal["noise"]
    kinds: dict[Kind, Annotated[float, Field(ge=0, le=1_000_000)]] = Field(
        default=_WEIGHTS,
        min_length=1,
        max_length=len(KINDS),
        description="kinds of noise with their weights; other kinds are not used; if a kind is impossible (keyboard "
        "neighbours of Chinese characters), another kind is used",
    )
    char_rate: Share = Field(default=0.1, description="share of the characters of a noisy token that is changed")
    char_at_least: SmallCount = Field(
        default=1, description="minimum number of changed characters in a noisy token, if possible"
    )
    char_at_most: SmallCount | None = Field(
        default=2, description="maximum number of changed characters in a noisy token; null: according to `char_rate`"
    )
    mentions: bool = Field(default=True, description="whether noise is also applied to tokens of mentions")
    min_length: SmallCount = Field(
        default=2, description="tokens with fewer characters are not changed, except punctuation"
    )

    @model_validator(mode="after")
    def _has_positive_weight(self) -> NoiseConfig:
        if not any(self.kinds.values()):
            raise ValueError("`kinds` has no kind of noise with a weight above 0")
        if self.char_at_most is not None and self.char_at_most < self.char_at_least:
            raise ValueError(f"`char_at_most: {self.char_at_most}` is less than `char_at_least: {self.char_at_least}`")
        return self


class Noise(Augmenter):
    """Misspells words: keyboard and OCR slips, dropped, doubled and swapped letters, common misspellings, white space.

    ``rate`` is the share of the tokens that can be noised. A drawn token that cannot be noised is skipped, and replaced
    by another draw only if an example would get fewer slips than ``at_least``.
    """

    Config: ClassVar[type[RateConfig]] = NoiseConfig
    changes_form_only: ClassVar[bool] = True

    def __init__(self, config: NoiseConfig, training: Lexicon) -> None:
        self.config = config
        kinds = [kind for kind in KINDS if config.kinds.get(kind)]
        self._punctuates = "punctuation" in kinds
        self._kinds = [_SLIPS[kind] for kind in kinds if kind in _SLIPS]
        self._table = _table([config.kinds[kind] for kind in kinds if kind in _SLIPS], self._kinds)
        self._shortest = config.min_length if self._kinds else 1 << 30
        # Words up to this length always have exactly one changed character, which is faster.
        self._longest_with_one = int(1 / config.char_rate) if config.char_rate else 1 << 30
        if config.char_at_least > 1:
            self._longest_with_one = 1

    def propose(self, example: Editable, draws: Draws) -> Sequence[Edit]:
        config = self.config
        chosen = config.choose(len(example.tokens), draws)
        edits: list[Replace] = []
        everywhere = config.mentions and not example.locked
        for at in chosen:
            if everywhere or self._may_change(example, at):
                edit = self._slip(example, at, chosen, draws)
                if edit is not None:
                    edits.append(edit)
        if chosen and len(edits) < config.at_least:
            self._add_more(example, chosen, edits, draws)
        return edits

    def _may_change(self, example: Editable, at: int) -> bool:
        if not self.config.mentions and any(start <= at < end for start, end, _ in example.spans):
            return False
        return is_free(example, at, at + 1)

    def _add_more(self, example: Editable, tried: list[int], edits: list[Replace], draws: Draws) -> None:
        """Add slips in other tokens until there are ``at_least``: some drawn at random, then all in order."""
        size = len(example.tokens)
        used = set(tried)
        for edit in edits:
            used.update(range(edit.start, edit.end))
        for step in range(_TOKEN_DRAWS + size):
            at = draws.below(size) if step < _TOKEN_DRAWS else step - _TOKEN_DRAWS
            if at in used or not self._may_change(example, at):
                continue
            used.add(at)
            slip = self._slip(example, at, used, draws)
            if slip is not None:
                edits.append(slip)
                used.update(range(slip.start, slip.end))
                if len(edits) >= self.config.at_least:
                    return

    def _slip(self, example: Editable, at: int, taken: Collection[int], draws: Draws) -> Replace | None:
        """A slip of one token, which is not joined with the tokens at ``taken``."""
        token = example.tokens[at]
        if not token.isalnum() and not any(map(str.isalnum, token)):
            # A corpus in JSON may have empty tokens.
            return noise_slips.punctuation(example, at, draws) if self._punctuates and token else None
        size = len(token)
        if size < self._shortest:
            return None
        bits = draws.bits()
        if size <= self._longest_with_one and token.isascii():
            # The fast path, for most tokens.
            if (slip := self._table[bits & _KIND_MASK]) is _MISSPELLING and token.lower() not in MISSPELLINGS:
                bits = draws.bits()
                slip = self._table[bits & _KIND_MASK]
            if slip[0] is not None:
                place = ((bits >> _KIND_BITS & _PLACE_MASK) * size) >> _PLACE_BITS
                written = slip[0](token, place, bits >> _WHAT_SHIFT)
                if written != token:
                    return _new_tuple(Replace, (at, at + 1, (written,), slip[1]))
        return self._any_slip(example, at, taken, bits, draws)

    def _any_slip(self, example: Editable, at: int, taken: Collection[int], bits: int, draws: Draws) -> Replace | None:
        """A slip of the drawn kind; if it is impossible, of others that are drawn, then of the first possible kind."""
        for _ in range(_KIND_DRAWS):
            edit = self._slip_of_kind(self._table[bits & _KIND_MASK], example, at, taken, bits >> _KIND_BITS, draws)
            if edit is not None:
                return edit
            bits = draws.bits()
        edits = (self._slip_of_kind(kind, example, at, taken, bits >> _KIND_BITS, draws) for kind in self._kinds)
        return next((edit for edit in edits if edit is not None), None)

    def _slip_of_kind(
        self, kind: _Kind, example: Editable, at: int, taken: Collection[int], bits: int, draws: Draws
    ) -> Replace | None:
        """A slip of this kind, if it is possible."""
        token = example.tokens[at]
        slip, why = kind
        if slip is not None:
            written = self._slip_characters(token, slip, bits, draws)
            return None if written is None else Replace(at, at + 1, (written,), why)
        return _misspelling(token, at, bits) if kind is _MISSPELLING else _whitespace_slip(example, at, taken, bits)

    def _slip_characters(self, token: str, slip: Slip, bits: int, draws: Draws) -> str | None:
        """The token with slips of some of its characters; None if it would be unchanged."""
        word, several = fold_token(token)
        size = len(word)
        count = self._count(size, draws)
        at = ((bits & _PLACE_MASK) * size) >> _PLACE_BITS
        what = bits >> _PLACE_BITS
        written = word
        if count == 1:
            written = slip(word, at, what)
            if written == word:  # no slip of this character: try the next ones
                tried = (slip(word, (at + step) % size, what) for step in range(1, size))
                written = next((one for one in tried if one != word), word)
        else:
            for place in reversed(draws.some(size, count)):  # from the right, as a slip moves what follows it
                written = slip(written, place, draws.bits() >> _WHAT_SHIFT)
        return unfold_token(written, several) if written != word else None

    def _count(self, size: int, draws: Draws) -> int:
        """The number of characters to change in a token of ``size`` characters."""
        config = self.config
        expected = config.char_rate * size
        least = config.char_at_least
        count = least if expected <= least else draws.count(expected)
        return min(count, size, config.char_at_most or size)


def _table(weights: Sequence[float], kinds: Sequence[_Kind]) -> list[_Kind]:
    """A table of kinds for a few random bits, with each kind in proportion to its weight, but at least once."""
    size = _KIND_MASK + 1
    ends = [part / sum(weights) * size for part in accumulate(weights)]
    table = [kinds[min(bisect_right(ends, place), len(kinds) - 1)] for place in range(size)] if kinds else []
    for place, kind in enumerate(kinds):
        if kind not in table:
            table[place] = kind
    return table


def _misspelling(token: str, at: int, bits: int) -> Replace | None:
    known = MISSPELLINGS.get(token.lower())
    cased = pattern(token) if known else "mixed"
    if not known or cased == "mixed":
        return None
    return Replace(at, at + 1, (recase(cased, known[(bits & _PLACE_MASK) * len(known) >> _PLACE_BITS]),), "misspelling")


def _whitespace_slip(example: Editable, at: int, taken: Collection[int], bits: int) -> Replace | None:
    """The token split in two, or joined with the next one if no border of a span or lock is between them."""
    token = example.tokens[at]
    if bits & 1 and at + 1 < len(example.tokens) and at + 1 not in taken and _may_join(example, at):
        return Replace(at, at + 2, (token + example.tokens[at + 1],), "tokens joined")
    word, several = fold_token(token)
    if len(word) < 2:
        return None
    cut = 1 + (((bits >> 1 & _PLACE_MASK) * (len(word) - 1)) >> _PLACE_BITS)
    return Replace(at, at + 1, (unfold_token(word[:cut], several), unfold_token(word[cut:], several)), "token split")


def _may_join(example: Editable, at: int) -> bool:
    border = at + 1
    if any(start == border or end == border for start, end, _ in example.spans):
        return False
    return not example.locked or is_free(example, at, at + 2)
