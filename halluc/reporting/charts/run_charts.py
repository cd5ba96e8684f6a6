"""The charts of one run, those that it has figures for."""

from __future__ import annotations

from halluc.reporting.charts import confidence_charts, gap_chart, outcome_charts, svg, training_charts
from halluc.reporting.charts.chart import Chart
from halluc.runs.reports import RunReport

_MAKERS = (
    outcome_charts.by_novelty,
    outcome_charts.by_label,
    gap_chart.gap,
    confidence_charts.confidence,
    confidence_charts.reliability,
    confidence_charts.risk_coverage,
    training_charts.loss,
    training_charts.dev,
)


def charts(report: RunReport) -> list[Chart]:
    with svg.drawing():
        return [chart for make in _MAKERS if (chart := make(report)) is not None]
