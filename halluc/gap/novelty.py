"""How new a mention is to a training split (Taillé et al. 2020), and which training mention it is most like.

At the end: what the novelty of a new training example is measured in, its mentions or the content words of its text.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

from rapidfuzz.distance import Levenshtein
from rapidfuzz.process import extractOne

from halluc.core.claims import Claim
from halluc.core.edits import Editable
from halluc.gap.coverage import SurfaceCoverage
from halluc.gap.stopwords import is_content, text_words
from halluc.gap.units import WithheldUnits
from halluc.runs.schema import Nearest, Novelty

# From what is known best to what is known least.
NOVELTIES: tuple[Novelty, ...] = ("seen", "partial", "new")
# The content words of a surface.
Words = Callable[[str], Iterable[str]]


def novelty(coverage: SurfaceCoverage, text: str, label: str) -> Novelty:
    """``seen``: the same surface and label stand in the training split; ``partial``: shares a token with a training
    mention of the same label, stop words and tokens without a letter or digit aside; ``new``: neither.

    Source: Taillé, Guigue & Gallinari 2020, "Contextualized Embeddings in Named-Entity Recognition: An Empirical Study
    on Generalization", section 2 (exact match, partial match, new). Case counts, as it does for surfaces.
    """
    if coverage.knows(text, label):
        return "seen"
    return "new" if coverage.content_words(label).isdisjoint(text.split(" ")) else "partial"


@dataclass(frozen=True)
class SurfaceKnowledge:
    """The coverage of the split that was trained on, and what was withheld from it, if anything was.

    A mention is asked for by its surface: its tokens joined by one space.
    """

    coverage: SurfaceCoverage
    withheld: WithheldUnits | None = None

    @property
    def label_counts(self) -> Mapping[str, int] | None:
        """How often training shows each label, where figures are to be told by it; of mentions they are not."""
        return None

    def novelty(self, claim: Claim) -> Novelty:
        return self.novelty_of(claim.text, claim.label)

    def novelty_of(self, text: str, label: str) -> Novelty:
        return novelty(self.coverage, text, label)

    def is_confusable(self, claim: Claim) -> bool:
        """Whether the training split has the surface with other labels only."""
        labels = self.coverage.labels_of(claim.text)
        return bool(labels) and claim.label not in labels

    def nearest(self, claim: Claim) -> Nearest | None:
        return self._mentions.nearest(claim.text, claim.label)

    def is_withheld(self, claim: Claim) -> bool:
        return self.withheld is not None and self.withheld.is_withheld(claim.text, claim.label)

    @cached_property
    def _mentions(self) -> NearestMentions:
        return NearestMentions(self.coverage)


@dataclass(frozen=True, slots=True)
class _Shelf:
    """The surfaces of one label, the most frequent first, then by surface; the numbers of those that have a content
    word; and by length in characters the surfaces with their numbers."""

    surfaces: list[str]
    having: dict[str, list[int]]
    of_length: dict[int, dict[str, int]]

    @classmethod
    def of(cls, coverage: SurfaceCoverage, label: str, words: Words) -> _Shelf:
        known = coverage.of_label(label)
        surfaces = sorted(known, key=lambda text: (-known[text].count, text))
        having: dict[str, list[int]] = {}
        of_length: dict[int, dict[str, int]] = {}
        for number, text in enumerate(surfaces):
            of_length.setdefault(len(text), {})[text] = number
            for word in set(words(text)):
                having.setdefault(word, []).append(number)
        return cls(surfaces, having, of_length)

    def most_shared(self, words: Iterable[str]) -> list[str]:
        """The surfaces that share the most of ``words``; none where no surface shares one."""
        shared = Counter(chain.from_iterable(self.having.get(word, ()) for word in set(words)))
        if not shared:
            return []
        most = max(shared.values())
        return [self.surfaces[number] for number in sorted(n for n, count in shared.items() if count == most)]

    def closest(self, text: str) -> str:
        """The first surface of the smallest edit distance, which is no less than the difference of the lengths: lengths
        that differ by more than the smallest distance so far are not looked at."""
        best = (sys.maxsize, 0)
        for length in sorted(self.of_length, key=lambda length: abs(length - len(text))):
            if abs(length - len(text)) > best[0]:
                break
            surfaces = self.of_length[length]
            nearest = extractOne(text, surfaces.keys(), scorer=Levenshtein.distance, score_cutoff=best[0])
            if nearest is not None:
                best = min(best, (nearest[1], surfaces[nearest[0]]))
        return self.surfaces[best[1]]


class NearestMentions:
    """Finds the training mention of the same label that a mention is most like; each question is answered once.

    ``words`` tells the content words of a surface; those of mentions keep their case.
    """

    def __init__(self, coverage: SurfaceCoverage, words: Words | None = None) -> None:
        self._coverage, self._words = coverage, words or _content_words
        self._shelves: dict[str, _Shelf] = {}
        self._found: dict[tuple[str, str], Nearest] = {}

    def nearest(self, text: str, label: str) -> Nearest | None:
        """The mention that shares the most content words, then has the smallest edit distance in characters; where none
        shares one, the smallest edit distance alone. Ties go to the more frequent, then to the first by surface.

        None for a label that the training split does not have.
        """
        known = self._coverage.of_label(label)
        if not known:
            return None
        if (text, label) not in self._found:
            best = text if text in known else self._most_like(text, label)
            self._found[text, label] = Nearest(text=best, file=known[best].file, line=known[best].line)
        return self._found[text, label]

    def _most_like(self, text: str, label: str) -> str:
        if label not in self._shelves:
            self._shelves[label] = _Shelf.of(self._coverage, label, self._words)
        candidates = self._shelves[label].most_shared(self._words(text))
        if len(candidates) < 2:
            return candidates[0] if candidates else self._shelves[label].closest(text)
        # Of equal distances it returns the first, and lowers its own cutoff with every better one.
        return str(extractOne(text, candidates, scorer=Levenshtein.distance)[0])


def _content_words(text: str) -> set[str]:
    return {word for word in text.split(" ") if is_content(word)}


# A mention: its label, and its tokens; or a content word, lower-cased.
Unit = tuple[str, ...]


@dataclass(frozen=True)
class NoveltyUnits:
    """The units of an example, as often as they stand there, and their names in files.

    ``name`` is that of the units and ``one`` of a single one, ``free`` that of examples without a label, who have
    ``without`` for people. ``words`` are the content words of a text or mention in a ledger.
    """

    name: str
    one: str
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
