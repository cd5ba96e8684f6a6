"""What became of claims and gold, by novelty and by label."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from halluc.core.figures import OMISSION
from halluc.reporting.charts import svg
from halluc.reporting.charts.chart import (
    INK,
    MOST_ROWS,
    Chart,
    at_right,
    chart,
    figure,
    legend,
    point,
    rows_axis,
    shares,
    shortened,
    ticks,
    told_in_words,
    value_of,
)
from halluc.reporting.words import nouns
from halluc.runs.reports import Outcome, RunReport
from halluc.runs.schema import MetricResult
from halluc.wording import formats
from halluc.wording.nouns import Nouns

ALL = "all"
ROW, LOW_ROW, MANY = 34, 22, 12  # pixels of a row; of more than so many rows the lower ones
_VERDICTS = (("unsupported", "hallucination"), ("distorted", "distortion"), ("supported", "support"))


def by_novelty(report: RunReport) -> Chart | None:
    """Rows as they come: all, then from what training shows best to what it shows least."""
    words = nouns.of(report.task)
    note = (
        f"{words.claims.capitalize()} by verdict, and by {_novelty(report, words)}; the figure is the share of"
        f" unsupported ones. At the right, the share of the annotated {words.golds} that are omitted. Lines are 95%"
        " intervals."
    )
    rows = nouns.by_novelty(report.by_novelty, words)
    return _outcomes("by-novelty", f"By novelty of the {words.one}", note, rows, rows)


def _novelty(report: RunReport, words: Nouns) -> str:
    """What novelty is, and of texts where the quarters begin."""
    told = words.novelty
    known = report.text_novelty
    if known is None:
        return told
    edges = ", ".join(map(formats.percent, known.edges))
    return f"{told} (quarters begin above {edges}, the quartiles of {known.edges_of})"


def by_label(report: RunReport) -> Chart | None:
    """All first, then by the hallucination rate; of many labels those with most claims."""
    everything = [row for row in report.by_label[:1] if row.name == ALL]
    labels = sorted(report.by_label[len(everything) :], key=_worst_first)
    common = sorted(labels, key=lambda row: -row.claims)[:MOST_ROWS]
    note = "The same by label, the highest hallucination rate first."
    if len(labels) > MOST_ROWS:
        note += f" Shown are the {MOST_ROWS} labels with most claims of {len(labels):,}; the table has all."
    shown = [*everything, *(row for row in labels if row in common)]
    return _outcomes("by-label", "By label", note, shown, [*everything, *labels])


def _worst_first(row: Outcome) -> float:
    rate = value_of(row.hallucination)
    return 1.0 if rate is None else -rate


def _outcomes(id: str, title: str, note: str, shown: Sequence[Outcome], rows: Sequence[Outcome]) -> Chart | None:
    if not any(row.claims or row.gold for row in shown):
        return None
    alt = told_in_words(
        [formats.visible(row.name) for row in shown], [_in_words(row, _distort(shown)) for row in shown]
    )
    distorts = _distort(rows)
    columns = [column for column in _COLUMNS if distorts or column != "distorted"]
    return chart(_drawn(shown), id, title, note, alt, columns, [_as_row(row, distorts) for row in rows])


def _distort(rows: Iterable[Outcome]) -> bool:
    """Whether claims of this kind can be distorted."""
    return any(row.distortion is not None for row in rows)


def _drawn(shown: Sequence[Outcome]) -> Figure:
    """Two panels with figures at the right of each: the claims by verdict, the gold that is omitted."""
    height = LOW_ROW if len(shown) > MANY else ROW
    drawn = figure(50 + height * len(shown))
    claims, gold = drawn.subplots(1, 2, sharey=True, width_ratios=(3, 2))
    for verdict, _ in _VERDICTS:
        if verdict != "distorted" or _distort(shown):
            claims.barh(0, 0, color=svg.ROLES[verdict], label=verdict)
    gold.barh(0, 0, color=svg.ROLES["omission"], label="omitted")
    for place, row in enumerate(shown):
        _claims_bar(claims, place, row, 14 / height)
        _bar(gold, place, row.omission, 14 / height)
    rows_axis(claims, [shortened(row.name) + (f"\n{row.claims:,} claims" if height == ROW else "") for row in shown])
    gold.tick_params(labelleft=False)
    if shown[0].name == ALL:
        claims.get_yticklabels()[0].set_fontweight("bold")
    shares(claims.xaxis, 0.5)
    claims.set_xlim(0, 1)
    gold.set_xlim(left=0)
    ticks(gold.xaxis, OMISSION, most=2)
    legend(drawn, [claims, gold])
    return drawn


def _claims_bar(axes: Axes, place: int, row: Outcome, thick: float) -> None:
    """The unsupported stand first, so that all begin at the same line and can be compared."""
    start = 0.0
    for verdict, share in _VERDICTS:
        value = value_of(getattr(row, share))
        if value:
            axes.barh(place, value, thick, left=start, color=svg.ROLES[verdict])
            start += value
    _interval(axes, place, row.hallucination)


def _bar(axes: Axes, place: int, found: MetricResult | None, thick: float) -> None:
    axes.barh(place, value_of(found) or 0, thick, color=svg.ROLES["omission"])
    _interval(axes, place, found)


def _interval(axes: Axes, place: int, found: MetricResult | None) -> None:
    at_right(axes, place, formats.percent(value_of(found)))
    if found is not None and found.value is not None and found.interval is not None:
        point(axes, found.value, place, {"fmt": "none", "ecolor": INK}, found.interval)


_COLUMNS = ["", "claims", "supported", "distorted", "unsupported", "annotated", "omitted"]


def _as_row(row: Outcome, distorts: bool) -> list[str]:
    found = (row.support, *((row.distortion,) if distorts else ()), row.hallucination)
    shares = [formats.metric(one) for one in found]
    name = formats.visible(row.name)
    return [name, formats.count(row.claims), *shares, formats.count(row.gold), formats.metric(row.omission)]


def _in_words(row: Outcome, distorts: bool) -> str:
    told = {"unsupported": row.hallucination, "distorted": row.distortion, "of the annotated omitted": row.omission}
    found = [(one, word) for word, one in told.items() if distorts or word != "distorted"]
    return ", ".join(f"{formats.percent(value_of(one))} {word}" for one, word in found)
