"""The texts that statements are judged by, read once: which names, numbers, dates and quotations stand in them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from halluc.tasks.text_generation.dates import Dated, components, dates
from halluc.tasks.text_generation.languages import FUNCTION_WORDS, Language, language_of
from halluc.tasks.text_generation.numerals import Numeral, duration_keys, numerals, with_units
from halluc.tasks.text_generation.words import folded_words


class TextFacts(NamedTuple):
    """What stands in one text: its words, with blanks around each in ``run``, and the keys of its numbers and dates."""

    words: frozenset[str]
    run: str
    numbers: frozenset[str]
    dates: frozenset[str]


# The sources of an example are read for its statements and for its sentences.
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
    """Sources or references; ``states`` says whether a name, number, date or quotation stands in them.

    ``languages`` are those of the texts; without them each text tells its own.
    """

    def __init__(self, texts: Sequence[str], languages: Sequence[str] = ()) -> None:
        stated = languages or [""] * len(texts)
        self._facts = [facts_of(text, language_of(text, one)) for text, one in zip(texts, stated, strict=True)]

    def states(self, kind: str, text: str, language: str = "") -> bool:
        """Whether a name, number, date or quotation stands here.

        A number or date does with an equal key; a date also where a fuller one tells it, and a year where the number
        stands. A name does where each of its words stands, articles aside, or that of its people or country (`Kenya`,
        `Kenyan`); a quotation with its words in a row.
        """
        spoken = language_of(text, language)
        if kind in ("number", "date"):
            dated = dates(text, spoken)
            read: Sequence[Dated | Numeral] = dated or with_units(text, numerals(text, spoken), spoken)
            if read:
                # The first key of the widest is the usual reading in its language.
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


# Of plurals, peoples and countries.
_ENDINGS = ("s", "es", "n", "an", "ian", "ean", "ese", "ish", "i", "er", "ers", "ns", "ans", "ians")
_SHORTEST_STEM = 4


def _forms(word: str) -> set[str]:
    """The word, and what differs from it by an ending alone; short words have no other form."""
    stems = {word, *(word[: -len(ending)] for ending in _ENDINGS if word.endswith(ending))}
    stems = {stem for stem in stems if len(stem) >= _SHORTEST_STEM}
    return {word} | stems | ({word + ending for ending in _ENDINGS} if len(word) >= _SHORTEST_STEM else set())
