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
# If there are more periods, longer ones are used; if there are more labels, only the most frequently predicted ones.
MOST_PERIODS, MOST_LABELS = 120, 12


def periods(timestamps: Sequence[str | None], requested: Period) -> tuple[Period, dict[str, numpy.ndarray]]:
    """The length of the periods, and a mask (texts,) of the texts of each period, in the order of time."""
    kinds = list(PERIODS)
    for kind in kinds[kinds.index(requested) :]:
        by_text = [None if timestamp is None else PERIODS[kind](timestamp) for timestamp in timestamps]
        names = sorted({name for name in by_text if name is not None})
        if len(names) <= MOST_PERIODS:
            break
    of_texts = numpy.array(by_text, dtype=object)
    return kind, {name: of_texts == name for name in names}


def figures(
    timestamps: Sequence[str | None],
    labels: Sequence[Sequence[str]],
    gold: Sequence[Sequence[str]],
    requested: Period,
    sheet: Sheet,
) -> list[Figure]:
    """The share of texts with each predicted label by period; empty if no text has a timestamp.

    Args:
        timestamps: of each text, ISO 8601, or None. labels: the predicted labels of each text. gold: the annotated
            labels of each text; those that are never predicted have the share 0.
    """
    kind, texts = periods(timestamps, requested)
    counts = Counter(label for of_text in labels for label in of_text)
    counts.update(dict.fromkeys((label for of_text in gold for label in of_text), 0))
    results = []
    for label, _ in sorted(counts.most_common(MOST_LABELS)):
        is_predicted = numpy.array([label in of_text for of_text in labels], dtype=bool)
        for name, in_period in texts.items():
            share = Ratio((sheet.column(is_predicted & in_period),), (sheet.column(in_period),), is_exact=True)
            by = {"label": label, "period": name}
            results.append(Figure("label_share", by, f"texts by {kind}", int(in_period.sum()), share))
    return results
