"""English: ``a`` or ``an`` before a word, by its pronunciation."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from halluc.core.edits import Edit, Editable, Replace, is_free

# Letters whose names begin with a vowel sound: an FBI agent.
_LETTERS_WITH_AN = frozenset("AEFHILMNORSX")
_VOWELS = frozenset("aeiou")
# Spelled with a vowel, pronounced with a consonant: a European, a one-off, a Ugandan, a useful union.
_CONSONANT_SOUND = re.compile(
    r"eu|ewe|one(?:$|s$|-|self)|once|oui|u(?:biq|efa|fo|gand|kr|ni(?![dmn])|nanim|nesco|ral|ran|rug|s[ae]|su|ta|ten|ti|to)"
)
_SILENT_H = re.compile(r"h(?:our|eir|onest|ono[u]?r)")
_NUMBER = re.compile(r"\d[\d,]*")
# One letter by itself, or before a hyphen, a full stop, a digit or an ampersand: X-ray, U.S., F16, H&M.
_ONE_LETTER = re.compile(r"[A-Za-z](?:$|[-.&\d])")
_ARTICLES = frozenset({"a", "an", "A", "An", "AN"})


def is_article(token: str) -> bool:
    return token in _ARTICLES


def agreeing_article(article: str, word: str, capitals: bool = False) -> str:
    """The form of ``article`` before ``word``, in its own casing; ``capitals``: the surrounding text is in capitals."""
    if not takes_an(word):
        return article[0]
    if article in ("a", "an"):
        return "an"
    return "AN" if capitals or article == "AN" else "An"


def article_edit(example: Editable, at: int, word: str, capitals: bool) -> list[Edit]:
    """The edit, if any, that adapts the article before the token at ``at`` to ``word``, which replaces the token.

    An article at the end of a mention is not changed.
    """
    article = example.tokens[at - 1] if at else ""
    agreed = agreeing_article(article, word, capitals) if is_article(article) else article
    if agreed == article or not is_free(example, at - 1, at + 1):  # no border in between
        return []
    if any(end == at for _, end, _ in example.spans):
        return []
    return [Replace(at - 1, at, (agreed,), "article")]


@lru_cache(maxsize=1 << 16)
def takes_an(word: str) -> bool:
    """Whether a word begins with a vowel sound, by spelling, with common exceptions."""
    word = word.lstrip("\"'`([{“”‘’«-.$£€")
    if not word:
        return False
    if word[0].isdigit():
        return _number_takes_an(word)
    if _ONE_LETTER.match(word) or _is_spelled_out(word):
        return word[0].upper() in _LETTERS_WITH_AN
    plain = unicodedata.normalize("NFD", word).lower()
    if plain[0] == "y":
        return plain[1:2].isalpha() and plain[1] not in _VOWELS
    if plain[0] in _VOWELS:
        return not _CONSONANT_SOUND.match(plain)
    return bool(_SILENT_H.match(plain))


def _is_spelled_out(word: str) -> bool:
    """Whether a word is read letter by letter: FBI, HIV and NBC, but neither NATO nor Nato."""
    return word.isalpha() and word.isupper() and (len(word) <= 3 or not _VOWELS.intersection(word.lower()))


def _number_takes_an(word: str) -> bool:
    """Whether a number begins with eight, eleven or eighteen: 80, 8,000, 18th, 11,500, and the years 1100 and 1800."""
    match = _NUMBER.match(word)
    if match is None:
        return False
    digits = match.group().replace(",", "")
    is_year = len(digits) == 4 and "," not in match.group()
    return digits[0] == "8" or (digits[:2] in ("11", "18") and (len(digits) % 3 == 2 or is_year))
