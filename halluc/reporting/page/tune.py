"""The page of a tuning."""

from __future__ import annotations

from itertools import accumulate

from halluc.reporting.charts import svg
from halluc.reporting.charts.chart import Chart, chart, series
from halluc.reporting.charts.plots import Curve, Point, plot, scatter
from halluc.reporting.page.render import render_page
from halluc.runs.tuning import TuneFile
from halluc.wording import formats

MOST_POINTS = 2_000


def history(tuning: TuneFile) -> Chart | None:
    """None for fewer than two finished trials."""
    finished = ((one.number, one.values) for one in tuning.of("complete") if one.feasible)
    complete = [(number, values) for number, values in finished if values is not None][:MOST_POINTS]
    if len(complete) < 2:
        return None
    metrics, names = tuning.metrics, [formats.title(name) for name in tuning.metrics]
    rows = [[str(number), *map(formats.value, metrics, values)] for number, values in complete]
    if len(metrics) > 1:
        best = {one.number for one in tuning.best}
        (first, shape), (other, _) = series(0), series(1)
        points = [
            Point(x, y, None, None, first if number in best else other, shape,
                  f"{number}" if number in best and len(best) <= 5 else "")
            for number, (x, y) in complete
        ]  # fmt: skip
        drawn = scatter([[one] for one in points], x=metrics[0], y=metrics[1], below=names[0], above=names[1])
        note, title = "Each trial on dev; those on the Pareto front have the first colour.", "Trials in the plane"
    else:
        numbers, values = [number for number, _ in complete], [values[0] for _, values in complete]
        best_so_far = list(accumulate(values, max if tuning.directions[0] == "maximize" else min))
        curves = [Curve("each trial", numbers, values), Curve("best so far", numbers, best_so_far, has_points=False)]
        drawn = plot(curves, name=metrics[0], below="trial", above=f"{names[0]} on dev")
        note, title = "Finished trials that meet the constraints, in order.", "History"
    return chart(drawn, "history", title, note, f"{len(complete)} trials", ["trial", *names], rows)


def page(tuning: TuneFile) -> str:
    with svg.drawing():
        drawn = history(tuning)
    return render_page(
        "tune.html.j2",
        "page.js",
        report=tuning,
        charts={drawn.id: drawn} if drawn is not None else {},
    )
