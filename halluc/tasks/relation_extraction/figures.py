"""The figures of relation extraction: F1 of relations without none, and the official one of SemEval-2010 Task 8."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy

from halluc.core.figures import Report
from halluc.core.significance import Figure, Sheet
from halluc.tasks import label_counts, label_tables
from halluc.tasks.defaults import FiguresDefaults, values_of
from halluc.tasks.label_counts import AverageScore, Columns, LabelCounts
from halluc.tasks.relation_extraction import figure_rows
from halluc.tasks.relation_extraction.examples import NO_RELATION, PairPrediction, Related, strip_direction

PROTOCOL = "relations of marked pairs, none aside, direction included"
OFFICIAL = "SemEval-2010 Task 8: mean over relations, a wrong direction counts as wrong"


class RelationFigures(FiguresDefaults):
    """Micro, macro and weighted F1 without none, by relation, and the official macro F1 with direction."""

    primary: ClassVar[str] = "micro_f1"
    families: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("micro_f1", "micro_precision", "micro_recall"),
        ("macro_f1",),
        ("semeval_macro_f1",),
    )
    names: ClassVar[tuple[str, ...]] = tuple(row.name for row in figure_rows.ROWS)
    protocols: ClassVar[tuple[str, ...]] = (PROTOCOL, OFFICIAL)
    named: ClassVar[Mapping[str, str]] = {"f1": "micro_f1"}

    def headline(self, examples: Sequence[Related], predictions: Sequence[PairPrediction]) -> dict[str, float]:
        sheet = Sheet(len(examples))
        counts = _counts(examples, predictions)
        figures = label_counts.figures(counts, Columns.of(counts, sheet), PROTOCOL, sheet)
        values = values_of([*figures, _semeval(counts, sheet)], sheet)
        return {name: values[name] for family in self.families for name in family}

    def figures(self, examples: Sequence[Related], predictions: Sequence[PairPrediction], sheet: Sheet) -> list[Figure]:
        """Without directed labels the official figure is left out, because it equals the macro F1."""
        counts = _counts(examples, predictions)
        figures = label_counts.figures(counts, Columns.of(counts, sheet), PROTOCOL, sheet)
        return [*figures, _semeval(counts, sheet)] if _is_directed(counts) else figures

    def report(self, examples: Sequence[Related], predictions: Sequence[PairPrediction]) -> Report:
        counts = _counts(examples, predictions)
        gold, predicted = ([(*one.labels, NO_RELATION)[0] for one in side] for side in (examples, predictions))
        return {
            "labels": label_tables.by_label(counts),
            "averages": label_tables.averages(counts),
            **({"relations": label_tables.by_label(_official(counts))} if _is_directed(counts) else {}),
            **label_tables.confusion(gold, predicted),
        }

    def text(self, report: Report) -> str:
        parts = {f"relations, {PROTOCOL}": label_tables.rows_as_text(report["labels"], report["averages"])}
        if "relations" in report:
            parts[f"relations without direction, {OFFICIAL}"] = label_tables.rows_as_text(report["relations"])
        title = "pairs, gold relation (rows) by predicted relation (columns)"
        return label_tables.sections_as_text({**parts, **label_tables.confusion_sections(report, title)})


def _counts(examples: Sequence[Related], predictions: Sequence[PairPrediction]) -> LabelCounts:
    return label_counts.count([e.labels for e in examples], [p.labels for p in predictions])


def _is_directed(counts: LabelCounts) -> bool:
    return any(strip_direction(label) != label for label in counts.labels)


def _semeval(counts: LabelCounts, sheet: Sheet) -> Figure:
    official = _official(counts)
    formula = AverageScore(Columns.of(official, sheet), label_counts.SCORES["f1"], "macro")
    return Figure("semeval_macro_f1", {}, OFFICIAL, len(official.gold.text), formula)


def _official(counts: LabelCounts) -> LabelCounts:
    """Counts by relation without direction; hits have the right direction.

    As in the scorer of the shared task (Hendrickx et al. 2010), precision and recall of a relation are over all pairs
    that are predicted or annotated with it, in either direction.
    """
    names = sorted({strip_direction(label) for label in counts.labels})
    place = {name: number for number, name in enumerate(names)}
    to = numpy.array([place[strip_direction(label)] for label in counts.labels], dtype=numpy.int64)
    hits, predicted, gold = (
        label_counts.Pairs(one.text, to[one.label] if len(one.label) else one.label) for one in counts.all_pairs
    )
    return LabelCounts(tuple(names), counts.texts, hits, predicted, gold)
