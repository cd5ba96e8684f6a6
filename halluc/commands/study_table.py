"""A study on the terminal: its cells, its trends, and in words what grows with an axis."""

from __future__ import annotations

from collections.abc import Sequence

from halluc.commands import arm_table
from halluc.commands.arm_table import told
from halluc.commands.comparison_table import named, number, p_value
from halluc.commands.terminal import Grid, put_table, say
from halluc.core.figures import MATCHED, Column, figure, shown
from halluc.runs import training_facts
from halluc.runs.studies import CellFigures, SeedFigure, StudyFigures, Trend
from halluc.wording.phrases import counted, of_seeds

_SHORT = {"HR": "hallucination", "DR": "distortion", "OR": "omission", "OC": "over-claim"}


def show(study: StudyFigures) -> None:
    seeds = {len(cell.runs) for cell in study.cells}
    say(f"{study.name}, {study.split}, {study.examples:,} examples, {_seeds(seeds)}")
    columns = _columns(study)
    _cells(study.cells, columns)
    _legend(study, columns)
    for told_ in training_facts.varying(cell.training for cell in study.cells):
        say(f"the cells differ in {told_}", style="yellow")
    arm_table.show(study.comparisons, study.arm_trends)
    for axis in dict.fromkeys((trend.axis, *told(trend.choice)) for trend in study.trends):
        _trends([trend for trend in study.trends if (trend.axis, *told(trend.choice)) == axis])


def _seeds(counts: set[int]) -> str:
    if counts == {1}:
        return "one seed: intervals cover the examples only"
    told = f"{min(counts)} to {max(counts)} seeds" if len(counts) > 1 else f"{min(counts)} seeds"
    return f"{told}: intervals cover examples and seeds (Student's t)"


def _columns(study: StudyFigures) -> list[Column]:
    """Of arms also the hallucination rate at matched omission, for each axis of arms."""
    references = {one.axis: str(one.reference) for one in study.comparisons}
    there = {(figure.name, tuple(figure.by.items())) for cell in study.cells for figure in cell.figures}
    # What has no sense in a task is not counted there.
    columns = [column for column in shown("arm cells" if references else "cells") if column.key in there]
    matched, several = figure(MATCHED), len(references) > 1
    return columns + [
        Column(matched.short + f", {axis}" * several, matched, ((axis, reference),))
        for axis, reference in references.items()
    ]


def _legend(study: StudyFigures, columns: Sequence[Column]) -> None:
    there = {column.heading.split()[0] for column in columns}
    known = {short: name for short, name in _SHORT.items() if short in there}
    reasons = "; label to duplicate: distortion rate by reason" if "label" in there else ""
    told = "".join(f"; {column.heading}: {column.row.legend}" for column in columns if column.row.legend)
    say(f"{', '.join(known)}: {', '.join(known.values())} rate{reasons}{told}", "dim")
    if study.comparisons:
        say("HR matched: HR where a threshold on confidence brings arm and reference to the larger of both ORs", "dim")


def _cells(cells: Sequence[CellFigures], columns: Sequence[Column]) -> None:
    table = Grid()
    for axis in cells[0].choice:
        table.add_column(axis, no_wrap=True)
    for heading in ("seeds", *(column.heading for column in columns)):
        table.add_column(heading, justify="right")
    for cell in cells:
        found = {(figure.name, tuple(figure.by.items())): figure for figure in cell.figures}
        figures = [found.get(column.key) for column in columns]
        choice = [str(value) for value in cell.choice.values()]
        table.add_row(*choice, _runs(cell), *(number(one.mean) if one else "–" for one in figures))
        if len(cell.runs) > 1:
            table.add_row(*[""] * len(choice), "sd", *map(_sd, figures), style="dim")
        table.add_row(*[""] * len(choice), "95%", *map(_interval, figures), style="dim")
    put_table(table)


def _runs(cell: CellFigures) -> str:
    """How many seeds there are, and how many of them make no claim."""
    silent = len(cell.silent_seeds)
    return f"{len(cell.runs)}" + (f" ({silent} silent)" if silent else "")


def _sd(figure: SeedFigure | None) -> str:
    return "" if figure is None or figure.sd is None else f"{figure.sd:.4f}"


def _interval(figure: SeedFigure | None) -> str:
    """As .012–.034: eleven columns must fit beside each other."""
    if figure is None or figure.mean is None:
        return ""
    if figure.interval is None:
        return "none"
    return "–".join(f"{end:.3f}".replace("0.", ".", 1) for end in figure.interval)


def _trends(trends: Sequence[Trend]) -> None:
    first = trends[0]
    also = f" ({', '.join(told(first.choice))})" if first.choice else ""
    unit = "factor of 10" if first.scale == "log10" else "unit"
    title = f"per {unit} of {first.axis}{also}, {first.points} points, {counted(first.seeds, 'seed')}"
    of_slope, of_intercept = ("slope", "95% interval", "p", "could show"), ("intercept", "95% interval")
    table = Grid("", "seeds", *of_slope, *of_intercept, "", title=title)
    for trend in trends:
        slope = "–" if trend.slope is None else f"{trend.slope:+.4f}"
        ends = ((trend.slope, trend.slope_interval), (trend.intercept, trend.intercept_interval))
        spans = ["[{:+.4f}, {:+.4f}]".format(*i) if i else "" if value is None else "none" for value, i in ends]
        p = "" if trend.slope_p is None else p_value(trend.slope_p)
        least = "" if trend.smallest is None else f"{trend.smallest:.4f}"
        row = (slope, spans[0], p, least, number(trend.intercept), spans[1], direction(trend))
        table.add_row(named(trend.name, trend.by), of_seeds(trend.n, trend.seeds), *row)
    say()
    put_table(table)


def direction(trend: Trend) -> str:
    """Whether the figure can be said to rise or fall along the axis."""
    if trend.slope is None:
        return "undefined"
    return {1: "rises", -1: "falls", 0: "undecided"}[trend.sign]
