"""The texts that statements are judged by, read once: which names, numbers, dates and quotations stand in them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from halluc.tasks.text_generation.dates import Dated, components, dates
from halluc.tasks.text_generation.languages import Language, language_of
from halluc.tasks.text_generation.numerals import Numeral, numerals
from halluc.tasks.text_generation.statements import folded_words


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
    def _numbers(self) -> frozenset[str]:
        pairs = zip(self.texts, self._languages, strict=True)
        return frozenset(key for text, language in pairs for one in numerals(text, language) for key in one.keys)

    @cached_property
    def _dates(self) -> frozenset[str]:
        pairs = zip(self.texts, self._languages, strict=True)
        read = (key for text, language in pairs for one in dates(text, language) for key in one.keys)
        return frozenset(part for key in read for part in components(key))

    def states(self, kind: str, text: str, language: str = "") -> bool:
        """Whether a name, number, date or quotation stands here.

        A number or date does with an equal key; a date also where a fuller one tells it, and a year where the number
        stands. All do with their words in a row.
        """
        if kind in ("number", "date") and self._has_value(text, language_of(text, language)):
            return True
        words = folded_words(text)
        return bool(words) and f" {' '.join(words)} " in self._run

    def _has_value(self, text: str, language: Language) -> bool:
        """The first key of the widest date or number in the text is compared: the usual reading in its language."""
        read: Sequence[Dated | Numeral] = dates(text, language) or numerals(text, language)
        if not read:
            return False
        widest = max(read, key=lambda one: one.end - one.start)
        return widest.keys[0] in self._dates or widest.keys[0] in self._numbers
