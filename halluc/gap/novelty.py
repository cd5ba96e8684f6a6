"""The novelty of a mention compared with a training split (Taillé et al. 2020), and the most similar training mention.

Also the units in which augmentation measures the novelty of a new training example: mentions or content words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

import numpy
from rapidfuzz.distance import Levenshtein
from rapidfuzz.process import cdist, extractOne

from halluc.core.claims import Claim
from halluc.core.edits import Editable
from halluc.gap.coverage import SurfaceCoverage
from halluc.gap.stopwords import is_content, text_words
from halluc.gap.units import WithheldUnits
from halluc.runs.schema import Nearest, Novelty

# From the best known to new.
NOVELTIES: tuple[Novelty, ...] = ("seen", "partial", "new")
# Batches compare texts of at most so many characters (the bits of a register), and have so many distances in memory.
_SHORT, _CELLS = 64, 1 << 22
# The content words of a surface.
Words = Callable[[str], Iterable[str]]


def novelty(coverage: SurfaceCoverage, text: str, label: str) -> Novelty:
    """``seen``: the same surface and label occur in the training split; ``partial``: it shares a token with a training
    mention of the same label, ignoring stop words and tokens without a letter or digit; ``new``: neither.

    Source: Taillé, Guigue & Gallinari 2020, "Contextualized Embeddings in Named-Entity Recognition: An Empirical Study
    on Generalization", section 2 (exact match, partial match, new). Case counts, as it does for surfaces.
    """
    if coverage.knows(text, label):
        return "seen"
    return "new" if coverage.content_words(label).isdisjoint(text.split(" ")) else "partial"


@dataclass(frozen=True)
class SurfaceKnowledge:
    """Training knowledge of mentions: the coverage of the training split, and what was withheld from it, if anything.

    Mentions are looked up by surface: their tokens joined by one space.
    """

    coverage: SurfaceCoverage
    withheld: WithheldUnits | None = None

    @property
    def label_counts(self) -> Mapping[str, int] | None:
        """The frequency of each label in training, if figures are reported by it; for mentions they are not."""
        return None

    def novelty(self, claim: Claim) -> Novelty:
        return self.novelty_of(claim.text, claim.label)

    def novelty_of(self, text: str, label: str) -> Novelty:
        return novelty(self.coverage, text, label)

    def is_confusable(self, claim: Claim) -> bool:
        """Whether the training split has the surface, but only with other labels."""
        labels = self.coverage.labels_of(claim.text)
        return bool(labels) and claim.label not in labels

    def surface_of(self, claim: Claim) -> str:
        """The text that is compared with the surfaces of the training split."""
        return claim.text

    def look_up(self, claims: Iterable[Claim]) -> None:
        """Prepare ``nearest`` for many claims, in less time than it takes for each claim."""
        self._mentions.look_up((self.surface_of(claim), claim.label) for claim in claims)

    def nearest(self, claim: Claim) -> Nearest | None:
        return self._mentions.nearest(self.surface_of(claim), claim.label)

    def is_withheld(self, claim: Claim) -> bool:
        return self.withheld is not None and self.withheld.is_withheld(claim.text, claim.label)

    @cached_property
    def _mentions(self) -> NearestMentions:
        return NearestMentions(self.coverage)


@dataclass(frozen=True, slots=True)
class _SurfaceIndex:
    """The surfaces of one label, the most frequent first, then by surface; and, for each content word, the numbers of
    those with the word."""

    surfaces: list[str]
    by_word: dict[str, list[int]]

    @classmethod
    def of(cls, coverage: SurfaceCoverage, label: str, words: Words) -> _SurfaceIndex:
        known = coverage.of_label(label)
        surfaces = sorted(known, key=lambda text: (-known[text].count, text))
        by_word: dict[str, list[int]] = {}
        for number, text in enumerate(surfaces):
            for word in set(words(text)):
                by_word.setdefault(word, []).append(number)
        return cls(surfaces, by_word)

    def most_shared(self, words: Iterable[str]) -> list[str]:
        """The surfaces that share the most of ``words``; all surfaces if none shares any."""
        numbers = [self.by_word[word] for word in set(words) if word in self.by_word]
        if len(numbers) < 2:
            return [self.surfaces[number] for number in numbers[0]] if numbers else self.surfaces
        shared = Counter(chain.from_iterable(numbers))
        most = max(shared.values())
        return [self.surfaces[number] for number in sorted(n for n, count in shared.items() if count == most)]


class NearestMentions:
    """Finds the most similar training mention with the same label; results are cached.

    ``words`` returns the content words of a surface; those of mentions keep their case.
    """

    def __init__(self, coverage: SurfaceCoverage, words: Words | None = None) -> None:
        self._coverage, self._words = coverage, words or _content_words
        self._indexes: dict[str, _SurfaceIndex] = {}
        self._nearest: dict[tuple[str, str], Nearest] = {}
        self._closest: dict[tuple[str, str], str] = {}

    def look_up(self, mentions: Iterable[tuple[str, str]]) -> None:
        """Prepare ``nearest`` for mentions (text and label) that share no content word with any surface: all their edit
        distances are computed in batches, in a fifth of the time."""
        apart: dict[str, dict[str, None]] = {}
        for text, label in mentions:
            known = self._coverage.of_label(label)
            if not known or text in known or len(text) > _SHORT:
                continue
            if self._index(label).by_word.keys().isdisjoint(self._words(text)):
                apart.setdefault(label, {})[text] = None
        for label, texts in apart.items():
            surfaces, left = self._index(label).surfaces, list(texts)
            rows = max(1, _CELLS // len(surfaces))
            for some in (left[first : first + rows] for first in range(0, len(left), rows)):
                distances = cdist(some, surfaces, scorer=Levenshtein.distance, dtype=numpy.uint32)
                places = distances.argmin(axis=1).tolist()  # the first of equal distances, as in ``_most_like``
                self._closest |= {(text, label): surfaces[place] for text, place in zip(some, places, strict=True)}

    def nearest(self, text: str, label: str) -> Nearest | None:
        """The training mention that shares the most content words, then the one with the smallest edit distance in
        characters, then the most frequent one, then the first by surface.

        None if the training split does not have the label.
        """
        known = self._coverage.of_label(label)
        if not known:
            return None
        if (text, label) not in self._nearest:
            best = text if text in known else self._closest.get((text, label)) or self._most_like(text, label)
            self._nearest[text, label] = Nearest(text=best, file=known[best].file, line=known[best].line)
        return self._nearest[text, label]

    def _most_like(self, text: str, label: str) -> str:
        candidates = self._index(label).most_shared(self._words(text))
        if len(candidates) == 1:
            return candidates[0]
        return str(extractOne(text, candidates, scorer=Levenshtein.distance)[0])

    def _index(self, label: str) -> _SurfaceIndex:
        if label not in self._indexes:
            self._indexes[label] = _SurfaceIndex.of(self._coverage, label, self._words)
        return self._indexes[label]


def _content_words(text: str) -> set[str]:
    return {word for word in text.split(" ") if is_content(word)}


# A mention: its label and its tokens; or a content word in lower case.
Unit = tuple[str, ...]


@dataclass(frozen=True)
class NoveltyUnits:
    """The units of an example, with repetitions, and their names in files.

    ``name`` is the plural name of the units; ``free`` is the name of examples without a label, ``without`` the same in
    messages. ``words`` are the content words of a text or mention in a ledger.
    """

    name: str
    singular: str
    free: str
    without: str
    of: Callable[[Editable], list[Unit]]
    words: Callable[[str], list[str]]


def _mentions(example: Editable) -> list[Unit]:
    return [(label, *example.tokens[start:end]) for start, end, label in example.spans]


def _words_of_text(example: Editable) -> list[Unit]:
    return [(word,) for word in text_words(" ".join(example.tokens))]


def _content(text: str) -> list[str]:
    return list(filter(is_content, text.split()))


MENTIONS = NoveltyUnits("mentions", "mention", "entity_free", "without mentions", _mentions, _content)
CONTENT_WORDS = NoveltyUnits("content_words", "word", "unlabelled", "without a label", _words_of_text, text_words)
