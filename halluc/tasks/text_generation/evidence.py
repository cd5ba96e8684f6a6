"""The evidence texts of statements, parsed once: which names, numbers, dates and quotations they contain."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from halluc.tasks.text_generation.dates import Dated, components, dates
from halluc.tasks.text_generation.languages import FUNCTION_WORDS, Language, language_of
from halluc.tasks.text_generation.numerals import Numeral, duration_keys, numerals, with_units
from halluc.tasks.text_generation.words import folded_words


class TextFacts(NamedTuple):
    """The content of one text: its words, separated by blanks in ``run``, and the keys of its numbers and dates."""

    words: frozenset[str]
    run: str
    numbers: frozenset[str]
    dates: frozenset[str]


# The sources of an example are used for its statements and for its sentences.
@lru_cache(maxsize=256)
def facts_of(text: str, language: Language) -> TextFacts:
    words = folded_words(text)
    counted = numerals(text, language)
    keys = {key for one in counted for key in one.keys}
    phrase = (part for one in dates(text, language) for key in one.keys for part in components(key))
    return TextFacts(
        frozenset(words),
        f" {' '.join(words)} ",
        frozenset(keys.union(duration_keys(text, counted, language))),
        frozenset(phrase),
    )


class EvidenceTexts:
    """Sources or references; ``states`` says whether they contain a name, number, date or quotation.

    ``languages`` are those of the texts; without them the language of each text is detected.
    """

    def __init__(self, texts: Sequence[str], languages: Sequence[str] = ()) -> None:
        stated = languages or [""] * len(texts)
        self._facts = [facts_of(text, language_of(text, one)) for text, one in zip(texts, stated, strict=True)]

    def states(self, kind: str, text: str, language: str = "") -> bool:
        """Whether a name, number, date or quotation occurs here.

        A number or date occurs if a key is equal; a date also if a more complete date implies it, and a year if the
        number occurs. A name occurs if each of its words occurs, ignoring articles, or a word for its people or country
        (`Kenya`, `Kenyan`); a quotation if its words occur in sequence.
        """
        spoken = language_of(text, language)
        if kind in ("number", "date"):
            dated = dates(text, spoken)
            read: Sequence[Dated | Numeral] = dated or with_units(text, numerals(text, spoken), spoken)
            if read:
                # The first key is the usual reading in the language.
                key = max(read, key=lambda one: one.end - one.start).keys[0]
                return any(key in facts.numbers or key in facts.dates for facts in self._facts)
        words = folded_words(text)
        if kind == "name":
            return self._names(words)
        return bool(words) and any(f" {' '.join(words)} " in facts.run for facts in self._facts)

    def _names(self, words: Sequence[str]) -> bool:
        telling = [word for word in words if word not in FUNCTION_WORDS] or words
        forms = map(_forms, telling)
        return bool(telling) and all(any(each & facts.words for facts in self._facts) for each in forms)


# For plurals, peoples and countries.
_ENDINGS = ("s", "es", "n", "an", "ian", "ean", "ese", "ish", "i", "er", "ers", "ns", "ans", "ians")
_SHORTEST_STEM = 4


def _forms(word: str) -> set[str]:
    """The word, and forms with another ending; short words have no other form."""
    stems = {word, *(word[: -len(ending)] for ending in _ENDINGS if word.endswith(ending))}
    stems = {stem for stem in stems if len(stem) >= _SHORTEST_STEM}
    return {word} | stems | ({word + ending for ending in _ENDINGS} if len(word) >= _SHORTEST_STEM else set())
