"""The figures of texts with any number of labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Protocol

import numpy

from halluc.core.ranked import Ranked, Report
from halluc.core.significance import Figure, Ratio, Sheet
from halluc.tasks import label_counts, label_tables
from halluc.tasks.label_counts import Columns, LabelCounts
from halluc.tasks.text_classification.labelled_text import Labelled

PROTOCOL = "each label of a text for itself"


class ToldSet(Protocol):
    """A prediction: the labels of a text."""

    @property
    def labels(self) -> Sequence[str]: ...


class LabelSets:
    """Figures of any number of labels a text: F1 by label and averaged, exact sets, wrong decisions."""

    primary: ClassVar[str] = "micro_f1"
    families: ClassVar[tuple[tuple[str, ...], ...]] = (("micro_f1", "macro_f1"), ("weighted_f1",), ("subset_accuracy",))
    names: ClassVar[tuple[str, ...]] = (
        *(f"{average}_{score}" for average in label_counts.AVERAGES for score in label_counts.SCORES),
        *("label_f1", "label_precision", "label_recall", "subset_accuracy", "hamming_loss"),
    )
    protocols: ClassVar[tuple[str, ...]] = (PROTOCOL,)
    untold: ClassVar[frozenset[str]] = label_counts.UNTOLD
    named: ClassVar[Mapping[str, str]] = {"f1": "micro_f1"}

    def headline(self, examples: Sequence[Labelled], predictions: Sequence[ToldSet]) -> dict[str, float]:
        counts = _count(examples, predictions)
        averages = label_counts.averages_of(counts)
        exact = _wrong(counts) == 0
        return {
            **{f"{average}_f1": averages[average]["f1"] for average in label_counts.AVERAGES},
            "subset_accuracy": float(exact.mean()) if len(exact) else 0.0,
        }

    def figures(self, examples: Sequence[Labelled], predictions: Sequence[ToldSet], sheet: Sheet) -> list[Figure]:
        counts = _count(examples, predictions)
        wrong, width = _wrong(counts), len(counts.labels)
        one, cells = sheet.column(numpy.ones(counts.texts)), sheet.column(numpy.full(counts.texts, width))
        exact = Ratio((sheet.column(wrong == 0),), (one,), undefined=0.0)
        loss = Ratio((sheet.column(wrong),), (cells,), undefined=0.0)
        return [
            *label_counts.figures(counts, Columns.of(counts, sheet), PROTOCOL, sheet),
            Figure("subset_accuracy", {}, PROTOCOL, counts.texts, exact),
            Figure("hamming_loss", {}, PROTOCOL, counts.texts * width, loss),
        ]

    def kept(
        self, examples: Sequence[Labelled], predictions: Sequence[ToldSet], remaining: numpy.ndarray, sheet: Sheet
    ) -> list[Figure]:
        return []

    def ranked(self, examples: Sequence[Labelled], predictions: Sequence[ToldSet]) -> list[Ranked]:
        return []

    def report(self, examples: Sequence[Labelled], predictions: Sequence[ToldSet]) -> Report:
        counts = _count(examples, predictions)
        return {"labels": label_tables.by_label(counts), "averages": label_tables.averages(counts)}

    def text(self, report: Report) -> str:
        return f"labels, {PROTOCOL}\n\n{label_tables.rows_as_text(report['labels'], report['averages'])}"


def _count(examples: Sequence[Labelled], predictions: Sequence[ToldSet]) -> LabelCounts:
    return label_counts.count([e.labels for e in examples], [p.labels for p in predictions])


def _wrong(counts: LabelCounts) -> numpy.ndarray:
    """The labels of each text that are claimed and not gold, or gold and not claimed."""
    hits, claimed, there = (numpy.bincount(pairs.text, minlength=counts.texts) for pairs in counts.three)
    return claimed + there - 2 * hits
