"""Outcomes of claims and gold, by novelty and by label; the forecast gap next to the observed one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from halluc.core.figures import OMISSION
from halluc.reporting.charts import svg
from halluc.reporting.charts.chart import (
    FAINT,
    INK,
    MOST_ROWS,
    SERIES,
    Chart,
    alt_text,
    annotate_right,
    chart,
    figure,
    legend,
    marker,
    point,
    rows_axis,
    shares,
    shorten,
    ticks,
    value_of,
)
from halluc.reporting.views.evaluation import gap_by_label
from halluc.reporting.views.run import outcome_table
from halluc.reporting.views.tables import lines
from halluc.reporting.words import nouns
from halluc.runs.reports import GapRow, Outcome, RunReport
from halluc.runs.schema import MetricResult
from halluc.wording import formats

ALL = "all"
ROW, LOW_ROW, MANY = 34, 22, 12  # pixels of a row; with more rows than MANY the lower height
_VERDICTS = (("unsupported", "hallucination"), ("distorted", "distortion"), ("supported", "support"))
_COLUMNS = ["", "claims", "supported", "distorted", "unsupported", "annotated", "omitted"]
# Offset in rows, so that intervals do not overlap.
_POINTS = (
    ("forecast", 0, marker(SERIES[6], filled=False)),
    ("unseen", 0, marker(SERIES[0])),
    ("new", 0.22, marker(SERIES[1], "D", size=4.5)),
)
_GAP_COLUMNS = ["forecast", "unseen", "of these new", "unseen minus forecast"]


def by_novelty(report: RunReport) -> Chart | None:
    """Rows in order: all, then from the best known to new."""
    words, known = nouns.task(report.task).wording.nouns, report.text_novelty
    novelty = words.novelty
    if known is not None:
        edges = ", ".join(map(formats.percent, known.edges))
        novelty += f" (quarters start above {edges}, the quartiles of {known.edges_of})"
    note = f"{words.claims.capitalize()} by verdict, and by {novelty}; the figure is the share of unsupported ones."
    rows = nouns.by_novelty(report.by_novelty, words)
    if any(value_of(row.omission) for row in rows):
        note += f" On the right: the share of the annotated {words.golds} that are omitted."
    note += " Lines are 95% intervals."
    return _outcomes("by-novelty", f"By novelty of the {words.unit}", note, rows, rows)


def by_label(report: RunReport) -> Chart | None:
    """All first, then labels by the hallucination rate; of many labels only the ones with the most claims."""
    everything = [row for row in report.by_label[:1] if row.name == ALL]
    labels = sorted(
        report.by_label[len(everything) :],
        key=lambda row: 1.0 if (rate := value_of(row.hallucination)) is None else -rate,
    )
    common = sorted(labels, key=lambda row: -row.claims)[:MOST_ROWS]
    note = "The same by label, sorted by decreasing hallucination rate."
    if len(labels) > MOST_ROWS:
        note += f" Shown are the {MOST_ROWS} labels with most claims of {len(labels):,}; the table has all."
    shown = [*everything, *(row for row in labels if row in common)]
    return _outcomes("by-label", "By label", note, shown, [*everything, *labels])


def _outcomes(id: str, title: str, note: str, shown: Sequence[Outcome], rows: Sequence[Outcome]) -> Chart | None:
    if not any(row.claims or row.gold for row in shown):
        return None
    alt = alt_text([formats.visible(row.name) for row in shown], [_row_text(row, _distort(shown)) for row in shown])
    columns = [column for column in _COLUMNS if _distort(rows) or column != "distorted"]
    cells = [[formats.visible(name), *others] for name, *others in lines(outcome_table(title, rows, ""))]
    return chart(_draw_outcomes(shown), id, title, note, alt, columns, cells)


def _distort(rows: Iterable[Outcome]) -> bool:
    return any(row.distortion is not None for row in rows)


def _draw_outcomes(shown: Sequence[Outcome]) -> Figure:
    """Panels with figures on the right: the claims by verdict, and the omitted gold if there is any."""
    height = LOW_ROW if len(shown) > MANY else ROW
    drawn = figure(50 + height * len(shown))
    omits = any(value_of(row.omission) for row in shown)
    claims, *others = drawn.subplots(
        1, 2 if omits else 1, sharey=True, width_ratios=(3, 2) if omits else None, squeeze=False
    )[0]
    for verdict, _ in _VERDICTS:
        if verdict != "distorted" or _distort(shown):
            claims.barh(math.nan, 0, color=svg.ROLES[verdict], label=verdict)
    for place, row in enumerate(shown):
        _claims_bar(claims, place, row, 14 / height)
    rows_axis(claims, [shorten(row.name) + (f"\n{row.claims:,} claims" if height == ROW else "") for row in shown])
    if shown[0].name == ALL:
        claims.get_yticklabels()[0].set_fontweight("bold")
    shares(claims.xaxis, 0.5)
    claims.set_xlim(0, 1)
    for gold in others:
        _omissions(gold, shown, 14 / height)
    legend(drawn, [claims, *others])
    return drawn


def _omissions(axes: Axes, shown: Sequence[Outcome], thick: float) -> None:
    axes.barh(math.nan, 0, color=svg.ROLES["omission"], label="omitted")
    for place, row in enumerate(shown):
        axes.barh(place, value_of(row.omission) or math.nan, thick, color=svg.ROLES["omission"])
        _interval(axes, place, row.omission)
    axes.tick_params(labelleft=False)
    axes.set_xlim(left=0)
    ticks(axes.xaxis, OMISSION, most=2)


def _claims_bar(axes: Axes, place: int, row: Outcome, thick: float) -> None:
    """Unsupported claims come first: as all bars start at the same line, they can be compared."""
    start = 0.0
    for verdict, share in _VERDICTS:
        value = value_of(getattr(row, share))
        if value:
            axes.barh(place, value, thick, left=start, color=svg.ROLES[verdict])
            start += value
    _interval(axes, place, row.hallucination)


def _interval(axes: Axes, place: int, metric: MetricResult | None) -> None:
    annotate_right(axes, place, formats.percent(value_of(metric)))
    if metric is not None and metric.value is not None and metric.interval is not None:
        point(axes, metric.value, place, {"fmt": "none", "ecolor": INK}, metric.interval)


def _row_text(row: Outcome, distorts: bool) -> str:
    text = {"unsupported": row.hallucination, "distorted": row.distortion, "of the annotated omitted": row.omission}
    return ", ".join(
        f"{formats.percent(value_of(one))} {word}" for word, one in text.items() if distorts or word != "distorted"
    )


def gap(report: RunReport) -> Chart | None:
    """All first, then the labels with the most mentions."""
    everything = [row for row in report.gap if row.label is None]
    labels = sorted((row for row in report.gap if row.label is not None), key=lambda row: -row.counted)
    shown = [row for row in (*everything, *labels[:MOST_ROWS]) if row.counted or row.forecast.value is not None]
    if not shown:
        return None
    words = nouns.task(report.task).wording.nouns
    note = f"Share of {words.gap_of} that are not in training: forecast from the training split, and measured."
    if words.gap_note:
        note += f" {words.gap_note}"
    if len(labels) > MOST_ROWS:
        note += f" Shown are the {MOST_ROWS} labels with most {words.counted} of {len(labels):,}; the table has all."
    names = [ALL if row.label is None else shorten(row.label) for row in shown]
    shares_text = [
        f"{formats.percent(row.forecast.value)} forecast, {formats.percent(row.unseen.value)} unseen" for row in shown
    ]
    rows = lines(gap_by_label([*everything, *labels], words.counted))
    columns, cells = ["", words.counted, *_GAP_COLUMNS], [[formats.visible(name), *others] for name, *others in rows]
    drawn, title = _draw_gap(shown, names), "The gap: forecast and measured"
    return chart(drawn, "gap", title, note, alt_text(names, shares_text), columns, cells)


def _draw_gap(shown: Sequence[GapRow], names: Sequence[str]) -> Figure:
    drawn = figure(70 + (LOW_ROW if len(shown) > MANY else 28) * len(shown))
    axes = drawn.add_subplot()
    axes.grid(axis="x")
    axes.set_title("excess, points", loc="right")
    for row, result in enumerate(shown):
        ends = [one.value for one in (result.forecast, result.unseen) if one.value is not None]
        axes.plot(ends, [row] * len(ends), color=FAINT, linewidth=3)
        annotate_right(axes, row, formats.difference("gap_excess", result.excess.value, unit=False))
    for name, shift, style in _POINTS:
        for row, result in enumerate(shown):
            one = getattr(result, name)
            if one is not None and one.value is not None:
                point(axes, one.value, row + shift, style, one.interval)
        axes.plot([], [], **style, label=name)
    rows_axis(axes, names)
    shares(axes.xaxis)
    axes.set_xlim(-0.02, 1.02)
    legend(drawn, axes)
    return drawn
