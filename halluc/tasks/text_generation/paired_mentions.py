"""Names and numbers that occur in an input and its targets, so that both sides can be edited consistently."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from halluc.core.edits import Editable, Range, Replace, apply
from halluc.core.examples import Span
from halluc.tasks.text_generation.languages import WORDS, Language, language_of
from halluc.tasks.text_generation.numerals import numerals
from halluc.tasks.text_generation.source_text import Sourced, SourcePart, words_of
from halluc.tasks.text_generation.statements import Statement, statements

# The labels of the mentions: a number in digits is not replaced by a number word, and the reverse.
NAME, NUMBER, NUMBER_WORD = "name", "number", "number_word"
# The values of number words that have one usual form and do not depend on the noun.
_COUNTED = range(2, 13)


class PairedMention(NamedTuple):
    """Tokens of an input with their label, and the corresponding characters in each target."""

    source: Span
    targets: tuple[Range, ...]


def statement_ranges(example: Sourced, part: SourcePart) -> Iterator[tuple[Range, Statement]]:
    """The tokens of the statements of a part, without sentences."""
    ends, place = [], 0
    for number in range(part.start, part.end):
        place += (len(example.spaces[number]) if number > part.start else 0) + len(example.tokens[number])
        ends.append(place)
    for one in statements(example.text(part), example.source_language or example.language):
        if one.kind != "sentence":
            first = next(number for number, end in enumerate(ends) if end > one.start)
            last = next(number for number, end in enumerate(ends) if end >= one.end)
            yield (part.start + first, part.start + last + 1), one


def paired_mentions(example: Sourced, locked: Sequence[Range]) -> list[PairedMention]:
    """The mentions that may be replaced on both sides, in order.

    These are names and numbers in digits that occur exactly once in the input and in each target, and number words from
    2 to 12 whose value occurs exactly once on each side. No mention overlaps another ``locked`` range.
    """
    results = []
    for part in example.parts if example.targets else ():
        for place, one in statement_ranges(example, part):
            overlaps = sum(start < place[1] and end > place[0] for start, end in locked)
            if overlaps == 1 and place in locked and "".join(example.tokens[slice(*place)]) == _solid(one.text):
                paired = _find_pair(example, one)
                if paired is not None:
                    results.append(PairedMention(Span(*place, paired[0]), paired[1]))
    return sorted(results)


def edit_targets(example: Sourced, mentions: Sequence[PairedMention], edited: Editable) -> tuple[str, ...]:
    """The targets with the replacements that ``edited`` made in the input."""
    after = [edited.tokens[span.start : span.end] for span in edited.spans]
    before = [example.tokens[one.source.start : one.source.end] for one in mentions]
    if after == before or len(after) != len(before):  # a rewritten text has other spans
        return example.targets
    return tuple(
        _replace_ranges(target, [one.targets[number] for one in mentions], [
            None if new == old else _counterpart(example, one.source.label, new, target[slice(*one.targets[number])])
            for one, old, new in zip(mentions, before, after, strict=True)
        ])
        for number, target in enumerate(example.targets)
    )  # fmt: skip


def _replace_ranges(target: str, places: Sequence[Range], new: Sequence[str | None]) -> str:
    """A target with replaced ranges. The text between two ranges is one token, so that spaces are preserved."""
    pieces: list[str] = []
    edits, done = [], 0
    for (start, end), text in sorted(zip(places, new, strict=True)):
        pieces += (target[done:start], target[start:end])
        if text is not None:
            edits.append(Replace(len(pieces) - 1, len(pieces), (text,), "the other side of a pair"))
        done = end
    return "".join(apply(Editable((*pieces, target[done:])), edits).tokens)


def _solid(text: str) -> str:
    return "".join(text.split())


def _find_pair(example: Sourced, one: Statement) -> tuple[str, tuple[Range, ...]] | None:
    """The label of a statement of the input, and its characters in each target."""
    if one.kind not in (NAME, NUMBER):
        return None
    is_word = one.kind == NUMBER and not one.text[0].isdigit()
    if is_word:
        places = _number_words(example, one)
    elif one.text == "1" or (one.kind == NUMBER and any(map(str.isalpha, one.text))):
        return None
    else:
        places = [_only_occurrence(target, one.text) for target in (example.full_text, *example.targets)][1:]
        if example.full_text.count(one.text) != 1:
            return None
    if any(place is None for place in places) or not places:
        return None
    return NUMBER_WORD if is_word else one.kind, tuple(place for place in places if place is not None)


def _only_occurrence(target: str, text: str) -> Range | None:
    """The only occurrence of a text as whole words; None if there are several."""
    start = target.find(text)
    end = start + len(text)
    if start < 0 or target.find(text, start + 1) >= 0:
        return None
    is_whole = words_of(target[:start]) + words_of(text) + words_of(target[end:]) == words_of(target)
    return (start, end) if is_whole else None


def _number_words(example: Sourced, one: Statement) -> list[Range | None]:
    """The position in each target of the number that the input has as a word."""
    language = _language(example, example.full_text, example.source_language)
    count = sum(one.key in numeral.keys for numeral in numerals(example.full_text, language))
    if one.text.lower() != _word(one.key, language) or count != 1:
        return []
    return [_number_word(target, one.key, _language(example, target, example.language)) for target in example.targets]


def _number_word(target: str, key: str, language: Language) -> Range | None:
    equal = [numeral for numeral in numerals(target, language) if key in numeral.keys]
    if len(equal) != 1 or target[equal[0].start : equal[0].end].lower() != _word(key, language):
        return None
    return equal[0].start, equal[0].end


def _language(example: Sourced, text: str, language: str) -> Language:
    return language_of(text, language or example.language)


def _word(key: str, language: Language) -> str | None:
    """The usual word for a number, in lower case."""
    numbers = WORDS[language].numbers.items()
    return next((word for word, value in numbers if str(value) == key and value in _COUNTED), None)


def _counterpart(example: Sourced, label: str, new: Sequence[str], old: str) -> str:
    """The replacement in a target for the ``new`` tokens of the input, instead of ``old``."""
    text = " ".join(new)
    if label == NUMBER and len(_solid(text)) == len(_solid(old)):  # the same form: `1,250` is three tokens
        digits = iter(_solid(text))
        return "".join(char if char.isspace() else next(digits) for char in old)
    if label == NUMBER_WORD:
        source = _language(example, example.full_text, example.source_language)
        value = WORDS[source].numbers.get(text.lower())
        language = _language(example, old, example.language)
        text = _word(str(value), language) or text
    return text.capitalize() if label == NUMBER_WORD and old[0].isupper() else text
