"""The charts of a report, by its kind; for a run only charts whose figures it has."""

from __future__ import annotations

from halluc.reporting.charts import (
    confidence_charts,
    difference_charts,
    outcome_charts,
    period_charts,
    study_charts,
    svg,
    training_charts,
)
from halluc.reporting.charts.chart import Chart
from halluc.runs.reports import AnyReport

_OF_RUN = (
    outcome_charts.by_novelty,
    outcome_charts.by_label,
    outcome_charts.gap,
    period_charts.shares,
    confidence_charts.confidence,
    confidence_charts.reliability,
    confidence_charts.risk_coverage,
    training_charts.loss,
    training_charts.dev,
)


def charts(report: AnyReport) -> list[Chart]:
    with svg.drawing():
        if report.kind == "run":
            return [drawn for make in _OF_RUN if (drawn := make(report)) is not None]
        return study_charts.charts(report) if report.kind == "study" else difference_charts.comparison_charts(report)
