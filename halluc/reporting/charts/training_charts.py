"""The course of training: the loss, and the figures on dev that selected the checkpoint."""

from __future__ import annotations

import math
from collections.abc import Iterable

from halluc.reporting.charts.chart import Chart, chart
from halluc.reporting.charts.plots import MOST_LINES, Curve, plot
from halluc.reporting.words import nouns
from halluc.runs.reports import Curves, RunReport
from halluc.wording import formats

_LOG_FROM = 8  # times the minimum loss


def loss(report: RunReport) -> Chart | None:
    points = _finite(report.curves.loss) if report.curves else []
    if report.curves is None or len(points) < 2:
        return None
    values = [value for _, value in points]
    is_log = min(values) > 0 and max(values) > _LOG_FROM * min(values)
    above = nouns.task(report.task).wording.nouns.loss_of + ", log scale" * is_log
    drawn = plot(
        [Curve("", [step for step, _ in points], values, has_points=False)], name="loss", below="step", above=above,
        height=200, zero=True, is_log=is_log, mark=_best(report.curves),
    )  # fmt: skip
    note = "Training loss; each point is the mean over the steps since the previous point."
    alt = f"from {formats.decimal(values[0])} to {formats.decimal(values[-1])} in {points[-1][0]:,} steps"
    return chart(
        drawn,
        "loss",
        "Training loss",
        note,
        alt,
        ["step", "loss"],
        [[f"{step:,}", formats.decimal(value, 4)] for step, value in report.curves.loss],
    )


def dev(report: RunReport) -> Chart | None:
    """The figures on dev in one panel: shares and F1, all between zero and one."""
    if report.curves is None:
        return None
    result = {name: _finite(points) for name, points in report.curves.dev.items()}
    shares = {name: points for name, points in result.items() if points and all(0 <= v <= 1 for _, v in points)}
    if not shares:
        return None
    curves = [
        Curve(
            f"{formats.title(name)} {formats.value(name, points[-1][1])}",
            [s for s, _ in points],
            [v for _, v in points],
        )
        for name, points in list(shares.items())[:MOST_LINES]
    ]
    drawn = plot(curves, name="share", below="step", above="on dev", mark=_best(report.curves))
    by = report.curves.chosen_by
    chosen = f"the one with the best {formats.title(by)}" if by else "not chosen on dev"
    note = f"Figures on dev during training; the checkpoint is {chosen}."
    alt = "at the end: " + ", ".join(curve.name for curve in curves)
    by_step = {name: dict(points) for name, points in result.items()}
    rows = [
        [f"{step:,}", *(formats.value(name, by_step[name].get(step)) for name in result)]
        for step in sorted({step for points in by_step.values() for step in points})
    ]
    return chart(drawn, "dev", "Figures on dev", note, alt, ["step", *map(formats.title, result)], rows)


def _finite(points: Iterable[tuple[int, float]]) -> list[tuple[int, float]]:
    return [(step, value) for step, value in points if math.isfinite(value)]


def _best(curves: Curves) -> tuple[float, str] | None:
    if curves.best_step is None:
        return None
    return curves.best_step, f"{'best' if curves.chosen_by else 'kept'}, step {curves.best_step:,}"
