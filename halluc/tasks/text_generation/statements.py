"""The statements of a text, by rules: its names, numbers, dates, quotations and sentences (DEFINITIONS, sections 1 and
5).

All rules take linear time. Not supported: names in Chinese and Japanese and in texts without capitals, relative dates,
quotations in single straight quotes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Literal, NamedTuple

import regex

from halluc.tasks.text_generation.dates import Dated, components, dates
from halluc.tasks.text_generation.languages import (
    FUNCTION_WORDS,
    UNINFORMATIVE_WORDS,
    WORDS,
    Language,
    folded_words,
    language_of,
)
from halluc.tasks.text_generation.names import InputWords, names
from halluc.tasks.text_generation.numerals import Numeral, duration_keys, merge_units, numerals
from halluc.tasks.text_generation.sentences import sentence_spans, trim_range

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
def statements(text: str, language: str = "", known: InputWords | None = None) -> tuple[Statement, ...]:
    """The statements of a text, by position, longer ones first. Numbers within a date are not separate statements.

    Words that are often not numbers or dates (`one`, `first`, `may`) are not statements, but count as evidence.

    Args:
        language: a code such as `en`; detected if it is empty. known: see ``input_words``.
    """
    spoken = language_of(text, language)
    spans = sentence_spans(text, spoken)
    dated = dates(text, spoken)
    counted = merge_units(text, numbers_outside_dates(numerals(text, spoken), dated), spoken)
    taken = sorted([*((one.start, one.end) for one in dated), *((one.start, one.end) for one in counted)])
    results = [
        *(word_statement("sentence", text, *place) for place in spans),
        *(word_statement("quotation", text, *place) for place in quotations(text)),
        *(Statement("date", text[one.start : one.end], one.start, one.end, one.keys[0]) for one in dated),
        *(
            Statement("number", text[one.start : one.end], one.start, one.end, one.keys[0])
            for one in counted
            if not one.is_weak
        ),
        *(word_statement("name", text, *place) for place in names(text, spoken, spans, taken, known)),
    ]
    return sort_statements(one for one in results if one.key)


def input_words(
    language: Language, sources: Sequence[str], source_languages: Sequence[str] | None = None
) -> InputWords:
    """The words of an input that tell whether the first word of a sentence, or in German a noun, is a name in an output
    or reference in ``language``: those that are names in the input, and those in lower case there.

    Args:
        source_languages: empty if unknown. Where nouns are capitalised, the names of an input are not known.
    """
    names, lower = set[str](), set[str]()
    for source, code in zip(sources, source_languages or [""] * len(sources), strict=True):
        spoken = language_of(source, code)
        own = _words_of_input(source, spoken, language)
        names |= own.names
        lower |= own.lower
    return InputWords(frozenset(names), frozenset(lower))


def words_in(text: str, known: InputWords) -> InputWords:
    """Those of ``known`` that occur in ``text``, so that its statements can be cached."""
    words = {*folded_words(text)}
    return InputWords(known.names & words, known.lower & words)


@lru_cache(maxsize=256)
def _words_of_input(text: str, language: Language, output: Language) -> InputWords:
    """The words of a text in ``language`` for outputs in the language ``output``."""
    tokens, named = text.split(), list[str]()
    if not WORDS[language].nouns_are_capitalised:
        if WORDS[output].nouns_are_capitalised:
            named = [text[start:end] for start, end in names(text, language, sentence_spans(text, language))]
        elif WORDS[output].verbs:
            # A capitalised word after a word in lower case or a comma is a name.
            named = [token for before, token in pairwise(tokens) if token[0].isupper() and before[-1] in _BEFORE_NAME]
    lower = [token for token in tokens if token.islower()] if WORDS[output].verbs else []
    of_names, of_others = (frozenset(word for one in some for word in folded_words(one)) for some in (named, lower))
    return InputWords(of_names - FUNCTION_WORDS, of_others)


def sort_statements(unsorted: Iterable[Statement]) -> tuple[Statement, ...]:
    """By position, longer ones first."""
    return tuple(sorted(unsorted, key=lambda one: (one.start, -one.end, KINDS.index(one.kind))))


def word_statement(kind: StatementKind, text: str, start: int, end: int) -> Statement:
    """A statement that is compared by its words."""
    return Statement(kind, text[start:end], start, end, " ".join(folded_words(text[start:end])))


def numbers_outside_dates(numbers: Sequence[Numeral], dated: Sequence[Dated]) -> list[Numeral]:
    """The numbers that overlap no date; both are sorted."""
    kept, place = [], 0
    for one in numbers:
        while place < len(dated) and dated[place].end <= one.start:
            place += 1
        if place == len(dated) or dated[place].start >= one.end:
            kept.append(one)
    return kept


_BEFORE_NAME = frozenset("abcdefghijklmnopqrstuvwxyz,")

# An opening quote, the content, and a closing quote. The content has no opening quote, so that the time is linear.
_QUOTES = regex.compile(
    r"“([^“”„\n]++)”|„([^“”„\n]++)[“”]|«([^«»\n]++)»|»([^«»\n]++)«|「([^「」\n]++)」|『([^『』\n]++)』|\"([^\"\n]++)\"|``([^`'\n]++)''"
)


def quotations(text: str) -> list[tuple[int, int]]:
    """Start and end of the content of quotation marks within one paragraph."""
    places = (match.span(match.lastindex) for match in _QUOTES.finditer(text) if match.lastindex)
    return [place for start, end in places if (place := trim_range(text, start, end)) is not None]


class TextFacts(NamedTuple):
    """The content of one text: its words, separated by blanks in ``run``, and the keys of its numbers and dates."""

    words: frozenset[str]
    run: str
    numbers: frozenset[str]
    dates: frozenset[str]


# Cached: the sources of an example are compared with its statements and with its sentences.
@lru_cache(maxsize=256)
def text_facts(text: str, language: Language) -> TextFacts:
    words = folded_words(text)
    counted = numerals(text, language)
    keys = {key for one in counted for key in one.keys}
    implied = (part for one in dates(text, language) for key in one.keys for part in components(key))
    return TextFacts(
        frozenset(words),
        f" {' '.join(words)} ",
        frozenset(keys.union(duration_keys(text, counted, language))),
        frozenset(implied),
    )


class EvidenceTexts:
    """Sources or references, as evidence for names, numbers, dates and quotations.

    ``languages`` are those of the texts; without them the language of each text is detected.
    """

    def __init__(self, texts: Sequence[str], languages: Sequence[str] = ()) -> None:
        codes = languages or [""] * len(texts)
        self._facts = [text_facts(text, language_of(text, one)) for text, one in zip(texts, codes, strict=True)]

    def states(self, kind: str, text: str, language: str = "") -> bool:
        """Whether a name, number, date or quotation occurs here.

        A number or date occurs if a key is equal; a date also if a more complete date implies it, and a year if the
        number occurs. A name occurs if each of its words occurs, or a word for its people or country (`Kenya`,
        `Kenyan`), ignoring articles, particles and forms of address; a quotation if its words occur in sequence.
        """
        spoken = language_of(text, language)
        if kind in ("number", "date"):
            dated = dates(text, spoken)
            read: Sequence[Dated | Numeral] = dated or merge_units(text, numerals(text, spoken), spoken)
            if read:
                # The first key is the usual reading in the language.
                key = max(read, key=lambda one: one.end - one.start).keys[0]
                return any(key in facts.numbers or key in facts.dates for facts in self._facts)
        if kind == "name":
            return self._names(text, UNINFORMATIVE_WORDS[spoken])
        words = folded_words(text)
        return bool(words) and any(f" {' '.join(words)} " in facts.run for facts in self._facts)

    def _names(self, text: str, empty: frozenset[str]) -> bool:
        words = folded_words(text)
        acronyms = {word for token in text.split() if token.isupper() for word in folded_words(token)}
        content = [word for word in words if word in acronyms or word not in empty] or words
        forms = map(_forms, content)
        return bool(content) and all(any(each & facts.words for facts in self._facts) for each in forms)


# For plurals, peoples and countries.
_ENDINGS = ("s", "es", "n", "an", "ian", "ean", "ese", "ish", "i", "er", "ers", "ns", "ans", "ians")
_SHORTEST_STEM = 4


def _forms(word: str) -> set[str]:
    """The word, and forms with another ending; short words have no other form."""
    stems = {word, *(word[: -len(ending)] for ending in _ENDINGS if word.endswith(ending))}
    stems = {stem for stem in stems if len(stem) >= _SHORTEST_STEM}
    return {word} | stems | ({word + ending for ending in _ENDINGS} if len(word) >= _SHORTEST_STEM else set())
