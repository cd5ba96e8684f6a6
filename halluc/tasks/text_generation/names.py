"""Names in a text: sequences of capitalised words."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from typing import NamedTuple

import regex

from halluc.tasks.text_generation.languages import WORDS, Language, LanguageWords, folded_words

# A word with inner apostrophes, hyphens and dots, such as `O'Neill`, `Jean-Paul`, `U.S.`
_WORD = regex.compile(r"[\p{L}\p{N}][\p{L}\p{M}\p{N}]*+(?:(?:['’\-&]|\.(?=\p{Lu}))[\p{L}\p{N}][\p{L}\p{M}\p{N}]*+)*+")
_POSSESSIVE = regex.compile(r"['’]s?\Z")
# After these a word may be capitalised because it begins a sentence, a quotation or a line.
_OPENS = regex.compile(r"(?:[\"“„«»‘:(\[–—•*-]|\A|\n)\s?\Z")
# `L'` in the French `L'Allemagne`.
_ELISION = regex.compile(r"(?:[cdjlmnst]|qu)['’](?=\p{Lu})", regex.IGNORECASE)
_LONGEST_NAME = 8
# Endings of English adverbs and nouns that need no article.
_COMMON_ENDINGS = ("ing", "ly", "tion", "sion", "ness", "ment")
_INNER = regex.compile(r"\p{Lu}.*\p{Lu}|\p{Ll}\p{Lu}|\p{Lu}.*\p{N}", regex.DOTALL)


class InputWords(NamedTuple):
    """Words of an input in the form of ``folded_words``: those of its ``names``, and those in ``lower`` case."""

    names: frozenset[str] = frozenset()
    lower: frozenset[str] = frozenset()


def names(
    text: str,
    language: Language,
    sentences: Sequence[tuple[int, int]],
    taken: Sequence[tuple[int, int]] = (),
    known: InputWords | None = None,
) -> list[tuple[int, int]]:
    """Start and end of each name; ``taken`` are the ranges of dates and numbers, in order, which are not names.

    The first word of a sentence, quotation or line is part of a name only if a capitalised word follows, if it is also
    capitalised elsewhere, if it has inner capitals (`NASA`), or if it looks like the subject of the sentence, see
    ``_is_subject``. A name has no function words except particles. For German, where all nouns are capitalised, see
    ``_german_name``. ``known`` are the words of the input; without them no word is taken for a subject.
    """
    words = WORDS[language]
    pieces = _pieces(text, taken)
    if _is_all_capitals(text, pieces):
        return []
    starts = {start for start, _ in sentences}
    first = [start in starts or _OPENS.search(text[max(0, start - 2) : start]) is not None for start, _ in pieces]
    capital = [_is_capitalised(text[start:end], words) for start, end in pieces]
    elsewhere = {text[start:end] for (start, end), opens, is_one in zip(pieces, first, capital, strict=True)
                 if is_one and not opens}  # fmt: skip
    results = []
    for run in _runs(text, pieces, capital, first, words):
        if first[run[0]] and len(run) > 1 and text[slice(*pieces[run[0]])].lower() in words.adverbs:
            run = run[1:]
        is_name = (
            not first[run[0]]
            or len(run) > 1
            or _is_name_alone(text[slice(*pieces[run[0]])], elsewhere)
            or (known is not None and _is_subject(text, pieces, run[0], words, known))
        )
        if not (is_name or (known and known.names)) or len(run) > _LONGEST_NAME:
            continue
        if words.nouns_are_capitalised:
            run = _german_name(text, pieces, run, first, elsewhere, known.names if known else frozenset())
        elif not is_name:
            continue
        if run:
            results.append(_bounds(text, pieces[run[0]][0], pieces[run[-1]][1]))
    return results


def _pieces(text: str, taken: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    begins = [start for start, _ in taken]

    def is_free(start: int, end: int) -> bool:
        place = bisect.bisect_left(begins, end) - 1
        return place < 0 or taken[place][1] <= start

    results = [(one.end() if (one := _ELISION.match(text, *match.span())) else match.start(), match.end())
             for match in _WORD.finditer(text)]  # fmt: skip
    return [place for place in results if is_free(*place)]


def _is_all_capitals(text: str, pieces: Sequence[tuple[int, int]]) -> bool:
    """Whether capitals are uninformative: more than half of at least four words have no lower-case letter."""
    return len(pieces) > 3 and 2 * sum(text[start:end].isupper() for start, end in pieces) > len(pieces)


def _is_capitalised(word: str, words: LanguageWords) -> bool:
    if not (word[0].isupper() or _INNER.search(word[:50])):
        return False
    if _POSSESSIVE.sub("", word[:50]).lower().partition("'")[0].partition("’")[0] in words.function:
        return len(word) > 1 and word.isupper() and word.lower() not in ("i", "a")
    return len(word) > 1 or word != "I"


def _runs(
    text: str, pieces: Sequence[tuple[int, int]], capital: Sequence[bool], first: Sequence[bool], words: LanguageWords
) -> list[list[int]]:
    """Adjacent capitalised words, with particles such as `of` or `van` between them."""
    runs: list[list[int]] = []
    for place, is_one in enumerate(capital):
        if not is_one:
            continue
        previous = runs[-1][-1] if runs else -2
        if previous >= 0 and not first[place] and _continues(text, pieces, previous, place, words):
            runs[-1].append(place)
        else:
            runs.append([place])
    return runs


def _continues(text: str, pieces: Sequence[tuple[int, int]], previous: int, place: int, words: LanguageWords) -> bool:
    if place - previous > 3:
        return False
    before = text[slice(*pieces[previous])]
    gaps = [text[pieces[at][1] : pieces[at + 1][0]] for at in range(previous, place)]
    initial = len(before) == 1 or before.lower() in words.abbreviations
    if any(gap not in (" ", "\u00a0", "-") and not (gap == ". " and initial) for gap in gaps):
        return False
    if before.endswith(("'s", "’s")):
        return False
    own = text[slice(*pieces[place])].lower()
    if len(own) > 1 and own in words.honorifics and before.lower() not in words.honorifics:
        return False
    return all(text[slice(*pieces[at])] in words.particles for at in range(previous + 1, place))


def _is_name_alone(word: str, elsewhere: set[str]) -> bool:
    return word in elsewhere or _INNER.search(word[:50]) is not None


def _is_subject(
    text: str, pieces: Sequence[tuple[int, int]], place: int, words: LanguageWords, known: InputWords
) -> bool:
    """Whether the first word of a sentence is a name of the input; or a word without an article before a verb or a
    noun (`Lisbon's`), if the input does not have it in lower case.

    A word in -s may be a plural noun, which has no singular verb.
    """
    word = text[slice(*pieces[place])]
    stem = _POSSESSIVE.sub("", word[:50])
    folded = {*folded_words(stem)}
    if not words.verbs or not folded or folded & known.lower or stem.lower() in words.adverbs | words.openers:
        return False
    if folded <= known.names or stem != word:
        return True
    start, end = pieces[place + 1] if place + 1 < len(pieces) else (-1, -1)
    if start != pieces[place][1] + 1 or text[start - 1] != " " or word.endswith(_COMMON_ENDINGS):
        return False
    following = text[start:end].replace("’", "'")
    return following in words.singular_verbs or (following in words.verbs and not word.endswith("s"))


def _bounds(text: str, start: int, end: int) -> tuple[int, int]:
    if text[start:end].endswith(("'s", "’s")):
        end -= 2
    return start, end


_NOUN_ENDINGS = ("ung", "ungen", "heit", "heiten", "keit", "keiten", "schaft", "tion", "tionen", "ismus", "ität",
                 "chen", "lein", "nis", "nisse", "nissen", "tum", "ei", "ierung")  # fmt: skip
_ADJECTIVE_ENDINGS = ("e", "er", "es", "en", "em")
_ROLES = frozenset(
    """präsident präsidentin ratspräsident kommissar kommissarin minister ministerin kanzler kanzlerin abgeordnete
    abgeordneter abgeordneten vorsitzende vorsitzender vorsitzenden berichterstatter berichterstatterin direktor doktor
    professor kollege kollegin kollegen""".split()  # noqa: SIM905
)


# An article, another determiner or a number, with adjectives: a noun follows.
_BEFORE_NOUN = regex.compile(
    r"(?<!\w)(?:d(?:er|ie|as|en|em|es)|(?:irgend|k)?ein(?:e|en|em|er|es)?|[ainvz]m|ans|beim|ins|vom|zu[mr]|[dms]ein(?:e|en|em|er|es)?|ihre?[nmrs]?"
    r"|unsere?[nmrs]?|diese[nmrs]?|jede[nmrs]?|zwei|drei|vier|viele|einige|mehrere)\s(?:\p{Ll}+e[mnrs]?\s){0,2}\Z",
    regex.IGNORECASE,
)
_BEFORE = 60


def _german_name(
    text: str,
    pieces: Sequence[tuple[int, int]],
    run: Sequence[int],
    first: Sequence[bool],
    elsewhere: set[str],
    known: frozenset[str],
) -> list[int]:
    """The name in a run of capitalised words of a German text, if they are not only nouns.

    It is a name from its first to its last ``known`` word. Without known words it is a name if its last word has inner
    capitals (`EU`, but not `EU-Haushalt`), if a word that is not a role follows a form of address (`Frau Brandt`), or
    if at least two words remain after removing words that look like nouns, roles, an adjective that begins the
    sentence, or the noun after an article.
    """
    surfaces = [text[slice(*pieces[place])] for place in run]
    named = [place for place, word in zip(run, map(folded_words, surfaces), strict=True) if word and known >= {*word}]
    if named:
        return [place for place in run if named[0] <= place <= named[-1]]
    if all(map(str.isupper, surfaces)) and len(surfaces) > 1:  # emphasis
        return []
    if first[run[0]] and len(run) == 1 and not _is_name_alone(surfaces[0], elsewhere):
        return []
    if _INNER.search(surfaces[-1].rpartition("-")[2][:50]):
        return list(run)
    begin = pieces[run[0]][0]
    is_adjective = first[run[0]] and surfaces[0] not in elsewhere and surfaces[0].endswith(_ADJECTIVE_ENDINGS)
    is_noun = surfaces[0].lower() not in WORDS["de"].honorifics and _BEFORE_NOUN.search(
        text[max(0, begin - _BEFORE) : begin]
    )
    if is_adjective or is_noun:
        run, surfaces = run[1:], surfaces[1:]
    telling = [word for word in map(str.lower, surfaces) if not word.endswith(_NOUN_ENDINGS) and word not in _ROLES]
    own = [word for word in telling if word not in WORDS["de"].honorifics and "-" not in word]
    return list(run) if len(own) > 1 or (own and len(telling) > len(own)) else []
