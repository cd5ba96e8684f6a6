"""Shares by period: a line per label, with intervals, and marks for periods that differ from all earlier ones."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from halluc.core import figures
from halluc.reporting.charts.chart import (
    Chart,
    alt_text,
    chart,
    figure,
    legend,
    marker,
    measurable_label,
    point,
    series,
    shorten,
    ticks,
)
from halluc.reporting.charts.plots import panel
from halluc.reporting.views.evaluation import period_tables, shifted_periods
from halluc.runs.reports import RunReport
from halluc.runs.schema import MetricResult
from halluc.wording import formats

# Limits: the labels whose share varies most are drawn, and some of the periods are named.
_MOST_LINES, _MOST_NAMES = 6, 6


def shares(report: RunReport) -> Chart | None:
    """The first figure that is reported by period."""
    tables = period_tables(report.metrics, report.split)
    if not tables:
        return None
    (name, _) = figures.shown("periods", {one.name for one in report.metrics})[0].key
    results = [one for one in report.metrics if one.name == name and one.by.keys() == {"label", "period"}]
    periods = sorted({one.by["period"] for one in results})
    by_label: dict[str, list[MetricResult]] = {}
    for one in results:
        by_label.setdefault(one.by["label"], []).append(one)
    drawn = sorted(by_label, key=lambda label: -_range(by_label[label]))[:_MOST_LINES]
    marked = shifted_periods(report.metrics)
    parts = [
        ", ".join(f"{period} {formats.percent(one.value)}" for one in by_label[label] if (period := one.by["period"]))
        for label in drawn
    ]
    note = "Share of texts by predicted label and period, with 95% intervals. "
    note += (
        f"Filled points ({len(marked):,}) differ from all earlier periods together."
        if marked
        else "No significant shift."
    )
    columns, rows = [one.heading for one in tables[0].columns], tables[0].rows
    cells = [[f"{cell.text}{' *' * cell.bold} {cell.under}".strip() for cell in row] for row in rows]
    title = "Predicted labels over time"
    return chart(
        _draw(name, by_label, drawn, periods, marked), "periods", title, note, alt_text(drawn, parts), columns, cells
    )


def _range(metrics: Sequence[MetricResult]) -> float:
    values = [one.value for one in metrics if one.value is not None]
    return max(values, default=0.0) - min(values, default=0.0)


def _draw(
    name: str,
    by_label: dict[str, list[MetricResult]],
    labels: Sequence[str],
    periods: Sequence[str],
    marked: set[tuple[str, str]],
) -> Figure:
    drawn = figure(260)
    axes = panel(drawn, "share of texts", "period", "y")
    for number, label in enumerate(labels):
        colour, shape = series(number)
        offset = 0.14 * (number - (len(labels) - 1) / 2)  # so that intervals do not overlap
        known = [(periods.index(one.by["period"]) + offset, one.value, one) for one in by_label[label]]
        shown = [(x, value, one) for x, value, one in known if value is not None]
        axes.plot([x for x, _, _ in shown], [value for _, value, _ in shown], color=colour, linewidth=1, alpha=0.7)
        for x, value, one in shown:
            style = marker(colour, shape, (label, one.by["period"]) in marked, size=5)
            point(axes, x, value, style, up=one.interval)
        axes.plot([], [], **marker(colour, shape, size=5), label=measurable_label(shorten(label)))
    step = -(-len(periods) // _MOST_NAMES)
    axes.set_xticks(range(0, len(periods), step), periods[::step])
    ticks(axes.yaxis, name)
    axes.set_ylim(bottom=0)
    legend(drawn, axes)
    return drawn
