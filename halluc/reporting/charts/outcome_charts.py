"""What became of claims and gold, by novelty and by label."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from matplotlib.axes import Axes

from halluc.core.figures import OMISSION
from halluc.reporting import formats
from halluc.reporting.charts import svg
from halluc.reporting.charts.chart import (
    MOST_ROWS,
    QUIET,
    SMALL,
    WIDTH,
    Canvas,
    Chart,
    shortened,
    told_in_words,
    whisker,
    width_of,
)
from halluc.reporting.charts.scales import Scale, scale
from halluc.reporting.words import nouns
from halluc.reporting.words.nouns import Nouns
from halluc.runs.reports import Outcome, RunReport
from halluc.runs.schema import MetricResult

ALL = "all"
HEAD = 26  # pixels over the rows
ROW, LOW_ROW, MANY = 32, 22, 12
_VERDICTS = (("unsupported", "hallucination"), ("distorted", "distortion"), ("supported", "support"))
_SHARES = Scale(0, 1, [(0, "0%"), (0.5, "50%"), (1, "100%")])
_FIGURE, _GAP = 42, 12  # widths: of a printed figure, and between panels


def by_novelty(report: RunReport) -> Chart | None:
    """Rows as they come: all, then from what training shows best to what it shows least."""
    words = nouns.of(report.task)
    note = (
        f"{words.claims.capitalize()} by verdict, and by {_novelty(report, words)}; the figure is the share of"
        f" unsupported ones. At the right, the share of the annotated {words.golds} that are omitted. Lines are 95%"
        " intervals."
    )
    rows = nouns.by_novelty(report.by_novelty)
    return _outcomes("by-novelty", f"By novelty of the {words.one}", note, rows, rows)


def _novelty(report: RunReport, words: Nouns) -> str:
    """What novelty is, and of texts where the quarters begin."""
    if words.has_places:
        return f"whether training showed the {words.one} with that label"
    told = "the share of a text's content words that training never shows"
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
    rate = _value(row.hallucination)
    return 1.0 if rate is None else -rate


def _outcomes(id: str, title: str, note: str, shown: Sequence[Outcome], rows: Sequence[Outcome]) -> Chart | None:
    if not any(row.claims or row.gold for row in shown):
        return None
    height = LOW_ROW if len(shown) > MANY else ROW
    names = [shortened(row.name) for row in shown]
    counts = [f"{row.claims:,} claims" if height == ROW else "" for row in shown]
    left = max([*map(width_of, names), *(width_of(count, SMALL) for count in counts)]) + 12
    canvas = Canvas(HEAD + height * len(shown) + 22)
    for place, row in enumerate(shown):
        is_all = place == 0 and row.name == ALL
        _label(canvas, names[place], counts[place], HEAD + height * (place + 0.5), is_all)
    _draw(canvas, shown, left, height)
    alt = told_in_words(
        [formats.visible(row.name) for row in shown], [_in_words(row, _distort(shown)) for row in shown]
    )
    distorts = _distort(rows)
    columns = [column for column in _COLUMNS if distorts or column != "distorted"]
    return canvas.chart(id, title, note, alt, columns, [_as_row(row, distorts) for row in rows])


def _distort(rows: Iterable[Outcome]) -> bool:
    """Whether claims of this kind can be distorted."""
    return any(row.distortion is not None for row in rows)


def _draw(canvas: Canvas, shown: Sequence[Outcome], left: float, height: float) -> None:
    """Two panels with figures at the right of each: the claims by verdict, the gold that is omitted."""
    bars = 0.6 * (WIDTH - left - 2 * _FIGURE - _GAP)
    second = left + bars + _FIGURE + _GAP
    missed = scale(OMISSION, (end for row in shown for end in _ends(row.omission)), most=2)
    claims = canvas.panel(left, HEAD, bars, height * len(shown), x=_SHARES, grid="none")
    gold = canvas.panel(second, HEAD, WIDTH - _FIGURE - second, height * len(shown), x=missed, grid="none")
    for axes in (claims, gold):
        axes.set_ylim(len(shown) - 0.5, -0.5)
    for place, row in enumerate(shown):
        _claims_bar(claims, place, row, 14 / height)
        _gold_bar(gold, place, row.omission, 14 / height)
        base = HEAD + height * (place + 0.5) + 4
        canvas.text(left + bars + 5, base, formats.percent(_value(row.hallucination)))
        canvas.text(WIDTH - _FIGURE + 5, base, formats.percent(_value(row.omission)))
    verdicts = [verdict for verdict, _ in _VERDICTS if verdict != "distorted" or _distort(shown)]
    canvas.key(0, 12, ((svg.ROLES[verdict], None, verdict) for verdict in verdicts))
    canvas.key(WIDTH - 13 - width_of("omitted"), 12, [(svg.ROLES["omission"], None, "omitted")])


def _label(canvas: Canvas, name: str, count: str, middle: float, is_all: bool) -> None:
    weight = "bold" if is_all else "normal"
    canvas.text(0, middle + (-1 if count else 4), name, fontweight=weight)
    if count:
        canvas.text(0, middle + 11, count, size=SMALL, alpha=QUIET)


def _claims_bar(axes: Axes, place: int, row: Outcome, thick: float) -> None:
    """The unsupported stand first, so that all begin at the same line and can be compared."""
    start = 0.0
    for verdict, share in _VERDICTS:
        value = _value(getattr(row, share))
        if value:
            axes.barh(place, value, thick, left=start, color=svg.ROLES[verdict], linewidth=0)
            start += value
    if row.hallucination is not None:
        whisker(axes, place, row.hallucination.interval)


def _gold_bar(axes: Axes, place: int, found: MetricResult | None, thick: float) -> None:
    if found is not None and found.value is not None:
        axes.barh(place, found.value, thick, color=svg.ROLES["omission"], linewidth=0)
        whisker(axes, place, found.interval)


_COLUMNS = ["", "claims", "supported", "distorted", "unsupported", "annotated", "omitted"]


def _as_row(row: Outcome, distorts: bool) -> list[str]:
    found = (row.support, *((row.distortion,) if distorts else ()), row.hallucination)
    shares = [formats.metric(one) for one in found]
    name = formats.visible(row.name)
    return [name, formats.count(row.claims), *shares, formats.count(row.gold), formats.metric(row.omission)]


def _in_words(row: Outcome, distorts: bool) -> str:
    told = {"unsupported": row.hallucination, "distorted": row.distortion, "of the annotated omitted": row.omission}
    found = [(one, word) for word, one in told.items() if distorts or word != "distorted"]
    return ", ".join(f"{formats.percent(_value(one))} {word}" for one, word in found)


def _value(found: MetricResult | None) -> float | None:
    return None if found is None else found.value


def _ends(found: MetricResult | None) -> Iterable[float | None]:
    return () if found is None else (found.value, *(found.interval or ()))
