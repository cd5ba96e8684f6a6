"""Counts of labels of texts on integer arrays, and precision, recall and F1 computed from them.

Definitions are those of scikit-learn, and tests compare with it. Intervals resample the counts by text. An average is
over the labels that occur in gold or claims; in a resample, over those that occur in it. Otherwise a label of a single
text would lower the average of each resample without that text.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy

from halluc.core.figures import of_places
from halluc.core.significance import F1, Figure, Formula, Ratio, Sheet, divided

Array = numpy.ndarray
# A label, or something that has one, such as a span.
ItemT = TypeVar("ItemT", bound=Hashable)


@dataclass(frozen=True)
class Pairs:
    """Occurrences of labels: the index of the text and that of the label, both (pairs,)."""

    text: Array
    label: Array

    def texts_by_label(self, labels: int) -> list[Array]:
        """The texts of each label."""
        order = numpy.argsort(self.label, kind="stable")
        return numpy.split(self.text[order], numpy.searchsorted(self.label[order], numpy.arange(1, max(labels, 1))))

    def count(self, labels: int) -> Array:
        """The number of texts with each label, (labels,)."""
        return numpy.bincount(self.label, minlength=labels)


@dataclass(frozen=True)
class LabelCounts:
    """Labels in gold, in claims, and in both (``hits``), over ``texts`` texts."""

    labels: tuple[str, ...]
    texts: int
    hits: Pairs
    predicted: Pairs
    gold: Pairs

    @property
    def all_pairs(self) -> tuple[Pairs, Pairs, Pairs]:
        return self.hits, self.predicted, self.gold


def count(
    gold: Sequence[Sequence[ItemT]], predicted: Sequence[Sequence[ItemT]], label_of: Callable[[ItemT], str] = str
) -> LabelCounts:
    """Count the gold and predicted items of texts, without repetitions: labels, or anything that has a label.

    Raises:
        ValueError: the numbers of texts differ.
    """
    if len(gold) != len(predicted):
        raise ValueError("gold and predicted labels are not of the same texts")
    hits = [[one for one in claimed if one in there] for claimed, there in zip(predicted, map(set, gold), strict=True)]
    labels = [[list(map(label_of, items)) for items in side] for side in (hits, predicted, gold)]
    names = sorted({label for side in labels for of_text in side for label in of_text})
    numbers = {name: number for number, name in enumerate(names)}
    return LabelCounts(tuple(names), len(gold), *(_pairs(side, numbers) for side in labels))


def _pairs(side: Sequence[Sequence[str]], numbers: dict[str, int]) -> Pairs:
    sizes = [len(labels) for labels in side]
    labels = numpy.fromiter((numbers[label] for labels in side for label in labels), numpy.int64, count=sum(sizes))
    return Pairs(numpy.repeat(numpy.arange(len(side)), sizes), labels)


# Computes a figure from hits, predicted and gold, arrays of one shape; 0 if undefined.
Score = Callable[[Array, Array, Array], Array]
SCORES: dict[str, Score] = {
    "f1": lambda hits, predicted, gold: divided(2 * hits, predicted + gold, undefined=0.0),
    "precision": lambda hits, predicted, gold: divided(hits, predicted, undefined=0.0),
    "recall": lambda hits, predicted, gold: divided(hits, gold, undefined=0.0),
}
AVERAGES = ("micro", "macro", "weighted")
# Rates that are meaningless for labels of whole texts: a wrong label is unsupported, never distorted, and a long text
# has no more claims than a short one.
EXCLUDED = of_places()


def average_score(score: Score, average: str, hits: Array, predicted: Array, gold: Array) -> Array:
    """The average of a score over labels, from counts (..., labels); 0 without labels."""
    if average == "micro":
        return score(hits.sum(-1), predicted.sum(-1), gold.sum(-1))
    weights = gold if average == "weighted" else (predicted + gold > 0).astype(numpy.float64)
    return divided((score(hits, predicted, gold) * weights).sum(-1), weights.sum(-1), undefined=0.0)


@dataclass(frozen=True)
class Columns:
    """The columns of a sheet with hits, predicted and gold, one per label."""

    hits: tuple[int, ...]
    predicted: tuple[int, ...]
    gold: tuple[int, ...]

    @classmethod
    def of(cls, counts: LabelCounts, sheet: Sheet) -> Columns:
        width = len(counts.labels)
        return cls(*(tuple(map(sheet.tally, pairs.texts_by_label(width)[:width])) for pairs in counts.all_pairs))


@dataclass(frozen=True)
class AverageScore:
    """A score averaged over labels: ``macro``, or ``weighted`` by their frequency in gold."""

    columns: Columns
    score: Score
    average: str

    def __call__(self, sums: Array) -> Array:
        three = (sums[..., list(c)] for c in (self.columns.hits, self.columns.predicted, self.columns.gold))
        return average_score(self.score, self.average, *three)


def figures(counts: LabelCounts, columns: Columns, protocol: str, sheet: Sheet) -> list[Figure]:
    """Precision, recall and F1: micro, macro, weighted, and by label.

    ``n`` is the denominator: claims for precision, gold labels for recall and F1.
    """
    micro = formulas(*(sheet.tally(pairs.text) for pairs in counts.all_pairs))
    sizes = len(counts.predicted.text), len(counts.gold.text)
    results = [_figure(f"micro_{name}", {}, protocol, *sizes, formula) for name, formula in micro.items()]
    for average in ("macro", "weighted"):
        for name, score in SCORES.items():
            results.append(_figure(f"{average}_{name}", {}, protocol, *sizes, AverageScore(columns, score, average)))
    width = len(counts.labels)
    by_label = zip(counts.predicted.count(width).tolist(), counts.gold.count(width).tolist(), strict=True)
    rows = zip(counts.labels, columns.hits, columns.predicted, columns.gold, by_label, strict=True)
    for label, *three, size in rows:
        by = {"label": label}
        results += [_figure(f"label_{name}", by, protocol, *size, one) for name, one in formulas(*three).items()]
    return results


def formulas(hits: int, predicted: int, gold: int) -> dict[str, Ratio | F1]:
    """The formulas of F1, precision and recall, from columns of a sheet."""
    return {
        "f1": F1(hits, predicted, gold),
        "precision": Ratio((hits,), (predicted,), undefined=0.0),
        "recall": Ratio((hits,), (gold,), undefined=0.0),
    }


def _figure(
    name: str, by: dict[str, str], protocol: str, claims: int, gold: int, formula: Formula
) -> Figure:  # fmt: skip
    return Figure(name, by, protocol, claims if name.endswith("precision") else gold, formula)


def scores_of(hits: float, predicted: float, gold: float) -> dict[str, float]:
    """F1, precision and recall of plain counts."""
    counts = [numpy.array(float(number)) for number in (hits, predicted, gold)]
    return {name: float(score(*counts)) for name, score in SCORES.items()}


def averages_of(counts: LabelCounts) -> dict[str, dict[str, float]]:
    """Micro, macro and weighted scores of all texts."""
    three = [pairs.count(len(counts.labels)).astype(numpy.float64) for pairs in counts.all_pairs]
    return {
        average: {name: float(average_score(score, average, *three)) for name, score in SCORES.items()}
        for average in AVERAGES
    }
