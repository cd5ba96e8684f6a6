"""The statements of a text, by rules: its names, numbers, dates, quotations and sentences (DEFINITIONS, sections 1 and
5).

Names and numbers are precise claims; sentences cover the rest. All rules take linear time. Not supported: names in
Chinese and Japanese and in texts without capitals, relative dates, quotations in single straight quotes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, Protocol

import regex

from halluc.tasks.text_generation.dates import Dated, dates
from halluc.tasks.text_generation.languages import FUNCTION_WORDS, WORDS, language_of
from halluc.tasks.text_generation.names import names
from halluc.tasks.text_generation.numerals import Numeral, numerals, with_units
from halluc.tasks.text_generation.sentences import sentence_spans, trimmed
from halluc.tasks.text_generation.words import folded_words

StatementKind = Literal["name", "number", "date", "quotation", "sentence"]
KINDS: tuple[StatementKind, ...] = ("name", "number", "date", "quotation", "sentence")


@dataclass(frozen=True, slots=True)
class Statement:
    """``text`` is characters ``start`` to ``end`` of a text; ``key`` is the form for comparisons.

    The key of a number is a decimal numeral or an ISO 8601 duration, that of a date is a partial ISO 8601 date, those
    of the others are their words without case, accents and punctuation.
    """

    kind: StatementKind
    text: str
    start: int
    end: int
    key: str


@lru_cache(maxsize=1 << 12)
def statements(text: str, language: str = "", known: frozenset[str] = frozenset()) -> tuple[Statement, ...]:
    """The statements of a text, by position, longer ones first; without a ``language`` (`en`) it is detected.

    ``known`` are words of names, as returned by ``foreign_names``.

    The numbers of a date are not separate statements. Words that are often not numbers or names (`one`, `first`, a
    month's name that is also a verb) are not statements here, although ``evidence`` uses them.
    """
    spoken = language_of(text, language)
    spans = sentence_spans(text, spoken)
    dated = dates(text, spoken)
    counted = with_units(text, outside(numerals(text, spoken), dated), spoken)
    taken = sorted([*((one.start, one.end) for one in dated), *((one.start, one.end) for one in counted)])
    results = [
        *(worded("sentence", text, *place) for place in spans),
        *(worded("quotation", text, *place) for place in quotations(text)),
        *(Statement("date", text[one.start : one.end], one.start, one.end, one.keys[0]) for one in dated),
        *(
            Statement("number", text[one.start : one.end], one.start, one.end, one.keys[0])
            for one in counted
            if not one.is_weak
        ),
        *(worded("name", text, *place) for place in names(text, spoken, spans, taken, known)),
    ]
    return in_order(one for one in results if one.key)


class WithParts(Protocol):
    """An input of several texts; the languages of the output and of these may be empty."""

    @property
    def parts(self) -> Sequence[Any]: ...
    @property
    def language(self) -> str: ...
    @property
    def source_language(self) -> str: ...
    def text(self, part: Any) -> str: ...


def foreign_names(text: str, example: WithParts) -> frozenset[str]:
    """The words of the names of an input, to distinguish names from nouns in the output or reference ``text``.

    Empty unless nouns are capitalised in the language of the text, and not in that of the input.
    """
    if not WORDS[language_of(text, example.language)].nouns_are_capitalised:
        return frozenset()
    return frozenset(
        word
        for source in map(example.text, example.parts)
        if not WORDS[language_of(source, example.source_language)].nouns_are_capitalised
        for one in statements(source, example.source_language)
        if one.kind == "name"
        for word in folded_words(one.text)
        if word not in FUNCTION_WORDS
    )


def in_order(result: Iterable[Statement]) -> tuple[Statement, ...]:
    """By position, longer ones first."""
    return tuple(sorted(result, key=lambda one: (one.start, -one.end, KINDS.index(one.kind))))


def worded(kind: StatementKind, text: str, start: int, end: int) -> Statement:
    """A statement that is compared by its words."""
    return Statement(kind, text[start:end], start, end, " ".join(folded_words(text[start:end])))


def outside(result: Sequence[Numeral], dated: Sequence[Dated]) -> list[Numeral]:
    """The numbers that overlap no date; both are sorted."""
    kept, place = [], 0
    for one in result:
        while place < len(dated) and dated[place].end <= one.start:
            place += 1
        if place == len(dated) or dated[place].start >= one.end:
            kept.append(one)
    return kept


# An opening quote, the content, and the closing one. The content has no opening quote, so that a text of opening quotes
# is scanned once.
_QUOTES = regex.compile(
    r"“([^“”„\n]++)”|„([^“”„\n]++)[“”]|«([^«»\n]++)»|»([^«»\n]++)«|「([^「」\n]++)」|『([^『』\n]++)』|\"([^\"\n]++)\"|``([^`'\n]++)''"
)


def quotations(text: str) -> list[tuple[int, int]]:
    """Start and end of the content of quotation marks within one paragraph."""
    places = (match.span(match.lastindex) for match in _QUOTES.finditer(text) if match.lastindex)
    return [place for start, end in places if (place := trimmed(text, start, end)) is not None]
