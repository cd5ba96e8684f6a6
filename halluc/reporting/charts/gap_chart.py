"""The gap that was forecast beside the one that came, by label."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from halluc.reporting.charts.chart import (
    FAINT,
    MOST_ROWS,
    SERIES,
    Chart,
    at_right,
    chart,
    figure,
    legend,
    marker,
    point,
    rows_axis,
    shares,
    shortened,
    told_in_words,
)
from halluc.reporting.charts.outcome_charts import ALL, LOW_ROW, MANY
from halluc.reporting.words import nouns
from halluc.runs.reports import GapRow, RunReport
from halluc.wording import formats

# Shift in rows, so that intervals do not hide one another.
_POINTS = (
    ("forecast", 0, marker(SERIES[6], filled=False)),
    ("unseen", 0, marker(SERIES[0])),
    ("new", 0.22, marker(SERIES[1], "D", size=4.5)),
)
_COLUMNS = ["forecast", "unseen", "of these new", "unseen less forecast"]


def gap(report: RunReport) -> Chart | None:
    """All first, then the labels with most mentions."""
    everything = [row for row in report.gap if row.label is None]
    labels = sorted((row for row in report.gap if row.label is not None), key=lambda row: -row.counted)
    shown = [row for row in (*everything, *labels[:MOST_ROWS]) if row.counted or row.forecast.value is not None]
    if not shown:
        return None
    words = nouns.of(report.task)
    note = f"Share of {words.gap_of} that training did not show: forecast from the training split alone, and measured."
    if words.gap_note:
        note += f" {words.gap_note}"
    if len(labels) > MOST_ROWS:
        note += f" Shown are the {MOST_ROWS} labels with most {words.counted} of {len(labels):,}; the table has all."
    names = [ALL if row.label is None else shortened(row.label) for row in shown]
    alt = told_in_words(names, [_in_words(row) for row in shown])
    title = "The gap: forecast and measured"
    return chart(
        _drawn(shown, names),
        "gap",
        title,
        note,
        alt,
        ["", words.counted, *_COLUMNS],
        [_as_row(row) for row in (*everything, *labels)],
    )


def _drawn(shown: Sequence[GapRow], names: Sequence[str]) -> Figure:
    drawn = figure(70 + (LOW_ROW if len(shown) > MANY else 28) * len(shown))
    axes = drawn.add_subplot()
    axes.grid(axis="x")
    axes.set_title("excess, points", loc="right")
    for row, found in enumerate(shown):
        ends = [one.value for one in (found.forecast, found.unseen) if one.value is not None]
        axes.plot(ends, [row] * len(ends), color=FAINT, linewidth=3)
        at_right(axes, row, formats.difference("gap_excess", found.excess.value, unit=False))
    for name, shift, style in _POINTS:
        known = [(row, one) for row, found in enumerate(shown) if (one := getattr(found, name)) is not None]
        for row, one in known:
            if one.value is not None:
                point(axes, one.value, row + shift, style, one.interval)
        axes.plot([], [], **style, label=name)
    rows_axis(axes, names)
    shares(axes.xaxis)
    axes.set_xlim(-0.02, 1.02)
    legend(drawn, axes)
    return drawn


def _as_row(row: GapRow) -> list[str]:
    name = ALL if row.label is None else formats.visible(row.label)
    shares = [formats.metric(found) for found in (row.forecast, row.unseen, row.new)]
    interval = formats.interval("gap_excess", row.excess.interval)
    excess = f"{formats.difference('gap_excess', row.excess.value)} {interval}".strip()
    return [name, formats.count(row.counted), *shares, excess]


def _in_words(row: GapRow) -> str:
    return f"{formats.percent(row.forecast.value)} forecast, {formats.percent(row.unseen.value)} unseen"
