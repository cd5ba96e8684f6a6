"""English inflection and lemmatisation: walked is the past of walk, and strolled that of stroll.

It uses spelling rules, a table of irregular forms, and WordNet's lists of exceptions if available. There is no form,
such as a plural of "information", if it may be wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Literal, NamedTuple

from halluc.augmentation.language.inflection_tables import (
    COMPARED,
    COUNTED_IN_NESS,
    DOUBLING,
    PAST,
    PLURAL,
    THIRD,
    UNCHANGED_PLURALS,
    UNCOUNTABLE,
)
from halluc.augmentation.language.wordnet import PartOfSpeech

Form = Literal[
    "base", "plural", "third", "past", "participle", "past or participle", "ing", "comparative", "superlative"
]

_FORMS: Mapping[PartOfSpeech, tuple[Form, ...]] = {
    "noun": ("plural",),
    "verb": ("third", "past", "participle", "ing"),
    "adj": ("comparative", "superlative"),
    "adv": ("comparative", "superlative"),
}
_WITH_S: tuple[PartOfSpeech, ...] = ("noun", "verb")
_OF_ENDING: Mapping[str, tuple[PartOfSpeech, ...]] = {
    "ed": ("verb",),
    "ing": ("verb",),
    "er": ("adj", "adv"),
    "est": ("adj", "adv"),
}
_ENDINGS = ("s", "men", *_OF_ENDING)
Exceptions = Mapping[PartOfSpeech, Mapping[str, tuple[str, ...]]]

# Stop, plan and quit, but neither seem nor snow: one vowel, then one consonant that is not w, x or y.
_ONE_SYLLABLE_TO_DOUBLE = re.compile(r"(?:[^aeiou]*qu|[^aeiou]*)[aeiou][^aeiouwxy]")
_SIBILANT = re.compile(r"(?:s|x|z|ch|sh)$")
_CONSONANT_Y = re.compile(r"[^aeiou]y$")
_SYLLABLES = re.compile(r"[aeiouy]+")
_NO_MEN = ("human", "german", "roman", "norman", "ottoman", "shaman", "talisman", "caiman", "mussulman", "cayman")


class WordForm(NamedTuple):
    """A possible analysis of a written word: a form of a lemma."""

    lemma: str
    part: PartOfSpeech
    form: Form


class Inflection:
    """Forms of single lower-case English words; ``exceptions`` are lemmas by part of speech and irregular form."""

    def __init__(self, exceptions: Exceptions | None = None) -> None:
        self._listed_lemmas = exceptions or {}
        self._listed = _forms_by_lemma(self._listed_lemmas)
        self._irregular = _irregular_forms()

    def readings(self, word: str, exists: Callable[[str, PartOfSpeech], bool]) -> list[WordForm]:
        """All possible analyses of a word as a form of a lemma for which ``exists`` is true."""
        forms = [WordForm(word, part, "base") for part in _FORMS if exists(word, part)]
        for lemma, part in self._lemmas(word):
            if exists(lemma, part):
                forms += (WordForm(lemma, part, form) for form in self._forms_of(lemma, part, word))
        return forms

    def _lemmas(self, word: str) -> Iterable[tuple[str, PartOfSpeech]]:
        """Candidate lemmas of a word, which ``readings`` verifies by inflecting them."""
        result = dict.fromkeys(self._irregular.get(word, ()))
        for part in _FORMS:
            result.update(((lemma, part), None) for lemma in self._listed_lemmas.get(part, {}).get(word, ()))
        if word.endswith(_ENDINGS):
            result.update((pair, None) for pair in _stems(word))
        return result

    def inflect(self, lemma: str, part: PartOfSpeech, form: Form) -> str | None:
        """A form of a lemma; None if there is none, or if past and participle are requested, but differ."""
        if form == "base":
            return lemma
        if form not in _FORMS[part] and form != "past or participle":
            return None
        if form == "past or participle":
            past = self.inflect(lemma, part, "past")
            return past if past == self.inflect(lemma, part, "participle") else None
        spellings = self._spellings(lemma, part, form)
        return spellings[0] if spellings else None

    def _forms_of(self, lemma: str, part: PartOfSpeech, word: str) -> list[Form]:
        forms = [form for form in _FORMS[part] if word in self._spellings(lemma, part, form)]
        if "past" in forms and "participle" in forms:
            return ["past or participle", *(form for form in forms if form not in ("past", "participle"))]
        return forms

    def _spellings(self, lemma: str, part: PartOfSpeech, form: Form) -> tuple[str, ...]:
        """The spellings of a form, the usual one first: from our tables, from WordNet's, or by rule."""
        known = _irregular(lemma, part, form)
        if known:
            return known
        listed = self._listed.get((lemma, part, form))
        if listed is not None:
            return listed
        if part == "noun":
            return regular_plural(lemma)
        return regular_verb(lemma, form) if part == "verb" else comparison_forms(lemma, part, form)


def _irregular(lemma: str, part: PartOfSpeech, form: Form) -> tuple[str, ...]:
    if part == "noun":
        return (lemma,) if lemma in UNCHANGED_PLURALS else PLURAL.get(lemma, ())
    if part == "verb":
        return _irregular_verb(lemma, form)
    return (COMPARED[lemma][form == "superlative"],) if lemma in COMPARED else ()


def regular_plural(noun: str) -> tuple[str, ...]:
    """The plural of a noun by the rules; empty if it is uncountable."""
    if noun in UNCOUNTABLE or noun.endswith("ics") or (noun.endswith("ness") and noun not in COUNTED_IN_NESS):
        return ()
    if noun.endswith("man") and not noun.lower().endswith(_NO_MEN):
        return (noun[:-3] + "men",)
    if noun.endswith("sis"):
        return (noun[:-2] + "es",)
    return (_add_s(noun),)


