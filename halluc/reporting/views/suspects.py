"""The tables of an audit: suspects by kind, and the most suspicious ones."""

from __future__ import annotations

from collections.abc import Sequence

from halluc.core.claims import Mark
from halluc.reporting.views.tables import Cells, TableCell, TableView, table, value_cell
from halluc.runs.audits import AuditResult, CorrectionResult, DoubtedAnnotation, MovedFigure, OnSuspects, Regold
from halluc.wording import formats

# The meaning of each kind, in words.
KINDS = {
    "missing": ("missing", "not annotated, but predicted by the model"),
    "wrong_label": ("wrong label", "annotated with another label than the model's"),
    "wrong_boundary": ("wrong boundary", "annotated with other boundaries than the model's"),
    "unlikely": ("unlikely", "annotated, but not predicted by the model"),
    "inconsistent": ("inconsistent", "annotated differently from most occurrences of the same text"),
}


def tables(result: AuditResult) -> list[TableView]:
    """Counts by kind, and the first suspects."""
    return [kinds(result), *([_first(result)] if result.first else [])]


def kinds(result: AuditResult) -> TableView:
    total = sum(result.kinds.values())
    rows = [[KINDS[kind][0], formats.count(count), KINDS[kind][1]] for kind, count in result.kinds.items()]
    models = f"{result.folds} cross-fitted models" if result.folds else "the trained model"
    sizes = f"{formats.count(result.examples)} examples, {formats.count(result.annotated)} annotations"
    return table(
        f"{result.split}: suspects by kind, according to {models} ({sizes})",
        ["kind", "suspects", "meaning"],
        rows,
        "nft",
        totals=[["all", formats.count(total), ""]],
    )


def _first(result: AuditResult) -> TableView:
    rows = [
        [
            f"{one.file.rpartition('/')[2]}:{one.line}",
            formats.visible(one.text, 40),
            _labels(one.annotated),
            _labels(one.proposed),
            formats.decimal(one.confidence),
        ]
        for one in result.first
    ]
    return table(
        f"{result.split}: the most suspicious",
        ["place", "surface", "annotated", "proposed", "P(annotated)"],
        rows,
        "ttttf",
    )


def _labels(marks: Sequence[Mark]) -> str:
    return ", ".join(label for _, _, label in marks) or formats.NOTHING


def corrections(result: CorrectionResult) -> str:
    """The results of decisions, in one line."""
    text = ", ".join(f"{count:,} {name}" for name, count in result.decisions.items())
    return f"{result.split}: {text}; {result.changed:,} examples changed"


def annotation_tables(annotation: DoubtedAnnotation) -> list[TableView]:
    """How much of each rate is on suspects, and how figures change with other gold; without empty tables."""
    views = [_on_suspects_table(annotation.on_suspects)] if annotation.on_suspects else []
    return [*views, *map(gold_comparison, annotation.regold)]


def _on_suspects_table(result: Sequence[OnSuspects]) -> TableView:
    bounds = [f"below {bound:g}" if bound < 1 else "any" for bound, _ in result[0].below]
    rows: list[Cells] = [
        [
            formats.title(one.name, {}),
            formats.count(one.counted),
            *(TableCell(formats.count(count), formats.percent(count / one.counted)) for _, count in one.below),
        ]
        for one in result
    ]
    note = "Sorted by the probability of the annotation. Only human review can decide which suspects are correct."
    return table("Share of each rate that is on suspects", ["rate", "counted", *bounds], rows, notes=[note])


def gold_comparison(regold: Regold) -> TableView:
    """Figures with the run's own gold and with other gold."""
    gold = regold.gold
    rows: list[Cells] = [
        [formats.title(one.name, {}), value_cell(one.before), value_cell(one.after), _difference(one)]
        for one in regold.figures
    ]
    changed = f"{formats.count(gold.changed)} of {formats.count(gold.examples)} examples changed"
    return table(
        f"{gold.split} by the gold in {gold.name} ({changed})", ["figure", "own gold", "this gold", "difference"], rows
    )


def _difference(one: MovedFigure) -> str:
    values = [None if figure is None else figure.value for figure in (one.before, one.after)]
    known = values[0] is not None and values[1] is not None
    return formats.difference(one.name, values[1] - values[0]) if known else formats.NOTHING  # type: ignore[operator]
