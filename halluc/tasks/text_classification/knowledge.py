"""The novelty of whole texts, by their content words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from halluc.core.claims import Claim
from halluc.core.examples import Corpus
from halluc.data.rows.references import SplitName
from halluc.gap.forecast import SplitGap, gap_among
from halluc.gap.novelty import NearestMentions, SurfaceKnowledge
from halluc.gap.stopwords import text_words
from halluc.gap.units import EXAMPLES, LABELS, Strata, UnitKind, WithheldUnits, held_units
from halluc.runs.schema import Novelty
from halluc.tasks.text_classification.coverage import QUARTERS, TextCoverage
from halluc.tasks.text_classification.examples import TextExamples
from halluc.tasks.text_classification.labelled_text import Labelled

# Classes of text length, in tokens, for stratification.
LENGTHS = ((0, 5), (6, 10), (11, 20), (21, 40), (41, 80), (81, 160), (161, None))


def by_class_and_length(examples: Sequence[Labelled]) -> Strata:
    """Strata of training texts by labels and length. If whole labels are withheld, strata are by the number of labels
    and length: otherwise fraction 0 would lack the withheld labels too."""
    classes = {labels: number for number, labels in enumerate(sorted({example.labels for example in examples}))}
    counts = sorted({_number(example) for example in examples})
    by_labels = replace(
        _OF_TEXTS,
        names=tuple(f"{_MANY_NAMES[count]}, {length}" for count in counts for length in _LENGTH_NAMES),
        of=lambda example: counts.index(_number(example)) * len(LENGTHS) + _length(example),
    )
    return replace(
        _OF_TEXTS,
        names=tuple(f"{' + '.join(labels) or NO_LABEL}, {length}" for labels in classes for length in _LENGTH_NAMES),
        of=lambda example: classes[example.labels] * len(LENGTHS) + _length(example),
        for_labels=by_labels,
    )


_OF_TEXTS = Strata(
    (), lambda example: 0, has_free=False, noun="text", thing="label", free="without_label",
    distinct="distinct_texts", labels_whole=True,
)  # fmt: skip
_LENGTH_NAMES = tuple(f"{low}-{high} tokens" if high else f"{low}+ tokens" for low, high in LENGTHS)
NO_LABEL = "no label"
_MANY_NAMES = (NO_LABEL, "1 label", "2 labels", "3+ labels")


def _length(example: Labelled) -> int:
    return sum(len(example.tokens) >= low for low, _ in LENGTHS) - 1


def _number(example: Labelled) -> int:
    return min(len(example.labels), len(_MANY_NAMES) - 1)


@dataclass(frozen=True)
class TextKnowledge(SurfaceKnowledge):
    """Knowledge of whole texts: a surface is a text, its tokens joined by blanks."""

    coverage: TextCoverage

    @property
    def label_counts(self) -> Mapping[str, int]:
        """The number of training texts with each label."""
        surfaces = self.coverage.surfaces.items()
        return {label: sum(known.count for known in of_label.values()) for label, of_label in surfaces}

    def novelty(self, claim: Claim) -> Novelty:
        """The novelty of the text, independent of the label."""
        return self.coverage.novelty(claim.text)

    def slices(self, examples: Sequence[Labelled]) -> dict[str, list[str]]:
        """For `user` (the group) and `item` (the second text): whether training has that of each example, `seen` or
        `new`; "" for an example without one. Without groups in training there are no slices."""
        if not self.coverage.groups:
            return {}
        parts = {
            "user": ([example.group for example in examples], self.coverage.groups),
            "item": ([example.second_text for example in examples], self.coverage.seconds),
        }
        return {
            name: ["" if part is None else "seen" if part in known else "new" for part in of_examples]
            for name, (of_examples, known) in parts.items()
        }

    @cached_property
    def _mentions(self) -> NearestMentions:
        return NearestMentions(self.coverage, text_words)

    def is_withheld(self, claim: Claim) -> bool:
        """Whether the text, its label, or a word of it was withheld."""
        words = self.withheld.words if self.withheld is not None else frozenset()
        return super().is_withheld(claim) or (bool(words) and not words.isdisjoint(text_words(claim.text)))


def gap_of_words(coverage: TextCoverage, examples: Sequence[Labelled]) -> SplitGap:
    """The gap of the content words of texts.

    A word is new if it occurs in no training text. By label, a word is unseen if it occurs in no training text with
    this label; overall, unseen words are the new ones.
    """
    texts = [text_words(" ".join(example.tokens)) for example in examples]
    overall = [[_word_novelty(word, coverage.word_counts, coverage.word_counts) for word in words] for words in texts]
    numbers_of: dict[str, list[int]] = {label: [] for label in coverage.surfaces}
    for number, example in enumerate(examples):
        for label in example.labels:
            numbers_of.setdefault(label, []).append(number)
    by_label = {}
    for label, numbers in sorted(numbers_of.items()):
        known = coverage.word_counts_of(label)
        novelties = [[_word_novelty(word, known, coverage.word_counts) for word in texts[number]] for number in numbers]
        by_label[label] = gap_among(list(known.values()), novelties, len(texts))
    return SplitGap(gap_among(list(coverage.word_counts.values()), overall, len(texts)), by_label, counted="words")


def _word_novelty(word: str, of_label: Mapping[str, int], word_counts: Mapping[str, int]) -> Novelty:
    return "seen" if word in of_label else "partial" if word in word_counts else "new"


# Distinct lower-case content words of whole texts.
word_units = held_units("word", lambda example: text_words(" ".join(example.tokens)))
WORDS = UnitKind(word_units, "content words", (0.0, 0.1, 0.25))


class WordKnowledge:
    """Knowledge of the training texts, and of their content words by label."""

    novelties: ClassVar[tuple[Novelty, ...]] = QUARTERS
    reported: ClassVar[tuple[Novelty, ...]] = QUARTERS[:1]
    units: ClassVar[Mapping[str, UnitKind]] = {"label": LABELS, "example": EXAMPLES, "word": WORDS}
    splits_read: ClassVar[tuple[SplitName, ...]] = ("train", "dev")

    def __init__(self, examples: TextExamples) -> None:
        self.examples = examples

    def of(self, splits: Mapping[SplitName, Corpus[Labelled]]) -> TextCoverage:
        """The coverage of the texts that are used for training, with the quartiles of dev."""
        return TextCoverage.of(filter(self.examples.trains_on, splits["train"]), splits.get("dev", ()))

    def load(self, path: Path) -> TextCoverage:
        return TextCoverage.load(path)

    def from_coverage(self, coverage: TextCoverage, withheld: WithheldUnits | None) -> TextKnowledge:
        return TextKnowledge(coverage, withheld)

    def strata(self, examples: Sequence[Labelled]) -> Strata:
        return by_class_and_length(examples)

    def whole_texts(self, coverage: TextCoverage) -> TextCoverage:
        return coverage

    def gap(self, coverage: TextCoverage, examples: Iterable[Labelled]) -> SplitGap:
        return gap_of_words(coverage, list(examples))
