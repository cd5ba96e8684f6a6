"""The words that a masked language model can predict for one mask: pieces that are whole words of letters."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection
from functools import cache
from typing import Any, NamedTuple

import torch

from halluc.augmentation.language.casing import Pattern, pattern, recase
from halluc.augmentation.language.function_words import FUNCTION_WORDS


class Kind(NamedTuple):
    """The kind of words that are permitted at a position: in a mention or not, their case, and their script (the first
    word of the ``unicodedata`` name)."""

    in_mention: bool
    case: Pattern
    script: str


def is_word(token: str) -> bool:
    """Whether a token is a word: only letters with their marks, and more than one if the script has case."""
    if not token or not all(unicodedata.category(char)[0] in "LM" for char in token):
        return False
    return len(token) > 1 or token.lower() == token.upper()


def kind_of(token: str, in_mention: bool) -> Kind:
    """The kind of words that may replace a word; mixed case (McDonald) counts as title case."""
    case = pattern(token)
    if case == "mixed" and token.lower() != token.upper():
        case = "title"
    return Kind(in_mention, case, _script(token[0]))


@cache
def _script(character: str) -> str:
    return unicodedata.name(character, "?").split(" ", 1)[0]


class WholeWords:
    """The whole words of a vocabulary, and which of them are permitted at each kind of position.

    ``size`` is the number of the model's outputs. ``in_mentions_only`` are words, ignoring case, that occur in the
    training split only in mentions; outside of mentions they are not permitted.
    """

    def __init__(self, tokenizer: Any, size: int, in_mentions_only: Collection[str], function_words: bool) -> None:
        self.size = size
        self.words = _whole_words(tokenizer, size)
        self.is_uncased = all(word == word.lower() for word in self.words.values())
        self._left_out = frozenset() if function_words else FUNCTION_WORDS
        self._in_mentions_only = frozenset(in_mentions_only)
        self._same: dict[str, list[int]] = {}
        for number, word in self.words.items():
            self._same.setdefault(word.casefold(), []).append(number)
        self._allowed: dict[Kind, torch.Tensor] = {}

    def case_variants(self, word: str) -> list[int]:
        """The pieces of this word in any case."""
        return self._same.get(word.casefold(), [])

    def allowed_mask(self, kind: Kind) -> torch.Tensor:
        """Which outputs are permitted at a position of a kind; booleans (size,)."""
        if kind not in self._allowed:
            values = torch.zeros(self.size, dtype=torch.bool)
            values[[number for number, word in self.words.items() if self._is_allowed(word, kind)]] = True
            self._allowed[kind] = values
        return self._allowed[kind]

    def _is_allowed(self, word: str, kind: Kind) -> bool:
        lowered = word.lower()
        if _script(word[0]) != kind.script or lowered in self._left_out:
            return False
        if not kind.in_mention and word.casefold() in self._in_mentions_only:
            return False
        if self.is_uncased:
            return True
        return kind.case == "upper" or pattern(word) == kind.case

    def word_text(self, number: int, kind: Kind) -> str:
        """The word of a piece in the case of its position."""
        return recase(kind.case, self.words[number])


def _whole_words(tokenizer: Any, size: int) -> dict[int, str]:
    """The pieces, by id, whose text is a word that is encoded as this piece."""
    special = set(tokenizer.all_special_ids)
    numbers = sorted(number for number in tokenizer.get_vocab().values() if number < size and number not in special)
    texts = tokenizer.batch_decode([[number] for number in numbers])
    written = [(number, text.strip()) for number, text in zip(numbers, texts, strict=True)]
    written = [(number, text) for number, text in written if is_word(text)]
    if not written:
        return {}
    read = tokenizer([[text] for _, text in written], is_split_into_words=True, add_special_tokens=False)["input_ids"]
    return {number: text for (number, text), pieces in zip(written, read, strict=True) if pieces == [number]}
