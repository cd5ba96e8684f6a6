"""What a text states, by rules: its names, numbers, dates, quotations and sentences (DEFINITIONS, sections 1 and 5).

Names and numbers are precise claims; sentences are the wide net. All rules take linear time.
Not covered: names in Chinese and Japanese and in texts without capitals, relative dates, quotations in single straight
quotes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import regex

from halluc.tasks.text_generation.dates import Dated, dates
from halluc.tasks.text_generation.languages import language_of
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
def statements(text: str, language: str = "") -> tuple[Statement, ...]:
    """The statements of a text, by place, the wider first; without a ``language`` (`en`) the text tells its own.

    A date has no numbers of its own. Words that often count or name nothing (`one`, `first`, a month's name that is
    also a verb) state nothing here, though ``evidence`` reads them.
    """
    spoken = language_of(text, language)
    spans = sentence_spans(text, spoken)
    dated = dates(text, spoken)
    counted = with_units(text, outside(numerals(text, spoken), dated), spoken)
    taken = sorted([*((one.start, one.end) for one in dated), *((one.start, one.end) for one in counted)])
    found = [
        *(worded("sentence", text, *place) for place in spans),
        *(worded("quotation", text, *place) for place in quotations(text)),
        *(Statement("date", text[one.start : one.end], one.start, one.end, one.keys[0]) for one in dated),
        *(
            Statement("number", text[one.start : one.end], one.start, one.end, one.keys[0])
            for one in counted
            if not one.is_weak
        ),
        *(worded("name", text, *place) for place in names(text, spoken, spans, taken)),
    ]
    return in_order(one for one in found if one.key)


def in_order(found: Iterable[Statement]) -> tuple[Statement, ...]:
    """By place, the wider first."""
    return tuple(sorted(found, key=lambda one: (one.start, -one.end, KINDS.index(one.kind))))


def worded(kind: StatementKind, text: str, start: int, end: int) -> Statement:
    """A statement that is compared by its words."""
    return Statement(kind, text[start:end], start, end, " ".join(folded_words(text[start:end])))


def outside(found: Sequence[Numeral], dated: Sequence[Dated]) -> list[Numeral]:
    """The numbers that overlap no date; both are in order."""
    kept, place = [], 0
    for one in found:
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
