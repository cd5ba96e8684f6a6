"""Token-level figures: every tag including O, as in the usual classification reports."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import chain

import numpy

from halluc.core.significance import F1, Figure, Mean, Ratio, Sheet
from halluc.tasks import label_tables
from halluc.tasks.label_counts import Columns, LabelCounts, Pairs
from halluc.tasks.label_tables import Row

Tags = Sequence[Sequence[str]]
PROTOCOL = "per token, raw IOB2 tags with O"


def count(gold: Tags, predicted: Tags) -> LabelCounts:
    """Count the tags of tokens; O first, then by label, B- before I-."""
    numbers = {tag: number for number, tag in enumerate(sorted({*chain(*gold), *chain(*predicted)}, key=_order))}
    example = numpy.repeat(numpy.arange(len(gold)), [len(tags) for tags in gold])
    annotated, claimed = (
        numpy.array([numbers[tag] for tags in side for tag in tags], dtype=numpy.int64) for side in (gold, predicted)
    )
    right = annotated == claimed
    hits = Pairs(example[right], annotated[right])
    return LabelCounts(tuple(numbers), len(gold), hits, Pairs(example, claimed), Pairs(example, annotated))


def report(gold: Tags, predicted: Tags) -> dict[str, Row]:
    """Precision, recall, F1 and support by tag, then micro, macro and weighted averages; 0 if undefined."""
    counts = count(gold, predicted)
    return {**label_tables.by_label(counts), **label_tables.averages(counts)}


def figures(gold: Tags, predicted: Tags, sheet: Sheet) -> list[Figure]:
    """``token_f1`` overall (micro), averaged and by tag; ``n`` is the number of tokens with the tag."""
    counts = count(gold, predicted)
    columns, tokens = Columns.of(counts, sheet), len(counts.gold.text)
    by_tag = tuple(F1(*three) for three in zip(columns.hits, columns.predicted, columns.gold, strict=True))
    micro = Ratio((sheet.tally(counts.hits.text),), (sheet.tally(counts.gold.text),), undefined=0.0)
    supports = counts.gold.count(len(counts.labels)).tolist()
    return [
        Figure("token_f1", {}, PROTOCOL, tokens, micro),
        Figure("token_f1", {"average": "macro"}, PROTOCOL, tokens, Mean(by_tag)),
        Figure("token_f1", {"average": "weighted"}, PROTOCOL, tokens, Mean(by_tag, columns.gold)),
        *(
            Figure("token_f1", {"tag": tag}, PROTOCOL, n, formula)
            for tag, n, formula in zip(counts.labels, supports, by_tag, strict=True)
        ),
    ]


def _order(tag: str) -> tuple[bool, str, str]:
    return tag != "O", tag[2:], tag


def accuracy(gold: Tags, predicted: Tags) -> float:
    """The share of tokens with the right tag, including O, which is the micro F1; 0 without tokens."""
    right = sum(map(str.__eq__, chain.from_iterable(gold), chain.from_iterable(predicted)))
    total = sum(map(len, gold))
    return right / total if total else 0.0


def confusion(gold: Tags, predicted: Tags) -> dict[str, dict[str, int]]:
    """Tokens by gold label (rows) and predicted label (columns), including O, without B- and I-."""
    pairs = Counter(zip(*(map(_label, chain.from_iterable(side)) for side in (gold, predicted)), strict=True))
    labels = sorted({label for pair in pairs for label in pair} | {"O"}, key=lambda label: (label != "O", label))
    return {row: {column: pairs[row, column] for column in labels} for row in labels}


def _label(tag: str) -> str:
    return tag if tag == "O" else tag[2:]
