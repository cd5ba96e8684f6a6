"""The figures that answer halluc's question, as a table on the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from halluc.analysis import scoring
from halluc.commands.terminal import Grid, put_table, say
from halluc.core.figures import HALLUCINATION, OMISSION, Column, shown
from halluc.runs.schema import EvalFile, MetricResult

# How many labels are shown: of more, those that stand most often in gold.
MOST_LABELS = 30

Key = tuple[str, tuple[tuple[str, str], ...]]


def show(file: EvalFile) -> None:
    """Each label; what became of claims and gold, by novelty to the training split; then figures of the whole."""
    # Where two protocols give a figure of one name, the first is the primary one.
    metrics = scoring.metrics_used(file)
    found = {_key(m.name, m.by): m for m in reversed(file.metrics) if m.name not in metrics.untold}
    rate = found.get(_key(HALLUCINATION, {}))
    there = {name for name, _ in found}
    _labels(file.split, found, shown("labels", there))
    if rate is None or not rate.n:
        say(f"{file.split}: no claims: the model predicts nothing, so no rate of claims is defined")
    split_up = {column.row.name for column in shown("novelty", there)}
    novelties = dict.fromkeys(m.by["novelty"] for m in file.metrics if m.name in split_up and [*m.by] == ["novelty"])
    _rates(file.split, found, [novelty for novelty in novelties if novelty != "unseen"])
    gold = found.get(_key(OMISSION, {}))
    if not novelties and any(figure is not None and figure.n for figure in (rate, gold)):
        say("novelty is not known: the config names no training split", style="dim")


def _key(name: str, by: dict[str, str]) -> Key:
    return name, tuple(sorted(by.items()))


def _labels(split: str, found: dict[Key, MetricResult], columns: Sequence[Column]) -> None:
    labels = {dict(by)["label"] for _, by in found if [name for name, _ in by] == ["label"]}
    shown = sorted(sorted(labels, key=lambda label: (-_gold(found, label), label))[:MOST_LABELS])
    whole = {name for name, by in found if not by}
    table = Grid("", *(column.heading for column in columns), "claims", "gold", title=f"{split}: by label")
    for label in [*shown, None]:
        by = {} if label is None else {"label": label}
        row = [found.get(_key(column.row.name, by)) for column in columns]
        counts = [found.get(_key(name, by)) for name in (HALLUCINATION, OMISSION)]
        # What is counted by label alone has no figure of all, not even an undefined one.
        values = [
            "" if not by and column.row.name not in whole else _value(m) for m, column in zip(row, columns, strict=True)
        ]
        cells = [*values, *("–" if count is None else f"{count.n:,}" for count in counts)]
        table.add_row(label if label is not None else "all", *cells)
    put_table(table)
    if len(labels) > len(shown):
        say(f"{len(labels) - len(shown):,} labels, none of them more frequent in gold, are not shown", style="dim")
    say()


def _gold(found: dict[Key, MetricResult], label: str) -> int:
    figure = found.get(_key(OMISSION, {"label": label}))
    return 0 if figure is None else figure.n


def _rates(split: str, found: dict[Key, MetricResult], novelties: Sequence[str]) -> None:
    table = Grid("", "all", "95% interval", "n", *novelties, title=f"{split}: claims and gold")

    there = {name for name, _ in found}
    for column in (*shown("novelty", there), *shown("summary", there)):
        by = dict(column.by)
        whole = found.get(_key(column.row.name, by))
        parts = [found.get(_key(column.row.name, {**by, "novelty": novelty})) for novelty in novelties]
        if whole is not None or any(parts):
            values = (_value(part) if any(parts) else "" for part in parts)
            table.add_row(column.heading, *_whole(whole), *values)
    put_table(table)


def _whole(figure: MetricResult | None) -> tuple[str, str, str]:
    return ("", "", "") if figure is None else (_value(figure), _interval(figure), f"{figure.n:,}")


def _value(figure: MetricResult | None) -> str:
    return "–" if figure is None or figure.value is None else f"{figure.value:.4f}"


def _interval(figure: MetricResult) -> str:
    nothing = "" if figure.value is None else "none"
    return nothing if figure.interval is None else "[{:.4f}, {:.4f}]".format(*figure.interval)
