"""Entity-level figures from raw tags: seqeval's default (conlleval) mode, and its strict IOB2 mode beside it.

The reports are seqeval's own; the figures are counted by ``metrics.spans``, which tests hold to seqeval.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy

from halluc.metrics import spans
from halluc.metrics.spans import Scores
from halluc.runs.schema import MetricResult

Tags = Sequence[Sequence[str]]
CONLLEVAL, STRICT = "seqeval default (conlleval)", "seqeval strict IOB2"


def report(gold: Tags, predicted: Tags, strict: bool = False) -> dict[str, dict[str, Any]]:
    """seqeval's precision, recall, F1 and support by label and averaged; 0 where undefined."""
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
        counts = spans.count(gold, predicted, strict=strict)
        rows = spans.by_label(counts)
        found += _figures(spans.overall(counts), {}, protocol)
        found += _figures(spans.average(rows), {"average": "macro"}, protocol)
        found += _figures(spans.average(rows, weighted=True), {"average": "weighted"}, protocol)
        for label, row in rows.items():
            found += _figures(row, {"label": label}, protocol)
    return found


def _figures(row: Scores, by: dict[str, str], protocol: str) -> list[MetricResult]:
    values = {"entity_f1": row.f1, "entity_precision": row.precision, "entity_recall": row.recall}
    return [
        MetricResult(name=name, value=value, n=row.support, by=by, protocol=protocol) for name, value in values.items()
    ]
