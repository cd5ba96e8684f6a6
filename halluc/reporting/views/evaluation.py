"""The tables of an evaluation: figures by label, then those of the split, by novelty to the training split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from halluc.core.figures import HALLUCINATION, OMISSION, By, shown
from halluc.reporting.views.tables import TableCell, TableColumn, TableView, table
from halluc.runs.schema import EvalFile, MetricResult
from halluc.task import evaluated
from halluc.wording import formats

# How many labels are shown: of more, those that stand most often in gold.
MOST_LABELS = 30

Key = tuple[str, By]
Found = Mapping[Key, MetricResult]


def tables(file: EvalFile) -> list[TableView]:
    """By label, and by novelty."""
    # Where two protocols give a figure of one name, the first is the primary one.
    figures = evaluated(file).figures
    found = {_key(m.name, m.by): m for m in reversed(file.metrics) if m.name not in figures.untold}
    there = {name for name, _ in found}
    split_up = {column.row.name for column in shown("novelty", there)}
    novelties = dict.fromkeys(m.by["novelty"] for m in file.metrics if m.name in split_up and [*m.by] == ["novelty"])
    return [_by_label(file.split, found), _by_novelty(file.split, found, [one for one in novelties if one != "unseen"])]


def _key(name: str, by: Mapping[str, str]) -> Key:
    return name, tuple(sorted(by.items()))


def _by_label(split: str, found: Found) -> TableView:
    columns = shown("labels", {name for name, _ in found})
    labels = {dict(by)["label"] for _, by in found if [name for name, _ in by] == ["label"]}
    common = sorted(sorted(labels, key=lambda label: (-_gold(found, label), label))[:MOST_LABELS])
    whole = {name for name, by in found if not by}

    def row(told: str, by: Mapping[str, str]) -> list[str | TableCell]:
        # What is counted by label alone has no figure of all, not even an undefined one.
        names = [column.row.name for column in columns]
        values = [_value(found.get(_key(name, by))) if by or name in whole else "" for name in names]
        counts = [found.get(_key(name, by)) for name in (HALLUCINATION, OMISSION)]
        return [told, *values, *(formats.count(None if count is None else count.n) for count in counts)]

    headings = [TableColumn(column.heading, short=column.row.short, title=column.row.title) for column in columns]
    left = len(labels) - len(common)
    return table(
        f"{split}: by label",
        ["label", *headings, "claims", "gold"],
        [row(label, {"label": label}) for label in common],
        totals=[row("all", {})],
        notes=[f"{left:,} labels, none of them more frequent in gold, are not shown"] * (left > 0),
    )


def _gold(found: Found, label: str) -> int:
    figure = found.get(_key(OMISSION, {"label": label}))
    return 0 if figure is None else figure.n


def _by_novelty(split: str, found: Found, novelties: Sequence[str]) -> TableView:
    there = {name for name, _ in found}
    rows = []
    for column in (*shown("novelty", there), *shown("summary", there)):
        by = dict(column.by)
        whole = found.get(_key(column.row.name, by))
        parts = [found.get(_key(column.row.name, {**by, "novelty": novelty})) for novelty in novelties]
        if whole is not None or any(parts):
            rows.append([column.heading, *_whole(whole), *(_value(part) if any(parts) else "" for part in parts)])
    columns = ["figure", "all", "95% interval", "n", *novelties]
    return table(f"{split}: claims and gold", columns, rows, notes=_notes(split, found, novelties))


def _notes(split: str, found: Found, novelties: Sequence[str]) -> list[str]:
    rate, gold = (found.get(_key(name, {})) for name in (HALLUCINATION, OMISSION))
    notes = []
    if rate is None or not rate.n:
        notes.append(f"{split}: no claims: the model predicts nothing, so no rate of claims is defined")
    if not novelties and any(figure is not None and figure.n for figure in (rate, gold)):
        notes.append("novelty is not known: the config names no training split")
    return notes


def _whole(figure: MetricResult | None) -> tuple[str, str, str]:
    if figure is None:
        return "", "", ""
    nothing = "" if figure.value is None else formats.NO_INTERVAL
    return _value(figure), formats.interval(figure.name, figure.interval) or nothing, formats.count(figure.n)


def _value(figure: MetricResult | None) -> str:
    return formats.NOTHING if figure is None else formats.value(figure.name, figure.value)
