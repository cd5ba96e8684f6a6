"""The tables of an audit: suspects by kind, and the most suspicious ones."""

from __future__ import annotations

from collections.abc import Sequence

from halluc.core.claims import Mark
from halluc.reporting.page.suspects import KINDS
from halluc.reporting.views.tables import TableView, table
from halluc.runs.audits import AuditResult, CorrectionResult
from halluc.wording import formats


def tables(result: AuditResult) -> list[TableView]:
    """Counts by kind, and the first suspects."""
    return [kinds(result), *([_first(result)] if result.first else [])]


def kinds(result: AuditResult) -> TableView:
    total = sum(result.kinds.values())
    rows = [[KINDS[kind][0], formats.count(count), KINDS[kind][1]] for kind, count in result.kinds.items()]
    judged = f"{result.folds} cross-fitted models" if result.folds else "the trained model"
    sizes = f"{formats.count(result.examples)} examples, {formats.count(result.annotated)} annotations"
    return table(
        f"{result.split}: suspects by kind, judged by {judged} ({sizes})",
        ["kind", "suspects", "what it means"],
        rows,
        "nft",
        totals=[["all", formats.count(total), ""]],
    )


def _first(result: AuditResult) -> TableView:
    rows = [
        [
            f"{one.file.rpartition('/')[2]}:{one.line}",
            one.text[:200],
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
    """What decisions did, in a line."""
    told = ", ".join(f"{count:,} {name}" for name, count in result.decisions.items())
    return f"{result.split}: {told}; {result.changed:,} examples changed"
