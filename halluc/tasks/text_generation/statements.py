"""What a text states, by rules: its names, numbers, dates, quotations and sentences (DEFINITIONS, sections 1 and 5).

Names and numbers are precise claims; sentences are the wide net. All rules take linear time.
Not covered: names in Chinese and Japanese and in texts without capitals, relative dates, quotations in single straight
quotes.
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
    """``text`` is characters ``start`` to ``end`` of a text; ``key`` is the form in which it is compared.

    Of a number the key is a decimal numeral or an ISO 8601 duration, of a date partial ISO 8601, of the
    others their words without case, accents and punctuation.
    """

    kind: StatementKind
    text: str
    start: int
    end: int
    key: str


@lru_cache(maxsize=1 << 12)
def statements(text: str, language: str = "", known: frozenset[str] = frozenset()) -> tuple[Statement, ...]:
    """The statements of a text, by place, the wider first; without a ``language`` (`en`) the text tells its own.

    ``known`` are words of names, as ``foreign_names`` gives them.

    A date has no numbers of its own. Words that often count or name nothing (`one`, `first`, a month's name that is
    also a verb) state nothing here, though ``evidence`` reads them.
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
    """The words of the names of an input, by which a name in the output or reference ``text`` is told from a noun.

    There are none unless all nouns have capitals in the language of the text, and not in that of the input.
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
    """By place, the wider first."""
    return tuple(sorted(result, key=lambda one: (one.start, -one.end, KINDS.index(one.kind))))


def worded(kind: StatementKind, text: str, start: int, end: int) -> Statement:
    """A statement that is compared by its words."""
    return Statement(kind, text[start:end], start, end, " ".join(folded_words(text[start:end])))


def outside(result: Sequence[Numeral], dated: Sequence[Dated]) -> list[Numeral]:
    """The numbers that overlap no date; both are in order."""
    kept, place = [], 0
    for one in result:
        while place < len(dated) and dated[place].end <= one.start:
            place += 1
        if place == len(dated) or dated[place].start >= one.end:
            kept.append(one)
    return kept


# An opening quote, what stands between, and the closing one. Neither opens again in between, so that a text of opening
# quotes is read once.
_QUOTES = regex.compile(
    r"“([^“”„\n]++)”|„([^“”„\n]++)[“”]|«([^«»\n]++)»|»([^«»\n]++)«|「([^「」\n]++)」|『([^『』\n]++)』|\"([^\"\n]++)\"|``([^`'\n]++)''"
)


def quotations(text: str) -> list[tuple[int, int]]:
    """Start and end of what stands between quotation marks of one paragraph."""
    places = (match.span(match.lastindex) for match in _QUOTES.finditer(text) if match.lastindex)
    return [place for start, end in places if (place := trimmed(text, start, end)) is not None]