def _add_s(word: str) -> str:
    if _CONSONANT_Y.search(word):
        return word[:-1] + "ies"
    return word + ("es" if _SIBILANT.search(word) else "s")


def _irregular_verb(verb: str, form: Form) -> tuple[str, ...]:
    if verb == "be":
        return {"third": ("is",), "past": ("was", "were"), "participle": ("been",), "ing": ("being",)}.get(form, ())
    if form == "third" and verb in THIRD:
        return (THIRD[verb],)
    if verb in PAST and form in ("past", "participle"):
        return PAST[verb][form == "participle"]
    return ()


def regular_verb(verb: str, form: Form) -> tuple[str, ...]:
    """The spellings of a form of a verb by the rules: several if American and British differ (traveled, travelled)."""
    if form == "third":
        return (verb + "es",) if re.search(r"[^aeiou]o$", verb) else (_add_s(verb),)
    if form == "ing":
        if verb.endswith("ie"):
            return (verb[:-2] + "ying",)
        if verb.endswith("e") and not verb.endswith(("ee", "oe", "ye", "inge")):
            return (verb[:-1] + "ing",)
        return tuple(stem + "ing" for stem in _suffix_stems(verb))
    if verb.endswith("e"):
        return (verb + "d",)
    if _CONSONANT_Y.search(verb):
        return (verb[:-1] + "ied",)
    return tuple(stem + "ed" for stem in _suffix_stems(verb))


def _suffix_stems(word: str) -> tuple[str, ...]:
    """The stem of a word before -ed, -ing, -er and -est."""
    if word.endswith("ic"):
        return (word + "k",)
    if word in DOUBLING or _ONE_SYLLABLE_TO_DOUBLE.fullmatch(word):
        return (word + word[-1],)
    if re.search(r"[^aeiou][aeio]l$", word):
        return (word, word + "l")
    return (word,)


def comparison_forms(word: str, part: PartOfSpeech, form: Form) -> tuple[str, ...]:
    """The comparative in -er or superlative in -est; empty for longer words, which take "more" and "most"."""
    ending = "er" if form == "comparative" else "est"
    syllables = len(_SYLLABLES.findall(word.removesuffix("e")))
    if _CONSONANT_Y.search(word):
        is_manner = part == "adv" and word.endswith("ly") and word != "early"
        return () if is_manner or syllables > 2 else (word[:-1] + "i" + ending,)
    if syllables != 1 and not (syllables == 2 and word.endswith("ow")):
        return ()
    return (word + ending[1:],) if word.endswith("e") else (_suffix_stems(word)[0] + ending,)


def _stems(word: str) -> Iterator[tuple[str, PartOfSpeech]]:
    """Candidate lemmas of a regular form."""
    if word.endswith("s"):
        for part in _WITH_S:
            yield word[:-1], part
            if word.endswith("es"):
                yield word[:-2], part
            if word.endswith("ies"):
                yield word[:-3] + "y", part
        if word.endswith("ses"):
            yield word[:-2] + "is", "noun"
    if word.endswith("men"):
        yield word[:-3] + "man", "noun"
    for ending, parts in _OF_ENDING.items():
        if word.endswith(ending) and len(word) > len(ending) + 1:
            for stem in _bare(word.removesuffix(ending), ending):
                yield from ((stem, part) for part in parts)


def _bare(stem: str, ending: str) -> Iterator[str]:
    yield stem
    yield stem + "e"
    if stem[-1:] == stem[-2:-1]:
        yield stem[:-1]
    if stem.endswith("ck"):
        yield stem[:-1]
    if stem.endswith("i"):
        yield stem[:-1] + "y"
    if stem.endswith("y") and ending == "ing":
        yield stem[:-1] + "ie"


def _irregular_forms() -> dict[str, list[tuple[str, PartOfSpeech]]]:
    """Each irregular form in the tables with its possible lemmas."""
    result: dict[str, list[tuple[str, PartOfSpeech]]] = {}
    for verb, (past, participle) in PAST.items():
        for form in dict.fromkeys((*past, *participle, *THIRD.get(verb, "").split())):
            result.setdefault(form, []).append((verb, "verb"))
    for noun, spellings in (*PLURAL.items(), *((noun, (noun,)) for noun in sorted(UNCHANGED_PLURALS))):
        for form in spellings:
            result.setdefault(form, []).append((noun, "noun"))
    for word, forms in COMPARED.items():
        for form in forms:
            result.setdefault(form, []).extend([(word, "adj"), (word, "adv")])
    return result


def _forms_by_lemma(exceptions: Exceptions) -> dict[tuple[str, PartOfSpeech, Form], tuple[str, ...]]:
    """WordNet's exceptions inverted: the forms of each lemma."""
    result: dict[tuple[str, PartOfSpeech, Form], tuple[str, ...]] = {}
    for part, lemmas_of in exceptions.items():
        for word, lemmas in lemmas_of.items():
            for lemma in lemmas:
                for form in _exception_forms(word, part):
                    result[lemma, part, form] = (*result.get((lemma, part, form), ()), word)
    # One of two pasts may be the participle, but the list does not distinguish them: the verb then has neither.
    return {key: () if key[2] in ("past", "participle") and len(words) > 1 else words for key, words in result.items()}


def _exception_forms(word: str, part: PartOfSpeech) -> tuple[Form, ...]:
    if part == "noun":
        return ("plural",)
    if part == "verb":
        return ("ing",) if word.endswith("ing") else ("third",) if word.endswith("s") else ("past", "participle")
    return ("superlative",) if word.endswith("st") else ("comparative",)
