"""The words of a text in the form in which texts are compared."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

import regex

from halluc.data.tokenization import Tokenizer

_TOKENIZER = Tokenizer()
_POSSESSIVE = regex.compile(r"(?<=[\p{L}\p{N}])['’]s?(?![\p{L}\p{N}])")
# A word with more marks than any language has is left as it is: marks are put in order in quadratic time.
_LONGEST_FOLDED = 200


@lru_cache(maxsize=1 << 10)
def folded_words(text: str) -> tuple[str, ...]:
    """The words without case, accents, punctuation and a possessive `'s`; Chinese characters are one each."""
    tokens = _TOKENIZER.tokens(_POSSESSIVE.sub(" ", text))
    return tuple(word for token in tokens if (word := _folded(token)))


def _folded(token: str) -> str:
    if token.isascii():
        return token.lower() if token.isalnum() else "".join(filter(str.isalnum, token)).lower()
    if len(token) > _LONGEST_FOLDED:
        return token.casefold()
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKD", token.casefold())))
