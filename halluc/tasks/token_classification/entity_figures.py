"""Entity-level figures from raw tags: seqeval's default (conlleval) mode, and its strict IOB2 mode.

The reports are seqeval's own. The figures are computed from counts of spans in each sentence, on integer arrays, so
that intervals and comparisons can resample sentences. This is tens of times faster (benchmarks/evaluate.py). Tests
compare both modes with seqeval on random tag sequences, including illegal ones.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy

from halluc.core.labels import split_tag
from halluc.core.significance import F1, Figure, Formula, Mean, Ratio, Sheet

Tags = Sequence[Sequence[str]]
CONLLEVAL, STRICT = "seqeval default (conlleval)", "seqeval strict IOB2"

# Prefixes as bits, so that a mask selects several.
_O, _B, _I, _E, _S = 1, 2, 4, 8, 16
_BITS = {"O": _O, "B": _B, "I": _I, "M": _I, "E": _E, "S": _S}


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
    """Overall, by label and averaged figures in both protocols; ``n`` is the number of gold mentions."""
    result: list[Figure] = []
    for protocol, strict in ((CONLLEVAL, False), (STRICT, True)):
        counts = count(gold, predicted, strict=strict)
        total = _columns(sheet, counts, slice(None))
        labels = {name: _columns(sheet, counts, slice(at, at + 1)) for at, name in enumerate(counts.labels)}
        shown = {name: three for name, three in labels.items() if any(sheet.columns[c].any() for c in three)}
        supports = tuple(gold for _, _, gold in shown.values())
        n = int(counts.gold.sum())
        result += _figures({name: formula(*total) for name, formula in _FORMULAS.items()}, {}, protocol, n)
        for average, weights in (("macro", None), ("weighted", supports)):
            means = {name: Mean(tuple(f(*t) for t in shown.values()), weights) for name, f in _FORMULAS.items()}
            result += _figures(means, {"average": average}, protocol, n)
        for label, three in shown.items():
            formulas = {name: formula(*three) for name, formula in _FORMULAS.items()}
            result += _figures(formulas, {"label": label}, protocol, int(sheet.columns[three[2]].sum()))
    return result


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


@dataclass(frozen=True)
class SpanCounts:
    """Exact matches (``hits``), predicted and gold spans, each an integer array (sentences, labels)."""

    labels: tuple[str, ...]
    hits: numpy.ndarray
    predicted: numpy.ndarray
    gold: numpy.ndarray


class _Codes(dict[str, int]):
    """Maps tags to integers: the label's index times 32 plus the prefix's bit. Each distinct tag is parsed once."""

    def __init__(self) -> None:
        super().__init__()
        self.labels: dict[str, int] = {"": 0}

    def __missing__(self, tag: str) -> int:
        prefix, label = split_tag(tag)
        code = self.labels.setdefault(label, len(self.labels)) * 32 + _BITS[prefix]
        self[tag] = code
        return code


def count(gold: Tags, predicted: Tags, *, strict: bool = False) -> SpanCounts:
    """Count spans as seqeval does: in its default (conlleval) mode, or in its strict mode for IOB2.

    Args:
        gold, predicted: tags of the same sentences; equal lengths.

    Raises:
        ValueError: sentences or lengths differ. UnknownTag: a string is not a tag.
    """
    lengths = numpy.fromiter(map(len, gold), dtype=numpy.int64, count=len(gold))
    if len(gold) != len(predicted) or any(map(int.__ne__, map(len, gold), map(len, predicted))):
        raise ValueError("gold and predicted tags are not of the same sentences")
    codes = _Codes()
    # An O after every sentence prevents spans across its end.
    ends = numpy.cumsum(lengths + 1)
    marked = [_positions(codes, tags, ends, strict) for tags in (gold, predicted)]
    names = sorted(codes.labels.keys() - {""})
    order = numpy.zeros(len(codes.labels), dtype=numpy.int64)
    for index, name in enumerate(names):
        order[codes.labels[name]] = index
    # Start, end and label of a span as one integer, so that equal spans of both sides have equal integers.
    base = len(codes.labels)
    total = int(ends[-1]) + 1 if len(ends) else 1
    keys = [(start * total + end) * base + label for start, end, label in marked]
    shared = numpy.isin(keys[0], keys[1], assume_unique=True)
    tables = [_table(start, label, ends, order, len(names)) for start, _, label in marked]
    return SpanCounts(
        tuple(names), _table(marked[0][0][shared], marked[0][2][shared], ends, order, len(names)), tables[1], tables[0]
    )


def _positions(codes: _Codes, tags: Tags, ends: numpy.ndarray, strict: bool) -> tuple[numpy.ndarray, ...]:
    """Start, end and label number of every span, in positions of the concatenated corpus."""
    size = int(ends[-1]) if len(ends) else 0
    flat = numpy.full(size, _O, dtype=numpy.int64)
    inside = numpy.ones(size, dtype=bool)
    inside[ends - 1] = False
    flat[inside] = numpy.fromiter(
        map(codes.__getitem__, chain.from_iterable(tags)), numpy.int64, count=int(inside.sum())
    )
    prefix, label = flat & 31, flat >> 5
    before = numpy.concatenate(([_O], prefix[:-1])) if size else prefix
    same = numpy.concatenate(([False], label[1:] == label[:-1])) if size else label.astype(bool)
    if strict:
        opens = prefix == _B
        stops = ~((prefix == _I) & same & (before & (_B | _I) > 0))
    else:
        opens = (prefix != _O) & ((prefix & (_B | _S) > 0) | (before & (_O | _E | _S) > 0) | ~same)
        stops = opens | (prefix == _O)
    start = numpy.flatnonzero(opens)
    borders = numpy.append(numpy.flatnonzero(stops), size)
    return start, borders[numpy.searchsorted(borders, start, side="right")], label[start]


def _table(
    start: numpy.ndarray, label: numpy.ndarray, ends: numpy.ndarray, order: numpy.ndarray, labels: int
) -> numpy.ndarray:
    sentence = numpy.searchsorted(ends, start, side="right")
    return numpy.bincount(sentence * labels + order[label], minlength=len(ends) * labels).reshape(len(ends), labels)


def overall(counts: SpanCounts) -> dict[str, float]:
    """Micro-averaged ``entity_f1``, ``entity_precision`` and ``entity_recall``, 0 if undefined."""
    hits, predicted, gold = (float(table.sum()) for table in (counts.hits, counts.predicted, counts.gold))
    precision, recall = hits / predicted if predicted else 0.0, hits / gold if gold else 0.0
    f1 = 2 * precision * recall / (precision + recall) if hits else 0.0
    return {"entity_f1": f1, "entity_precision": precision, "entity_recall": recall}
