"""The page of a tuning."""

from __future__ import annotations

from halluc.reporting.charts import svg
from halluc.reporting.charts.tune_charts import history
from halluc.reporting.page.render import rendered
from halluc.reporting.views import tune as views
from halluc.runs.tuning import TuneFile


def page(tuning: TuneFile) -> str:
    """A tuning as HTML."""
    with svg.drawing():
        drawn = history(tuning)
    return rendered(
        "tune.html.j2",
        "page.js",
        report=tuning,
        charts={drawn.id: drawn} if drawn is not None else {},
        differences=views.differences(tuning),
        importances=views.importances(tuning),
        trials=views.trials(tuning),
    )
