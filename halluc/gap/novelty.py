"""How new a mention is to a training split (Taillé et al. 2020), and which training mention it is most like."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein
from rapidfuzz.process import extractOne

from halluc.gap.coverage import SurfaceCoverage
from halluc.gap.stopwords import is_content
from halluc.runs.schema import Nearest, Novelty

# From what is known best to what is known least.
NOVELTIES: tuple[Novelty, ...] = ("seen", "partial", "new")
# The content words of a surface.
Words = Callable[[str], Iterable[str]]


def novelty(coverage: SurfaceCoverage, tokens: Sequence[str], label: str) -> Novelty:
    """``seen``: the same surface and label stand in the training split; ``partial``: shares a token with a training
    mention of the same label, stop words and tokens without a letter or digit aside; ``new``: neither.

    Source: Taillé, Guigue & Gallinari 2020, "Contextualized Embeddings in Named-Entity Recognition: An Empirical Study
    on Generalization", section 2 (exact match, partial match, new). Case counts, as it does for surfaces.
    """
    text = " ".join(tokens)
    if coverage.knows(text, label):
        return "seen"
    known = coverage.words(label)
    shares = any(word in known and is_content(word) for word in text.split(" "))
    return "partial" if shares else "new"


def is_confusable(coverage: SurfaceCoverage, text: str, label: str) -> bool:
    """Whether the training split has the surface with other labels only."""
    labels = coverage.labels_of(text)
    return bool(labels) and label not in labels


@dataclass(frozen=True, slots=True)
class _Shelf:
    """The surfaces of one label, the most frequent first, then by surface; and which of them have a content word."""

    surfaces: list[str]
    having: dict[str, list[int]]

    @classmethod
    def of(cls, coverage: SurfaceCoverage, label: str, words: Words) -> _Shelf:
        known = coverage.of_label(label)
        surfaces = sorted(known, key=lambda text: (-known[text].count, text))
        having: dict[str, list[int]] = {}
        for number, text in enumerate(surfaces):
            for word in set(words(text)):
                having.setdefault(word, []).append(number)
        return cls(surfaces, having)

    def most_shared(self, words: Iterable[str]) -> list[str]:
        """The surfaces that share the most of ``words``; all where none shares one."""
        shared: Counter[int] = Counter()
        for word in set(words):
            shared.update(self.having.get(word, ()))
        if not shared:
            return self.surfaces
        most = max(shared.values())
        return [self.surfaces[number] for number in sorted(n for n, count in shared.items() if count == most)]


class NearestMentions:
    """Finds the training mention of the same label that a mention is most like; each question is answered once.

    ``words`` tells the content words of a surface; those of mentions keep their case.
    """

    def __init__(self, coverage: SurfaceCoverage, words: Words | None = None) -> None:
        self._coverage = coverage
        self._words = words or _content_words
        self._shelves: dict[str, _Shelf] = {}
        self._found: dict[tuple[str, str], Nearest | None] = {}

    def nearest(self, tokens: Sequence[str], label: str) -> Nearest | None:
        """The mention that shares the most content words, then has the smallest edit distance in characters; where none
        shares one, the smallest edit distance alone. Ties go to the more frequent, then to the first by surface.

        None for a label that the training split does not have.
        """
        key = (" ".join(tokens), label)
        if key not in self._found:
            self._found[key] = self._search(*key)
        return self._found[key]

    def _search(self, text: str, label: str) -> Nearest | None:
        known = self._coverage.of_label(label)
        if not known:
            return None
        best = text if text in known else self._most_like(text, label)
        return Nearest(text=best, file=known[best].file, line=known[best].line)

    def _most_like(self, text: str, label: str) -> str:
        if label not in self._shelves:
            self._shelves[label] = _Shelf.of(self._coverage, label, self._words)
        candidates = self._shelves[label].most_shared(self._words(text))
        if len(candidates) == 1:
            return candidates[0]
        # Of equal distances it returns the first, and lowers its own cutoff with every better one.
        best, *_ = extractOne(text, candidates, scorer=Levenshtein.distance)
        return str(best)


def _content_words(text: str) -> set[str]:
    return {word for word in text.split(" ") if is_content(word)}
