"""Shares of predicted labels by period, from the timestamps of texts; ``analysis.shifts`` tests them for shifts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Literal

import numpy

from halluc.core.significance import Figure, Ratio, Sheet

Period = Literal["day", "week", "month", "year"]
PERIODS: Mapping[Period, Callable[[str], str]] = {
    "day": lambda timestamp: timestamp[:10],
    "week": lambda timestamp: "{}-W{:02}".format(*date.fromisoformat(timestamp[:10]).isocalendar()),
    "month": lambda timestamp: timestamp[:7],
    "year": lambda timestamp: timestamp[:4],
}
# With more periods, the next longer ones are used; with more labels, the most frequently predicted ones.
MOST_PERIODS, MOST_LABELS = 120, 12


def periods(timestamps: Sequence[str | None], asked: Period) -> tuple[Period, dict[str, numpy.ndarray]]:
    """The length of the periods, and the texts of each, (texts,) of booleans, in the order of time."""
    kinds = list(PERIODS)
    for kind in kinds[kinds.index(asked) :]:
        named = [None if timestamp is None else PERIODS[kind](timestamp) for timestamp in timestamps]
        results = sorted({name for name in named if name is not None})
        if len(results) <= MOST_PERIODS:
            break
    of_texts = numpy.array(named, dtype=object)
    return kind, {name: of_texts == name for name in results}


def figures(
    timestamps: Sequence[str | None],
    labels: Sequence[Sequence[str]],
    gold: Sequence[Sequence[str]],
    asked: Period,
    sheet: Sheet,
) -> list[Figure]:
    """The share of each label by period, 0 for one that is only in gold; empty if no text has a timestamp.

    Args:
        timestamps: of each text, ISO 8601, None if it has none. labels: the predicted labels of each text.
        gold: the labels of its annotation.
    """
    kind, texts = periods(timestamps, asked)
    common = Counter(label for one in labels for label in one)
    common.update(dict.fromkeys((label for one in gold for label in one), 0))
    results = []
    for label, _ in sorted(common.most_common(MOST_LABELS)):
        having = numpy.array([label in one for one in labels], dtype=bool)
        for name, there in texts.items():
            share = Ratio((sheet.column(having & there),), (sheet.column(there),), is_exact=True)
            by = {"label": label, "period": name}
            results.append(Figure("label_share", by, f"texts by {kind}", int(there.sum()), share))
    return results
