"""The page of a tuning."""

from __future__ import annotations

from itertools import accumulate

from halluc.reporting.charts import svg
from halluc.reporting.charts.chart import Chart, chart, series
from halluc.reporting.charts.plots import Curve, Point, plot, scatter
from halluc.reporting.page.render import rendered
from halluc.reporting.views import tune as views
from halluc.runs.tuning import TuneFile
from halluc.wording import formats

MOST_POINTS = 2_000


def history(tuning: TuneFile) -> Chart | None:
    """None for fewer than two finished trials."""
    complete = [one for one in tuning.of("complete") if one.values is not None and one.feasible][:MOST_POINTS]
    if len(complete) < 2:
        return None
    names = [formats.title(name) for name in tuning.metrics]
    rows = [
        [
            str(one.number),
            *(formats.value(name, value) for name, value in zip(tuning.metrics, one.values or (), strict=True)),
        ]
        for one in complete
    ]
    if len(tuning.metrics) > 1:
        best = {one.number for one in tuning.best}
        colour, shape = series(0)
        points = [
            [
                Point(
                    one.values[0],
                    one.values[1],
                    None,
                    None,
                    colour if one.number in best else series(1)[0],
                    shape,
                    f"{one.number}" if one.number in best and len(best) <= 5 else "",
                )
            ]
            for one in complete
            if one.values is not None
        ]
        drawn = scatter(points, x=tuning.metrics[0], y=tuning.metrics[1], below=names[0], above=names[1])
        note, title = "Each trial on dev; those on the Pareto front have the first colour.", "Trials in the plane"
    else:
        values = [one.values[0] for one in complete if one.values is not None]
        pick = max if tuning.directions[0] == "maximize" else min
        numbers = [one.number for one in complete]
        curves = [
            Curve("each trial", numbers, values),
            Curve("best so far", numbers, list(accumulate(values, pick)), has_points=False),
        ]
        drawn = plot(curves, name=tuning.metrics[0], below="trial", above=f"{names[0]} on dev")
        note, title = "Finished trials that meet the constraints, in order.", "History"
    return chart(drawn, "history", title, note, f"{len(complete)} trials", ["trial", *names], rows)


def page(tuning: TuneFile) -> str:
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
