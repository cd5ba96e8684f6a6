"""The tables of an evaluation: figures by label, overall, and by novelty with respect to the training split; the gap to
the training split, by label in a report, by split for ``halluc check``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set

from halluc.core.figures import ANY, HALLUCINATION, LATEST, OMISSION, shown
from halluc.gap.forecast import Proportion, SplitGap
from halluc.reporting.views.tables import Cells, TableCell, TableColumn, TableView, table, value_cell
from halluc.runs.reports import GapRow
from halluc.runs.schema import EvalFile, MetricResult
from halluc.runs.studies import ALPHA
from halluc.task import evaluated
from halluc.wording import formats
from halluc.wording.formats import signed
from halluc.wording.nouns import FigureLookup

# How a period is compared, see ``analysis.shifts``.
_TEST = "Fisher's exact test, Holm"
# How many labels are shown: the most frequent ones in gold.
MOST_LABELS = 30
# By the unit of counting: the figures that differ, and their names. For words of whole texts, all unseen words are new.
_FIGURES = {
    "mentions": (
        ("forecast", "unseen", "new", "excess"),
        "unseen: not in train with this label; new: no word of it in train",
    ),
    "pairs": (
        ("forecast", "unseen", "new", "excess"),
        "unseen: not in train with this relation; new: no head or tail of it in train",
    ),
    "words": (("forecast", "unseen", "excess"), "unseen: in no text of train"),
}
_OF_OTHERS = (("forecast", "unseen", "new", "excess"), "unseen: not in train; new: no word of it in train")


def tables(file: EvalFile) -> list[TableView]:
    """By label, by novelty, and over time if that is known."""
    excluded = evaluated(file).figures.excluded
    lookup = FigureLookup(metric for metric in file.metrics if metric.name not in excluded)
    computed = {metric.name for metric in lookup.all}
    return [
        _label_table(file.split, lookup, computed),
        *period_tables(file.metrics, file.split),
        _novelty_table(file.split, lookup, computed),
    ]


def _label_table(split: str, lookup: FigureLookup, computed: Set[str]) -> TableView:
    columns = shown("labels", computed)
    names = [column.row.name for column in columns]
    labels = {metric.by["label"] for metric in lookup.all if metric.by.keys() == {"label"}}
    common = sorted(sorted(labels, key=lambda label: (-lookup.n(OMISSION, label=label), label))[:MOST_LABELS])
    whole = {metric.name for metric in lookup.all if not metric.by}

    def row(text: str, **by: str) -> list[str | TableCell]:
        # Figures that are only computed by label have no overall figure, not even an undefined one.
        values = [_value(lookup.get(name, **by)) if by or name in whole else "" for name in names]
        counts = [lookup.get(name, **by) for name in (HALLUCINATION, OMISSION)]
        return [text, *values, *(formats.count(None if count is None else count.n) for count in counts)]

    headings = [TableColumn(column.heading, short=column.row.short, title=column.row.title) for column in columns]
    left = len(labels) - len(common)
    return table(
        f"{split}: by label",
        ["label", *headings, "claims", "gold"],
        [row(label, label=label) for label in common],
        totals=[row("all")],
        notes=[f"{left:,} less frequent labels are not shown"] * (left > 0),
    )


def period_tables(metrics: Sequence[MetricResult], split: str) -> list[TableView]:
    """Shares by period and label, shifts marked; empty if no figure is reported by period."""
    result, marked = FigureLookup(metrics), shifted_periods(metrics)
    views = []
    for column in shown("periods", {metric.name for metric in metrics}):
        shares = [one for one in result.named(column.row.name) if one.by.keys() == {"label", "period"}]
        labels = list(dict.fromkeys(one.by["label"] for one in shares))
        rows: list[Cells] = [
            [
                period,
                formats.count(n),
                *(_period_cell(result.get(column.row.name, label=label, period=period), marked) for label in labels),
            ]
            for period, n in sorted({one.by["period"]: one.n for one in shares}.items())
        ]
        note = f"* (or bold): differs from all earlier periods together ({_TEST}, p under {ALPHA})"
        title = f"{split}: {column.heading} and period"
        views.append(table(title, ["period", "texts", *labels], rows, notes=[note] * bool(marked)))
    return views


def shifted_periods(metrics: Sequence[MetricResult]) -> set[tuple[str, str]]:
    """The labels and periods whose share differs from that of all earlier periods."""
    return {
        (one.by["label"], one.by["period"])
        for one in FigureLookup(metrics).named("shift_p")
        if one.by.keys() == {"label", "period"} and one.by["period"] not in (ANY, LATEST)
        if one.value is not None and one.value < ALPHA
    }


def _period_cell(metric: MetricResult | None, marked: set[tuple[str, str]]) -> TableCell:
    return value_cell(metric, bold=metric is not None and (metric.by["label"], metric.by["period"]) in marked)


def _novelty_table(split: str, lookup: FigureLookup, computed: Set[str]) -> TableView:
    split_up = {column.row.name for column in shown("novelty", computed)}
    known = [metric for metric in lookup.all if metric.name in split_up and metric.by.keys() == {"novelty"}]
    novelties = [novelty for novelty in dict.fromkeys(one.by["novelty"] for one in known) if novelty != "unseen"]
    rows = []
    for column in (*shown("novelty", computed), *shown("summary", computed)):
        by = dict(column.by)
        whole = lookup.get(column.row.name, **by)
        parts = [lookup.get(column.row.name, **{**by, "novelty": novelty}) for novelty in novelties]
        if whole is not None or any(parts):
            rows.append([column.heading, *_cells(whole), *(_value(part) if any(parts) else "" for part in parts)])
    return table(
        f"{split}: claims and gold",
        ["figure", "all", "95% interval", "n", *novelties],
        rows,
        notes=_notes(split, lookup, novelties),
    )


def _notes(split: str, lookup: FigureLookup, novelties: Sequence[str]) -> list[str]:
    rate, gold = lookup.get(HALLUCINATION), lookup.get(OMISSION)
    notes = []
    if rate is None or not rate.n:
        notes.append(f"{split}: the model makes no claims, so rates of claims are undefined")
    only = lookup.only_class()
    if only is not None:
        notes.append(f"{split}: all predictions are {formats.visible(only)}: the model ignores its input")
    if not novelties and any(figure is not None and figure.n for figure in (rate, gold)):
        notes.append("novelty is unknown, because the config has no training split")
    return notes


def _cells(figure: MetricResult | None) -> tuple[str, str, str]:
    if figure is None:
        return "", "", ""
    nothing = "" if figure.value is None else formats.NO_INTERVAL
    return _value(figure), formats.interval(figure.name, figure.interval) or nothing, formats.count(figure.n)


def _value(figure: MetricResult | None) -> str:
    return formats.NOTHING if figure is None else formats.value(figure.name, figure.value)


def gap_by_label(rows: Sequence[GapRow], counted: str) -> TableView:
    """The unseen share: as forecast from the training split, and as observed; ``counted`` is its denominator."""
    return table(
        "The gap, by label",
        ["label", counted, "forecast", "unseen", "of it new", "excess"],
        [
            [
                "all" if row.label is None else row.label,
                formats.count(row.counted),
                *map(formats.metric, (row.forecast, row.unseen, row.new)),
                signed(row.excess.name, row.excess.value, row.excess.interval),
            ]
            for row in rows
        ],
    )


def gap_by_split(result: Mapping[str, SplitGap]) -> TableView:
    """The gap between each split and the training data."""
    counted = next(iter(result.values())).counted
    figures, legend = _FIGURES.get(counted, _OF_OTHERS)
    rows: list[Cells] = [
        [
            name,
            formats.count(split.overall.mentions),
            *(_share(getattr(split.overall, figure), is_signed=figure == "excess") for figure in figures),
        ]
        for name, split in result.items()
    ]
    title = f"gap: shares of {'content words' if counted == 'words' else counted} with 95% intervals"
    note = f"forecast: Good-Turing; {legend}; excess: unseen minus forecast"
    return table(title, ["split", counted, *figures], rows, notes=[note])


def _share(proportion: Proportion, *, is_signed: bool) -> TableCell:
    if proportion.value is None:
        return TableCell("undefined")
    name = "gap_excess" if is_signed else "gap_unseen"
    text = (
        formats.difference(name, proportion.value, unit=False) if is_signed else formats.value(name, proportion.value)
    )
    return TableCell(text, formats.interval(name, proportion.interval))
