"""The figures of token classification: entities in both modes of seqeval, and tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from halluc.core.figures import Report
from halluc.core.labels import write_tags
from halluc.core.significance import Figure, Sheet
from halluc.tasks import label_tables, token_figures
from halluc.tasks.defaults import FiguresDefaults
from halluc.tasks.token_classification import entity_figures, figure_rows
from halluc.tasks.token_classification.examples import TagPrediction
from halluc.tasks.token_classification.tagged_sentence import Tagged


class Tagging(FiguresDefaults):
    """Entity figures as in seqeval, in its default and strict mode, and token figures including O."""

    primary: ClassVar[str] = "entity_f1"
    # Token figures include O, so they are high even for a model that predicts no entity: they are a separate family.
    families: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("entity_f1", "entity_precision", "entity_recall"),
        ("token_f1",),
    )
    names: ClassVar[tuple[str, ...]] = tuple(row.name for row in figure_rows.ROWS)
    protocols: ClassVar[tuple[str, ...]] = (entity_figures.CONLLEVAL, token_figures.PROTOCOL)
    named: ClassVar[Mapping[str, str]] = {"f1": "entity_f1"}

    def headline(self, examples: Sequence[Tagged], predictions: Sequence[TagPrediction]) -> dict[str, float]:
        gold, predicted = _tags(examples, predictions)
        return {
            **entity_figures.overall(entity_figures.count(gold, predicted)),
            "token_f1": token_figures.accuracy(gold, predicted),
        }

    def figures(self, examples: Sequence[Tagged], predictions: Sequence[TagPrediction], sheet: Sheet) -> list[Figure]:
        gold, predicted = _tags(examples, predictions)
        return entity_figures.figures(gold, predicted, sheet) + token_figures.figures(gold, predicted, sheet)

    def report(self, examples: Sequence[Tagged], predictions: Sequence[TagPrediction]) -> Report:
        gold, predicted = _tags(examples, predictions)
        return {
            "entity": entity_figures.report(gold, predicted),
            "entity_strict": entity_figures.report(gold, predicted, strict=True),
            "token": token_figures.report(gold, predicted),
            "confusion": token_figures.confusion(gold, predicted),
        }

    def text(self, report: Report) -> str:
        confusion = label_tables.confusion_as_text(report["confusion"])
        parts = {
            f"entities, {entity_figures.CONLLEVAL}": label_tables.as_text(report["entity"]),
            f"entities, {entity_figures.STRICT}": label_tables.as_text(report["entity_strict"]),
            f"tokens, {token_figures.PROTOCOL}": label_tables.as_text(report["token"]),
            "tokens, gold label (rows) by predicted label (columns)": confusion,
        }
        return label_tables.sections_as_text(parts)


def _tags(
    examples: Sequence[Tagged], predictions: Sequence[TagPrediction]
) -> tuple[list[list[str]], list[Sequence[str]]]:
    """Gold and predicted tags, one list per example."""
    gold = [write_tags(len(example.tokens), example.spans) for example in examples]
    return gold, [prediction.tags for prediction in predictions]
