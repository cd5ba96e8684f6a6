"""Synonyms of English words from WordNet, in the word's inflected form.

The part of speech of a word is decided by how often its readings were tagged in WordNet's corpora. A word with two
similarly frequent readings has no synonyms.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from halluc.augmentation.language.inflection import Form, Inflection, WordForm
from halluc.augmentation.language.wordnet import Member, PartOfSpeech, WordNet
from halluc.augmentation.methods.base import Tokens

# The approximate share of each form of a lemma: WordNet counts lemmas, not forms.
_SHARES: Mapping[PartOfSpeech, Mapping[Form, float]] = {
    "noun": {"base": 0.7, "plural": 0.3},
    "verb": {"base": 0.35, "third": 0.1, "past": 0.25, "participle": 0.15, "past or participle": 0.4, "ing": 0.15},
    "adj": {"base": 0.9, "comparative": 0.05, "superlative": 0.05},
    "adv": {"base": 0.9, "comparative": 0.05, "superlative": 0.05},
}
_SHORTEST = 3
_VOWELS = frozenset("aeiouy")
# A noun with one of these inside has its plural ending before it: points of view, attorneys at law.
_INSIDE_NOUNS = frozenset("of in at to for on by with and the de la".split())  # noqa: SIM905


class WordNetThesaurus:
    """Synonyms of a word: the other members of the first synsets of its most frequent reading."""

    def __init__(self, wordnet: WordNet, most_senses: int, multiword: bool) -> None:
        self._wordnet = wordnet
        self._inflection = Inflection(wordnet.exceptions)
        self._most_senses = most_senses
        self._multiword = multiword

    def synonyms(self, word: str) -> tuple[Tokens, ...]:
        """The synonyms of a lower-case word, each as tokens, the best first; empty if it is ambiguous."""
        reading = self.reading(word)
        if reading is None:
            return ()
        result: dict[Tokens, None] = {}
        for member in self._members(reading):
            tokens = inflect_words(self._inflection, member.word.split("_"), reading.part, reading.form)
            if tokens is not None and tokens != (word,):
                result[tokens] = None
        return tuple(result)

    def reading(self, word: str) -> WordForm | None:
        """The reading that was tagged more than twice as often as any other, or None."""
        readings = self._inflection.readings(word, self._wordnet.has)
        if len(readings) < 2:
            return readings[0] if readings else None
        weighted = sorted((-self._weight(one), number) for number, one in enumerate(readings))
        (first, best), (second, _) = weighted[:2]
        return readings[best] if 2 * second > first else None

    def _weight(self, reading: WordForm) -> float:
        return _SHARES[reading.part][reading.form] * self._wordnet.frequency(reading.lemma, reading.part)

    def _members(self, reading: WordForm) -> Iterator[Member]:
        """The other members of the selected senses."""
        senses = 0
        for synset in self._wordnet.synsets(reading.lemma, reading.part):
            own = next((member for member in synset if member.word == reading.lemma), None)
            if own is None:  # the sense of a name: China, not china
                continue
            senses += 1
            yield from (member for member in synset if self._may_replace(member, own))
            if senses == self._most_senses:
                return

    def _may_replace(self, member: Member, own: Member) -> bool:
        """Whether a member is not a name, number, abbreviation (s, yr) or phrase with a placeholder (make up one's
        mind); adjectives that only follow their noun, such as "asleep", only replace each other."""
        word = member.word
        if word == own.word or not word.islower() or not (self._multiword or "_" not in word):
            return False
        if "one's" in word or len(word) < _SHORTEST or not _VOWELS.intersection(word):
            return False
        if member.marker in ("p", "ip") and member.marker != own.marker:
            return False
        return all(char.isalpha() or char in "_-'" for char in word)


def inflect_words(inflection: Inflection, words: list[str], part: PartOfSpeech, form: Form) -> Tokens | None:
    """One or several words in a form: of a verb the first word is inflected, of a noun the last; None if unknown."""
    if form == "base":
        return tuple(words)
    at = 0 if part == "verb" else len(words) - 1
    if len(words) > 1 and (part in ("adj", "adv") or (part == "noun" and _INSIDE_NOUNS.intersection(words))):
        return None
    written = inflection.inflect(words[at], part, form)
    return None if written is None else (*words[:at], written, *words[at + 1 :])
