"""The slices of a ledger that every rate is told by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy

from halluc.analysis.table import Table

# From and to: tokens of an example, and training examples with a label.
LENGTHS = ((1, 5), (6, 10), (11, 20), (21, 40), (41, None))
FREQUENCIES = ((0, 0), (1, 9), (10, 49), (50, 199), (200, 999), (1000, None))
DECILES = 10


@dataclass(frozen=True)
class Slice:
    """Some claims, and some gold where the slice means something for it; masks over the table's rows."""

    by: dict[str, str]
    claims: numpy.ndarray
    gold: numpy.ndarray | None


def slices(table: Table) -> Iterator[Slice]:
    """By label, novelty, frequency of the label, confusable surface, withheld knowledge, length, and decile of
    confidence."""
    claims, gold = table.claims, table.gold
    for label in sorted({*claims.label.tolist(), *gold.label.tolist()}):
        yield Slice({"label": label}, claims.label == label, gold.label == label)
    for novelty in table.reported_novelties if table.knows_novelty else ():
        yield Slice({"novelty": novelty}, claims.novelty == novelty, gold.novelty == novelty)
    if table.label_counts is not None:
        yield from _frequencies(table, table.label_counts)
    if claims.confusable.any():
        yield Slice({"surface": "confusable"}, claims.confusable, None)
    if claims.withheld.any() or gold.withheld.any():
        yield Slice({"knowledge": "withheld"}, claims.withheld, gold.withheld)
        yield Slice({"knowledge": "kept"}, ~claims.withheld, ~gold.withheld)
    for low, high in LENGTHS:
        fits = (table.lengths >= low) & (table.lengths <= (high or numpy.inf))
        if fits.any():
            yield Slice({"tokens": _range(low, high)}, fits[claims.example], fits[gold.example])
    yield from _deciles(claims.confidence)


def _deciles(confidence: numpy.ndarray) -> Iterator[Slice]:
    """Ten groups of about as many claims, 1 the least confident; equal confidences stay in one group."""
    known = ~numpy.isnan(confidence)
    if not known.any():
        return
    edges = numpy.quantile(confidence[known], numpy.arange(1, DECILES) / DECILES)
    group = numpy.searchsorted(edges, confidence, side="left")
    for number in range(DECILES):
        among = known & (group == number)
        if among.any():
            span = f"{confidence[among].min():.3f} to {confidence[among].max():.3f}"
            yield Slice({"confidence_decile": str(number + 1), "confidence": span}, among, None)


def _frequencies(table: Table, counts: Mapping[str, int]) -> Iterator[Slice]:
    """By how often training shows the label: that of the claim, or of gold."""
    of_claims, of_gold = (
        numpy.array([counts.get(label, 0) for label in labels.tolist()], dtype=numpy.int64)
        for labels in (table.claims.label, table.gold.label)
    )
    for low, high in FREQUENCIES:
        claims, gold = (
            (numbers >= low) & (numbers <= (numpy.inf if high is None else high)) for numbers in (of_claims, of_gold)
        )
        if claims.any() or gold.any():
            yield Slice({"label_frequency": _range(low, high)}, claims, gold)


def _range(low: int, high: int | None) -> str:
    return str(low) if low == high else f"{low}-{high}" if high is not None else f"{low}+"
