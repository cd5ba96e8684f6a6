"""The charts of a report, by its kind."""

from __future__ import annotations

from halluc.reporting.charts import comparison_charts, run_charts, study_charts
from halluc.reporting.charts.chart import Chart
from halluc.runs.reports import AnyReport


def charts(report: AnyReport) -> list[Chart]:
    if report.kind == "run":
        return run_charts.charts(report)
    return study_charts.charts(report) if report.kind == "study" else comparison_charts.charts(report)
