"""The page of a tuning."""

from __future__ import annotations

from halluc.reporting.charts import svg
from halluc.reporting.charts.tune_charts import history
from halluc.reporting.page.render import rendered
from halluc.reporting.views import tune as views
from halluc.runs.tuning import TuneFile


def page(found: TuneFile) -> str:
    """A tuning as HTML."""
    with svg.drawing():
        drawn = history(found)
    return rendered(
        "tune.html.j2",
        "page.js",
        report=found,
        charts={drawn.id: drawn} if drawn is not None else {},
        differences=views.differences(found),
        importances=views.importances(found),
        trials=views.trials(found),
    )
