"""Entity-level figures from raw tags, by seqeval: its default (conlleval) mode, and strict IOB2 beside it."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy

from halluc.runs.schema import MetricResult

Tags = Sequence[Sequence[str]]
CONLLEVAL, STRICT = "seqeval default (conlleval)", "seqeval strict IOB2"


def report(gold: Tags, predicted: Tags, strict: bool = False) -> dict[str, dict[str, Any]]:
    """Precision, recall, F1 and support by label, with micro, macro and weighted averages; 0 where undefined."""
    from seqeval.metrics import classification_report
    from seqeval.scheme import IOB2

    how: dict[str, Any] = {"mode": "strict", "scheme": IOB2} if strict else {}
    if not any(tag != "O" for tags in (*gold, *predicted) for tag in tags):
        nothing = {"precision": 0.0, "recall": 0.0, "f1-score": 0.0, "support": 0}
        return {name: dict(nothing) for name in ("micro avg", "macro avg", "weighted avg")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # undefined figures are 0 by zero_division, as the report says
        made = classification_report(
            [list(t) for t in gold], [list(t) for t in predicted], output_dict=True, zero_division=0, **how
        )
    # seqeval's strict mode averages over no label at all to NaN: undefined is 0 there too.
    return {
        name: {key: int(value) if key == "support" else float(numpy.nan_to_num(value)) for key, value in row.items()}
        for name, row in made.items()
    }


def results(gold: Tags, predicted: Tags) -> list[MetricResult]:
    """Overall, by label and averaged figures in both protocols; ``n`` is the number of gold mentions."""
    found: list[MetricResult] = []
    for protocol, strict in ((CONLLEVAL, False), (STRICT, True)):
        rows = report(gold, predicted, strict)
        found += _figures(rows.pop("micro avg"), {}, protocol)
        for average in ("macro", "weighted"):
            found += _figures(rows.pop(f"{average} avg"), {"average": average}, protocol)
        for label, row in sorted(rows.items()):
            found += _figures(row, {"label": label}, protocol)
    return found


def _figures(row: dict[str, Any], by: dict[str, str], protocol: str) -> list[MetricResult]:
    names = {"entity_f1": "f1-score", "entity_precision": "precision", "entity_recall": "recall"}
    return [
        MetricResult(name=name, value=row[key], n=row["support"], by=by, protocol=protocol)
        for name, key in names.items()
    ]
