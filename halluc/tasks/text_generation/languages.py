"""Words of each language, from ``languages.yaml``, for the rules of ``statements``: months, numbers, function words.

English, German, French and Spanish have all of them; Chinese has numerals and dates (``numerals``, ``dates``). A text
in another language still has digits, ISO dates, quotations, names and sentences.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import regex
import yaml

from halluc.data.tokenization import Tokenizer
from halluc.gap.stopwords import STOP_WORDS

_TOKENIZER = Tokenizer()
_POSSESSIVE = regex.compile(r"(?<=[\p{L}\p{N}])['’]s?(?![\p{L}\p{N}])")
# Longer words are not normalised, because the normalisation of combining marks takes quadratic time.
_LONGEST_FOLDED = 200


@lru_cache(maxsize=1 << 10)
def folded_words(text: str) -> tuple[str, ...]:
    """The words without case, accents, punctuation and possessive `'s`; each Chinese character is a word."""
    tokens = _TOKENIZER.tokens(_POSSESSIVE.sub(" ", text))
    return tuple(word for token in tokens if (word := _fold_token(token)))


def ngrams(words: Sequence[str], size: int) -> Iterator[tuple[str, ...]]:
    """The n-grams of ``size`` words, in order."""
    return zip(*(words[start:] for start in range(size)), strict=False)


def _fold_token(token: str) -> str:
    if token.isascii():
        return token.lower() if token.isalnum() else "".join(filter(str.isalnum, token)).lower()
    if len(token) > _LONGEST_FOLDED:
        return token.casefold()
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKD", token.casefold())))


Language = Literal["en", "de", "fr", "es", "zh", "other"]
LANGUAGES: tuple[Language, ...] = ("en", "de", "fr", "es", "zh", "other")


def _number_words(words: str, first: int = 1) -> dict[str, int]:
    """The number of each word, from ``first``; words for the same number are separated by ``/``, ``-`` is none."""
    forms = enumerate((word.split("/") for word in words.split()), first)
    return {form: number for number, several in forms for form in several if form != "-"}


def _keys_by_word(words: Mapping[Any, str]) -> dict[str, Any]:
    """The key of each word."""
    return {word: key for key, several in words.items() for word in several.split("/")}


@dataclass(frozen=True)
class LanguageWords:
    """Words are lower-case. ``comma``: the decimal separator is a comma. ``units`` maps units of time to the letter of
    ISO 8601 durations, with a T for times of day. ``articles`` make a scale a number, as in `a million`. ``adverbs``
    and ``openers`` often begin a sentence and are no names; ``verbs`` follow a subject, ``singular_verbs`` one in the
    singular."""

    months: Mapping[str, int]
    weekdays: Mapping[str, int]
    numbers: Mapping[str, int]
    ordinals: Mapping[str, int]
    scales: Mapping[str, int]
    units: Mapping[str, str]
    joints: frozenset[str]
    function: frozenset[str]
    abbreviations: frozenset[str]
    particles: frozenset[str]
    honorifics: frozenset[str]
    articles: frozenset[str]
    adverbs: frozenset[str]
    openers: frozenset[str]
    verbs: frozenset[str]
    singular_verbs: frozenset[str]
    ambiguous: frozenset[str]
    comma: bool
    nouns_are_capitalised: bool


def _language(given: Mapping[str, Any]) -> LanguageWords:
    """The words of a language in ``languages.yaml``."""
    numbered: dict[str, Any] = {
        key: _number_words(given.get(key, ""), first) | _keys_by_word(given.get(f"further_{key}", {}))
        for key, first in (("months", 1), ("weekdays", 1), ("numbers", 0), ("ordinals", 1))
    }
    sets: dict[str, Any] = {
        field.name: frozenset(given.get(field.name, "").split())
        for field in fields(LanguageWords)
        if field.type == "frozenset[str]"
    }
    return LanguageWords(
        **numbered,
        scales=_keys_by_word(given.get("scales", {})),
        units=_keys_by_word(given.get("units", {})),
        **sets,
        comma=given.get("comma", False),
        nouns_are_capitalised=given.get("nouns_are_capitalised", False),
    )


_FILE: Mapping[str, Any] = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))
WORDS: Mapping[Language, LanguageWords] = {language: _language(_FILE.get(language, {})) for language in LANGUAGES}
_SPOKEN: tuple[Language, ...] = ("en", "de", "fr", "es")
_WORD = regex.compile(r"[\p{L}\p{M}]++")
_HAN = regex.compile(r"\p{Han}")
_KANA_OR_HANGUL = regex.compile(r"[\p{Hiragana}\p{Katakana}\p{Hangul}]")
# The number of characters that are used to detect the language.
_READ = 4_000


def language_of(text: str, code_given: str = "") -> Language:
    """The language of ``code_given``, such as `de` or `de-AT`; if there is none, it is detected.

    It is the one with the most function words in the text, and English for ties, as in a text of names. For other
    scripts than Latin it is Chinese, if the text has mostly Han characters, or ``other``.
    """
    if code_given:
        code = code_given.lower().replace("_", "-").partition("-")[0]
        return next((one for one in LANGUAGES if one == code), "other")
    text = text[:_READ]
    words = [word.lower() for word in _WORD.findall(text)]
    han = len(_HAN.findall(text))
    if 3 * han > sum(map(len, words)):
        return "other" if _KANA_OR_HANGUL.search(text) else "zh"
    if words and not any("a" <= word[0] <= "ɏ" for word in words):
        return "other"
    return max(_SPOKEN, key=lambda language: sum(word in WORDS[language].function for word in words))


def _folded(words: Iterable[str]) -> frozenset[str]:
    return frozenset(folded for word in words for folded in folded_words(word))


# Of all languages, in the form of ``folded_words``.
FUNCTION_WORDS = STOP_WORDS | _folded(one for words in WORDS.values() for one in words.function)
# The words of a name in each language that say nothing about its bearer, in the same form.
UNINFORMATIVE_WORDS: Mapping[Language, frozenset[str]] = {
    language: _folded(words.function | words.particles | words.honorifics) or FUNCTION_WORDS
    for language, words in WORDS.items()
}
