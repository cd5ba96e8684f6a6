"""The texts that statements are judged by, read once: which names, numbers, dates and quotations stand in them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from halluc.tasks.text_generation.dates import Dated, components, dates
from halluc.tasks.text_generation.languages import FUNCTION_WORDS, language_of
from halluc.tasks.text_generation.numerals import Numeral, duration_keys, numerals, with_units
from halluc.tasks.text_generation.words import folded_words


class EvidenceTexts:
    """Sources or references; ``states`` says whether a name, number, date or quotation stands in one of them.

    ``languages`` are those of the texts; without them each text tells its own.
    """

    def __init__(self, texts: Sequence[str], languages: Sequence[str] = ()) -> None:
        self.texts = tuple(texts)
        stated = languages or [""] * len(self.texts)
        self._languages = [language_of(text, one) for text, one in zip(self.texts, stated, strict=True)]

    @cached_property
    def _words(self) -> list[list[str]]:
        return [folded_words(text) for text in self.texts]

    @cached_property
    def _run(self) -> str:
        """All words with a blank around each; a line break ends a text, so that nothing is found across two."""
        return "\n".join(f" {' '.join(words)} " for words in self._words)

    @cached_property
    def _vocabulary(self) -> frozenset[str]:
        return frozenset(word for words in self._words for word in words)

    @cached_property
    def _numbers(self) -> frozenset[str]:
        keys: set[str] = set()
        for text, language in zip(self.texts, self._languages, strict=True):
            found = numerals(text, language)
            keys.update(key for one in found for key in one.keys)
            keys.update(duration_keys(text, found, language))
        return frozenset(keys)

    @cached_property
    def _dates(self) -> frozenset[str]:
        pairs = zip(self.texts, self._languages, strict=True)
        read = (key for text, language in pairs for one in dates(text, language) for key in one.keys)
        return frozenset(part for key in read for part in components(key))

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
                return key in self._numbers or key in self._dates
        words = folded_words(text)
        if kind == "name":
            return self._names(words)
        return bool(words) and f" {' '.join(words)} " in self._run

    def _names(self, words: Sequence[str]) -> bool:
        telling = [word for word in words if word not in FUNCTION_WORDS] or words
        return bool(telling) and all(not self._vocabulary.isdisjoint(_forms(word)) for word in telling)


# Of plurals, peoples and countries.
_ENDINGS = ("s", "es", "n", "an", "ian", "ean", "ese", "ish", "i", "er", "ers", "ns", "ans", "ians")
_SHORTEST_STEM = 4


def _forms(word: str) -> set[str]:
    """The word, and what differs from it by an ending alone; short words have no other form."""
    stems = {word, *(word[: -len(ending)] for ending in _ENDINGS if word.endswith(ending))}
    stems = {stem for stem in stems if len(stem) >= _SHORTEST_STEM}
    return {word} | stems | ({word + ending for ending in _ENDINGS} if len(word) >= _SHORTEST_STEM else set())
