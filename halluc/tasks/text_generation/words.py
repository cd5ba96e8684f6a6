"""The words of a text in normalised form for comparisons."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

import regex

from halluc.data.tokenization import Tokenizer

_TOKENIZER = Tokenizer()
_POSSESSIVE = regex.compile(r"(?<=[\p{L}\p{N}])['’]s?(?![\p{L}\p{N}])")
# A word with more combining marks than in any language is left unchanged: ordering marks takes quadratic time.
_LONGEST_FOLDED = 200


@lru_cache(maxsize=1 << 10)
def folded_words(text: str) -> tuple[str, ...]:
    """The words without case, accents, punctuation and possessive `'s`; each Chinese character is a word."""
    tokens = _TOKENIZER.tokens(_POSSESSIVE.sub(" ", text))
    return tuple(word for token in tokens if (word := _folded(token)))


def _folded(token: str) -> str:
    if token.isascii():
        return token.lower() if token.isalnum() else "".join(filter(str.isalnum, token)).lower()
    if len(token) > _LONGEST_FOLDED:
        return token.casefold()
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKD", token.casefold())))
