"""The novelty of statements in text generation: which statements the target texts of the training split contain."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from types import SimpleNamespace
from typing import Any, ClassVar

from halluc.core.claims import Claim
from halluc.gap.coverage import SurfaceCoverage
from halluc.gap.forecast import SplitGap, gap_of
from halluc.gap.novelty import SurfaceKnowledge
from halluc.gap.stopwords import text_words
from halluc.gap.units import EXAMPLES, Strata, UnitKind, held_units
from halluc.runs.schema import Novelty
from halluc.tasks.defaults import SurfacesOfTraining
from halluc.tasks.text_generation.source_text import Sourced, target_length, words_of

SENTENCE = "sentence"
# Classes of target length, in tokens, for stratification.
_LENGTHS = ((0, 8), (9, 16), (17, 32), (33, 64), (65, 128), (129, None))


# Distinct lower-case content words of the targets; and distinct names, numbers, dates and quotations.
target_words = held_units("word", lambda example: text_words(" ".join(example.targets)))
target_entities = held_units("entity", lambda example: [text for text, kind in example.pairs if kind != SENTENCE])


def _length(example: Sourced) -> int:
    return sum(target_length(example) >= low for low, _ in _LENGTHS) - 1


_BY_LENGTH = Strata(
    tuple(f"{low}-{high} tokens" if high else f"{low}+ tokens" for low, high in _LENGTHS),
    _length, has_free=False, noun="example", thing="statement", free="without_target", distinct="distinct_statements",
)  # fmt: skip


@dataclass(frozen=True)
class KnownTexts(SurfaceKnowledge):
    """*seen*: the surface occurs in training targets; *partial*: one of its content words does; *new*: neither
    (DEFINITIONS, section 2)."""

    def novelty(self, claim: Claim) -> Novelty:
        return self.novelty_of(self.surface_of(claim), claim.label)

    def novelty_of(self, text: str, label: str) -> Novelty:
        if self.coverage.knows(text, label):
            return "seen"
        words = text_words(text) or text.casefold().split()
        return "partial" if any(word in self._target_words for word in words) else "new"

    @cached_property
    def _target_words(self) -> frozenset[str]:
        """The lower-case words of all targets, from their sentences."""
        return frozenset(word.casefold() for word in self.coverage.words(SENTENCE))

    def surface_of(self, claim: Claim) -> str:
        return " ".join(words_of(claim.text))

    def is_withheld(self, claim: Claim) -> bool:
        if self.withheld is None:
            return False
        return claim.text in self.withheld.words or not self.withheld.words.isdisjoint(text_words(claim.text))


class WrittenKnowledge(SurfacesOfTraining):
    """The names, numbers and sentences of the targets of training."""

    units: ClassVar[Mapping[str, UnitKind]] = {
        "word": UnitKind(target_words, "content words of targets", (0.0, 0.1, 0.25)),
        "entity": UnitKind(target_entities, "names and numbers of targets"),
        "example": EXAMPLES,
    }
    Known: ClassVar[type[SurfaceKnowledge]] = KnownTexts
    counted: ClassVar[str] = "statements"

    def strata(self, examples: Sequence[Sourced]) -> Strata:
        return _BY_LENGTH

    def gap(self, coverage: SurfaceCoverage, examples: Iterable[Sourced]) -> SplitGap:
        """The gap of names, numbers, dates and quotations: whole sentences are almost always new."""
        surfaces = {kind: of_kind for kind, of_kind in coverage.surfaces.items() if kind != SENTENCE}
        stated: Iterator[Any] = (
            SimpleNamespace(pairs=[pair for pair in example.pairs if pair[1] != SENTENCE]) for example in examples
        )
        gap = gap_of(replace(coverage, surfaces=surfaces), stated, KnownTexts(coverage).novelty_of)
        return replace(gap, counted=self.counted)
