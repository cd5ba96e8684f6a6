"""Entity-level figures from raw tags: seqeval's default (conlleval) mode, and its strict IOB2 mode beside it.

The reports are seqeval's own; the figures are counted by ``metrics.spans``, which tests hold to seqeval.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy

from halluc.core.significance import F1, Figure, Formula, Mean, Ratio, Sheet
from halluc.tasks.token_classification import span_counts
from halluc.tasks.token_classification.span_counts import SpanCounts

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


def figures(gold: Tags, predicted: Tags, sheet: Sheet) -> list[Figure]:
    """Overall, by label and averaged figures in both protocols; ``n`` is the number of gold mentions."""
    found: list[Figure] = []
    for protocol, strict in ((CONLLEVAL, False), (STRICT, True)):
        counts = span_counts.count(gold, predicted, strict=strict)
        total = _columns(sheet, counts, slice(None))
        labels = {name: _columns(sheet, counts, slice(at, at + 1)) for at, name in enumerate(counts.labels)}
        shown = {name: three for name, three in labels.items() if any(sheet.columns[c].any() for c in three)}
        supports = tuple(gold for _, _, gold in shown.values())
        n = int(counts.gold.sum())
        found += _figures({name: formula(*total) for name, formula in _FORMULAS.items()}, {}, protocol, n)
        for average, weights in (("macro", None), ("weighted", supports)):
            means = {name: Mean(tuple(f(*t) for t in shown.values()), weights) for name, f in _FORMULAS.items()}
            found += _figures(means, {"average": average}, protocol, n)
        for label, three in shown.items():
            support = int(sheet.columns[three[2]].sum())
            rows = {name: formula(*three) for name, formula in _FORMULAS.items()}
            found += _figures(rows, {"label": label}, protocol, support)
    return found


_FORMULAS: dict[str, Callable[[int, int, int], Ratio | F1]] = {
    "entity_f1": F1,
    "entity_precision": lambda hits, predicted, gold: Ratio((hits,), (predicted,), undefined=0.0),
    "entity_recall": lambda hits, predicted, gold: Ratio((hits,), (gold,), undefined=0.0),
}


def _columns(sheet: Sheet, counts: SpanCounts, labels: slice) -> tuple[int, int, int]:
    hits, predicted, gold = (
        sheet.column(table[:, labels].sum(1)) for table in (counts.hits, counts.predicted, counts.gold)
    )
    return hits, predicted, gold


def _figures(formulas: Mapping[str, Formula], by: dict[str, str], protocol: str, n: int) -> list[Figure]:
    return [Figure(name, by, protocol, n, formula) for name, formula in formulas.items()]
