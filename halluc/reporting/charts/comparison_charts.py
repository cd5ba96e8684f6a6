"""The charts of runs compared with the first: their paired differences."""

from __future__ import annotations

from collections.abc import Iterable
from string import ascii_lowercase

from halluc.core.figures import HALLUCINATION, MATCHED, figure
from halluc.reporting.charts.chart import Chart, chart, told_in_words
from halluc.reporting.charts.difference_charts import mark, told
from halluc.reporting.charts.rows import Block, Panel, forest
from halluc.runs.reports import ComparisonReport
from halluc.runs.studies import Comparison, Delta
from halluc.wording import formats


def charts(report: ComparisonReport) -> list[Chart]:
    """One of each other run; ids are ``difference-1``, ``difference-2``, …"""
    found = [_chart(number, other) for number, other in enumerate(report.others, start=1)]
    return [made for made in found if made is not None]


def _chart(number: int, other: Comparison) -> Chart | None:
    deltas = list(_with_matched(other))
    # A ratio has no scale in common with the others.
    known = [delta for delta in deltas if delta.difference is not None and figure(delta.name).unit != "times"]
    rates = [delta for delta in known if formats.is_percent(delta.name)]
    others = [delta for delta in known if not formats.is_percent(delta.name)]
    blocks = [
        Block([_name(delta) for delta in found], [_panel(heading, found)], longest=30)
        for heading, found in (("difference in points", rates), ("difference", others))
        if found
    ]
    if not blocks:
        return None
    letter = ascii_lowercase[number] if number < len(ascii_lowercase) else str(number + 1)
    note = (
        f"{letter} is {formats.visible(other.b)}. Paired differences with 95% intervals, filled where the adjusted p is"
        " under .05; right of the line the figure is larger than a's."
    )
    names = [formats.title(delta.name, delta.by) for delta in known]
    alt = told_in_words(names, [told(delta)[0] for delta in known])
    rows = [[formats.title(delta.name, delta.by), *_values(delta), *told(delta)] for delta in deltas]
    columns = ["", "a", letter, "difference", "p (Holm)"]
    return chart(forest(blocks), f"difference-{number}", f"{letter} less a", note, alt, columns, rows)


def _panel(heading: str, deltas: list[Delta]) -> Panel:
    figures = [formats.difference(delta.name, delta.difference, unit=False) for delta in deltas]
    return Panel(heading, deltas[0].name, [mark(delta) for delta in deltas], figures, signed=True)


def _with_matched(other: Comparison) -> Iterable[Delta]:
    """The figures, the hallucination rate at matched omission after that without."""
    at = other.matched_omission
    for delta in other.figures:
        yield delta
        if at is not None and delta.name == HALLUCINATION and not delta.by:
            yield Delta(name=MATCHED, by={}, **at.model_dump(exclude={"omission_rate", "achieved"}))


def _name(delta: Delta) -> str:
    return "same, at matched omission" if delta.name == MATCHED else formats.title(delta.name, delta.by)


def _values(delta: Delta) -> list[str]:
    return [formats.value(delta.name, value) for value in (delta.a, delta.b)]
