"""Spans counted on integer arrays: what seqeval counts, for a whole corpus at once and for each sentence.

The counts by sentence are what intervals and comparisons resample. Both modes are checked against seqeval on random tag
sequences, illegal ones included, and are some tens of times faster (benchmarks/evaluate.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy

from halluc.core.labels import split_tag

Tags = Sequence[Sequence[str]]

# Prefixes as bits, so that "one of" is a mask.
_O, _B, _I, _E, _S = 1, 2, 4, 8, 16
_BITS = {"O": _O, "B": _B, "I": _I, "M": _I, "E": _E, "S": _S}


@dataclass(frozen=True)
class SpanCounts:
    """Exact matches (``hits``), predicted and gold spans, each an integer array (sentences, labels)."""

    labels: tuple[str, ...]
    hits: numpy.ndarray
    predicted: numpy.ndarray
    gold: numpy.ndarray


@dataclass(frozen=True)
class Scores:
    """Precision, recall and F1, 0 where undefined, and the number of gold spans."""

    precision: float
    recall: float
    f1: float
    support: int


class _Codes(dict[str, int]):
    """Tags to numbers: label number times 32 plus the prefix's bit; parses each distinct tag once."""

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
        ValueError: sentences or lengths differ. UnknownTag: a string is no tag.
    """
    lengths = numpy.fromiter(map(len, gold), dtype=numpy.int64, count=len(gold))
    if len(gold) != len(predicted) or any(map(int.__ne__, map(len, gold), map(len, predicted))):
        raise ValueError("gold and predicted tags are not of the same sentences")
    codes = _Codes()
    # An O behind every sentence keeps spans from running over its end.
    ends = numpy.cumsum(lengths + 1)
    marked = [_positions(codes, tags, ends, strict) for tags in (gold, predicted)]
    names = sorted(codes.labels.keys() - {""})
    order = numpy.zeros(len(codes.labels), dtype=numpy.int64)
    for index, name in enumerate(names):
        order[codes.labels[name]] = index
    # A span is one number: its start, its end, its label. The same span has the same number on both sides.
    base = len(codes.labels)
    total = int(ends[-1]) + 1 if len(ends) else 1
    keys = [(start * total + end) * base + label for start, end, label in marked]
    shared = numpy.isin(keys[0], keys[1], assume_unique=True)
    tables = [_table(start, label, ends, order, len(names)) for start, _, label in marked]
    hits = _table(marked[0][0][shared], marked[0][2][shared], ends, order, len(names))
    return SpanCounts(tuple(names), hits, tables[1], tables[0])


def _positions(codes: _Codes, tags: Tags, ends: numpy.ndarray, strict: bool) -> tuple[numpy.ndarray, ...]:
    """Start, end and label number of every span, in positions of the corpus laid end to end."""
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


def scores(hits: float, predicted: float, gold: float) -> Scores:
    """Precision, recall and F1 from counts."""
    precision = hits / predicted if predicted else 0.0
    recall = hits / gold if gold else 0.0
    total = precision + recall
    return Scores(precision, recall, 2 * precision * recall / total if total else 0.0, int(gold))


def by_label(counts: SpanCounts) -> dict[str, Scores]:
    sums = [table.sum(0) for table in (counts.hits, counts.predicted, counts.gold)]
    return {
        label: scores(*(float(s[index]) for s in sums))
        for index, label in enumerate(counts.labels)
        if sums[1][index] or sums[2][index]
    }


def overall(counts: SpanCounts) -> Scores:
    """The micro average."""
    return scores(float(counts.hits.sum()), float(counts.predicted.sum()), float(counts.gold.sum()))


def average(rows: dict[str, Scores], *, weighted: bool = False) -> Scores:
    """The mean over labels, plain (macro) or by support."""
    support = sum(row.support for row in rows.values())
    weights = [row.support if weighted else 1 for row in rows.values()]
    total = sum(weights)
    if not total:
        return Scores(0.0, 0.0, 0.0, support)
    weighed = list(zip(rows.values(), weights, strict=True))
    return Scores(
        sum(row.precision * weight for row, weight in weighed) / total,
        sum(row.recall * weight for row, weight in weighed) / total,
        sum(row.f1 * weight for row, weight in weighed) / total,
        support,
    )
