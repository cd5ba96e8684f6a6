"""A user's own file of synonyms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from halluc.augmentation.language.inflection import Inflection
from halluc.augmentation.language.thesaurus import inflect_words
from halluc.augmentation.methods.base import Tokens
from halluc.core.errors import HallucError, Location, data_error, refuse
from halluc.data.word_files import entries

_FORM = 'write `word<TAB>synonym<TAB>…` on each line; in a .jsonl file, {"word": …, "synonyms": […]}'

# The replacements of each word, in lower case.
Groups = dict[str, dict[Tokens, None]]


class FileThesaurus:
    """Synonyms of a word from a user's file; with ``inflect`` those of its lemma, in the same inflected form."""

    def __init__(self, groups: Groups, inflect: bool) -> None:
        self._groups = {word: tuple(synonyms) for word, synonyms in groups.items()}
        self._inflection = Inflection() if inflect else None

    def synonyms(self, word: str) -> tuple[Tokens, ...]:
        """The synonyms of a lower-case word, each as tokens, in the order of the file."""
        known = self._groups.get(word)
        if known is not None or self._inflection is None:
            return known or ()
        inflection = self._inflection
        readings = inflection.readings(word, lambda lemma, _: lemma in self._groups)
        result: dict[Tokens, None] = {}
        for lemma, _, _ in readings[:1]:
            of_lemma = [one for one in readings if one.lemma == lemma]
            for synonym in self._groups[lemma]:
                # The file does not distinguish nouns from verbs: a synonym is used only if both have the same form.
                forms = {inflect_words(inflection, list(synonym), part, form) for _, part, form in of_lemma}
                if len(forms) == 1 and (tokens := forms.pop()) is not None:
                    result[tokens] = None
        return tuple(result)


def read_synonyms(reference: str) -> Groups:
    """The synonyms of each word, in the order of the file.

    The tab-separated words of a line are synonyms of each other. In a file that ends in ``.jsonl``, the ``synonyms``
    replace the ``word``, but not the other way round. A synonym is split into tokens at white space.

    Raises:
        HallucError D101: no such file. D143, D104, up to 20 at once: lines that cannot be read, or no readable line.
    """
    groups: Groups = {}
    errors: list[HallucError] = []
    for _, entry in entries(reference, _parse_columns, _parse_object, errors, code="D143", form=_FORM):
        for word, synonyms in entry:
            of_word = groups.setdefault(word.lower(), {})
            of_word.update((tuple(synonym.split()), None) for synonym in synonyms if synonym != word)
    refuse(errors)
    if not groups:
        raise data_error("D143", f"{reference} has no synonyms", Location(reference), _FORM)
    return groups


_Entry = list[tuple[str, list[str]]]


def _parse_columns(line: str) -> _Entry | str:
    """Each word of a group with the whole group, or a message."""
    group = [" ".join(word.split()) for word in line.split("\t")]
    if len(group) == 1:
        return "no tab between a word and its synonym"
    if not all(group):
        return "an empty field before, between or after the tabs"
    if len({word.lower() for word in group}) == 1:
        return "a word cannot be its own synonym"
    return [(word, group) for word in dict.fromkeys(group)]


def _parse_object(record: Mapping[str, Any]) -> _Entry | str:
    word, synonyms = record.get("word"), record.get("synonyms")
    if not isinstance(word, str) or not word.strip():
        return "no text in the field `word`"
    if not isinstance(synonyms, list) or not synonyms:
        return "no list in the field `synonyms`"
    if not all(isinstance(synonym, str) and synonym.strip() for synonym in synonyms):
        return "not every one of the `synonyms` is a text"
    return [(" ".join(word.split()), [" ".join(synonym.split()) for synonym in synonyms])]
