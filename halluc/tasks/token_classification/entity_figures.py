"""Entity-level figures from raw tags: seqeval's default (conlleval) mode, and its strict IOB2 mode.

The reports are seqeval's own. The figures are computed from counts of spans in each sentence, so that intervals and
comparisons can resample sentences. Tests compare both modes with seqeval on random tag sequences, including illegal
ones.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any

import numpy

from halluc.core.examples import Span
from halluc.core.labels import read_spans
from halluc.core.significance import Figure, Formula, Mean, Sheet
from halluc.tasks import label_counts
from halluc.tasks.label_counts import SCORES, Columns, LabelCounts, formulas

Tags = Sequence[Sequence[str]]
CONLLEVAL, STRICT = "seqeval default (conlleval)", "seqeval strict IOB2"


def report(gold: Tags, predicted: Tags, strict: bool = False) -> dict[str, dict[str, Any]]:
    """seqeval's precision, recall, F1 and support by label and averaged; 0 if undefined."""
    from seqeval.metrics import classification_report
    from seqeval.scheme import IOB2

    how: dict[str, Any] = {"mode": "strict", "scheme": IOB2} if strict else {}
    if not any(tag != "O" for tags in (*gold, *predicted) for tag in tags):
        nothing = {"precision": 0.0, "recall": 0.0, "f1-score": 0.0, "support": 0}
        return {name: dict(nothing) for name in ("micro avg", "macro avg", "weighted avg")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # undefined figures are 0 by zero_division, as documented in the report
        rows = classification_report(
            [list(t) for t in gold], [list(t) for t in predicted], output_dict=True, zero_division=0, **how
        )
    # seqeval's strict mode averages over no label to NaN: undefined is 0 there too.
    return {
        name: {key: int(value) if key == "support" else float(numpy.nan_to_num(value)) for key, value in row.items()}
        for name, row in rows.items()
    }


def figures(gold: Tags, predicted: Tags, sheet: Sheet) -> list[Figure]:
    """Overall, averaged and by label in both protocols; ``n`` is the number of gold mentions."""
    results: list[Figure] = []
    for protocol, strict in ((CONLLEVAL, False), (STRICT, True)):
        counts = count(gold, predicted, strict=strict)
        columns, n = Columns.of(counts, sheet), len(counts.gold.text)
        by_label = [formulas(*three) for three in zip(columns.hits, columns.predicted, columns.gold, strict=True)]
        slices: list[tuple[dict[str, str], int, Mapping[str, Formula]]] = [
            ({}, n, formulas(*(sheet.tally(pairs.text) for pairs in counts.all_pairs)))
        ]
        for average, weights in (("macro", None), ("weighted", columns.gold)):
            means = {name: Mean(tuple(of_label[name] for of_label in by_label), weights) for name in SCORES}
            slices.append(({"average": average}, n, means))
        supports = counts.gold.count(len(counts.labels)).tolist()
        for label, support, of_label in zip(counts.labels, supports, by_label, strict=True):
            slices.append(({"label": label}, support, of_label))
        results += [Figure(f"entity_{name}", by, protocol, n, one) for by, n, of in slices for name, one in of.items()]
    return results


def count(gold: Tags, predicted: Tags, *, strict: bool = False) -> LabelCounts:
    """Count the mentions as seqeval does: in its default (conlleval) mode, or in its strict mode for IOB2.

    Raises:
        ValueError: the sentences of both sides differ in number or length.
    """
    if list(map(len, gold)) != list(map(len, predicted)):
        raise ValueError("gold and predicted tags are not of the same sentences")
    annotated, claimed = ([_spans(tags, strict) for tags in side] for side in (gold, predicted))
    return label_counts.count(annotated, claimed, attrgetter("label"))


def _spans(tags: Sequence[str], strict: bool) -> list[Span]:
    """Strictly, a span begins with B-; otherwise also with an inside tag."""
    return [span for span in read_spans(tags) if not strict or tags[span.start].startswith("B")]


def overall(counts: LabelCounts) -> dict[str, float]:
    """Micro-averaged ``entity_f1``, ``entity_precision`` and ``entity_recall``, 0 if undefined."""
    hits, predicted, gold = (float(len(pairs.text)) for pairs in counts.all_pairs)
    precision, recall = hits / predicted if predicted else 0.0, hits / gold if gold else 0.0
    f1 = 2 * precision * recall / (precision + recall) if hits else 0.0
    return {"entity_f1": f1, "entity_precision": precision, "entity_recall": recall}
