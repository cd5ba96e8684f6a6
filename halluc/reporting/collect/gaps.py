"""The forecast gap beside the real one, label by label."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from halluc.core.examples import Example
from halluc.gap.forecast import Gap, Proportion
from halluc.runs.reports import GapRow
from halluc.runs.schema import MetricResult
from halluc.task import Knowledge, TrainingCoverage

FORECAST = "Good-Turing on the training split, interval of Esty 1983"
COUNTED = "{} of the split against those of the training split"
EXCESS = "unseen less forecast, interval of Newcombe 1998, method 10"


def rows(knowledge: Knowledge[Any], coverage: TrainingCoverage, examples: Iterable[Example]) -> list[GapRow]:
    """The gap of a split to what training shows, overall first (``docs/gap.md``).

    Overall a word that is not seen is new, so that nothing is told of new ones there.
    """
    found = knowledge.gap(coverage, examples)
    overall = _row(None, found.overall, found.counted)
    if found.counted == "words":
        overall.new = None
    return [overall, *(_row(label, gap, found.counted) for label, gap in found.by_label.items())]


def _row(label: str | None, gap: Gap, counted: str) -> GapRow:
    by = {} if label is None else {"label": label}
    protocol = COUNTED.format(counted)
    return GapRow(
        label=label,
        counted=gap.mentions,
        forecast=_metric("gap_forecast", gap.forecast, by, FORECAST),
        unseen=_metric("gap_unseen", gap.unseen, by, protocol),
        new=_metric("gap_new", gap.new, by, protocol),
        excess=_metric("gap_excess", gap.excess, by, EXCESS),
    )


def _metric(name: str, figure: Proportion, by: dict[str, str], protocol: str) -> MetricResult:
    return MetricResult(
        name=name, value=figure.value, n=figure.n, interval=figure.interval, by=by, protocol=protocol
    )  # fmt: skip
