"""The gap that was forecast beside the one that came, by label."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes

from halluc.reporting import formats
from halluc.reporting.charts.chart import (
    FAINT,
    MOST_ROWS,
    QUIET,
    SERIES,
    SMALL,
    WIDTH,
    Canvas,
    Chart,
    marker,
    shortened,
    told_in_words,
    whisker,
    width_of,
)
from halluc.reporting.charts.outcome_charts import ALL, HEAD, LOW_ROW, MANY
from halluc.reporting.charts.scales import Scale
from halluc.reporting.words import nouns
from halluc.runs.reports import GapRow, RunReport

_POINTS = (("forecast", SERIES[6], "o", False), ("unseen", SERIES[0], "o", True), ("new", SERIES[1], "D", True))
_SHARES = Scale(-0.02, 1.02, [(0, "0%"), (0.25, "25%"), (0.5, "50%"), (0.75, "75%"), (1, "100%")])
_COLUMNS = ["forecast", "unseen", "of these new", "unseen less forecast"]


def gap(report: RunReport) -> Chart | None:
    """All first, then the labels with most mentions."""
    everything = [row for row in report.gap if row.label is None]
    labels = sorted((row for row in report.gap if row.label is not None), key=lambda row: -row.counted)
    shown = [row for row in (*everything, *labels[:MOST_ROWS]) if row.counted or row.forecast.value is not None]
    if not shown:
        return None
    words = nouns.of(report.task)
    of = words.many if words.has_places else "content words"
    note = f"Share of {of} that training did not show: forecast from the training split alone, and measured."
    if not words.has_places:
        note += " By label, unseen words are in no training text of that label, new ones in none at all."
    if len(labels) > MOST_ROWS:
        note += f" Shown are the {MOST_ROWS} labels with most {words.counted} of {len(labels):,}; the table has all."
    names = [ALL if row.label is None else shortened(row.label) for row in shown]
    canvas = _drawn(shown, names)
    alt = told_in_words(names, [_in_words(row) for row in shown])
    title = "The gap: forecast and measured"
    return canvas.chart(
        "gap", title, note, alt, ["", words.counted, *_COLUMNS], [_as_row(row) for row in (*everything, *labels)]
    )


def _drawn(shown: Sequence[GapRow], names: Sequence[str]) -> Canvas:
    height = LOW_ROW if len(shown) > MANY else 28
    left, right = max(map(width_of, names)) + 12, 54
    canvas = Canvas(HEAD + height * len(shown) + 22)
    canvas.key(0, 12, ((colour, marker(colour, shape, filled), word) for word, colour, shape, filled in _POINTS))
    canvas.text(WIDTH, 12, "excess, points", size=SMALL, ha="right", alpha=QUIET)
    width = WIDTH - left - right
    axes = canvas.panel(left, HEAD, width, height * len(shown), x=_SHARES)
    axes.set_ylim(len(shown) - 0.5, -0.5)
    for place, row in enumerate(shown):
        canvas.text(0, HEAD + height * (place + 0.5) + 4, names[place], fontweight="bold" if row.label is None else 400)
        excess = formats.difference("gap_excess", row.excess.value, unit=False)
        canvas.text(WIDTH, HEAD + height * (place + 0.5) + 4, excess, ha="right")
        _points(axes, place, row)
    return canvas


def _points(axes: Axes, place: int, row: GapRow) -> None:
    """Forecast and unseen are joined; the new stand under them, so that intervals do not hide one another."""
    ends = [found.value for found in (row.forecast, row.unseen) if found.value is not None]
    axes.plot(ends, [place] * len(ends), color=FAINT, linewidth=3)
    all_three = zip(_POINTS, (row.forecast, row.unseen, row.new), (0, 0, 0.22), strict=True)
    for (_, colour, shape, filled), found, shift in all_three:
        if found is not None and found.value is not None:
            whisker(axes, place + shift, found.interval, colour)
            style = marker(colour, shape, filled, 6 if shape == "o" else 4.5)
            axes.plot([found.value], [place + shift], linestyle="none", **style)


def _as_row(row: GapRow) -> list[str]:
    name = ALL if row.label is None else formats.visible(row.label)
    shares = [formats.metric(found) for found in (row.forecast, row.unseen, row.new)]
    interval = formats.interval("gap_excess", row.excess.interval)
    excess = f"{formats.difference('gap_excess', row.excess.value)} {interval}".strip()
    return [name, formats.count(row.counted), *shares, excess]


def _in_words(row: GapRow) -> str:
    return f"{formats.percent(row.forecast.value)} forecast, {formats.percent(row.unseen.value)} unseen"
