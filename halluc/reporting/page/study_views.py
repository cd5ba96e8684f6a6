"""What study.html.j2 lays out as rows: cells, differences from a reference, slopes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from halluc.core.figures import MATCHED, By, shown
from halluc.reporting.page.cells import EMPTY, Cell
from halluc.runs import training_facts
from halluc.runs.reports import StudyReport
from halluc.runs.studies import ArmComparison, ArmDelta, ArmTrend, CellFigures, Line, Plain, SeedFigure, Trend
from halluc.wording import formats
from halluc.wording.phrases import of_seeds

Key = tuple[str, By]
Row = list[str | Cell]


class Family(NamedTuple):
    """A table of differences."""

    caption: str
    columns: list[str]
    rows: list[Row]


def view(report: StudyReport) -> dict[str, Any]:
    """What the template needs beside the report itself."""
    found = report.figures
    axes = list(found.cells[0].choice) if found.cells else []
    matched = {one.axis: str(one.reference) for one in found.comparisons}
    columns: dict[str, Key] = {column.heading: column.key for column in shown("page cells")} | {
        f"at matched omission with {formats.visible(reference)}": (MATCHED, ((axis, reference),))
        for axis, reference in matched.items()
    }
    there = {(figure.name, tuple(figure.by.items())) for cell in found.cells for figure in cell.figures}
    columns = {heading: key for heading, key in columns.items() if key in there}
    counts = sorted({len(cell.runs) for cell in found.cells}) or [0]
    return {
        "seeds": str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}",
        "cell_axes": len(axes),
        "cell_columns": [*axes, "seeds", *columns],
        "cell_rows": [_cell_row(cell, columns.values()) for cell in found.cells],
        "seed_columns": [*axes, "figure", "mean", "sd", "by seed"],
        "seed_rows": [row for cell in found.cells for row in _seed_rows(cell, columns.values())],
        "training_columns": [*axes, *training_facts.TITLES.values()],
        "training_rows": [_training_row(cell) for cell in found.cells],
        "families": list(_families(found.comparisons)),
        "trend_columns": ["", "along", "points", "seeds", "slope", "p", "could show", "intercept"],
        "trend_rows": [_line_row(trend, _plain(trend)) for trend in found.trends],
        "arm_trend_rows": [_line_row(trend, _of_arm(trend)) for trend in found.arm_trends],
    }


def _cell_row(cell: CellFigures, columns: Iterable[Key]) -> Row:
    found = {(figure.name, tuple(figure.by.items())): figure for figure in cell.figures}
    row = _choice(cell)
    row.append(Cell(seeds_told(cell)))
    for key in columns:
        figure = found.get(key)
        if figure is None:
            row.append(EMPTY)
            continue
        name = figure.name
        row.append(Cell(formats.value(name, figure.mean), _under(figure)))
    return row


def _choice(cell: CellFigures) -> Row:
    return [_told(value) for value in cell.choice.values()]


def _under(figure: SeedFigure) -> str:
    """The interval, and how many seeds have the figure where some have not."""
    if figure.mean is None:
        return ""
    defined = sum(value is not None for value in figure.values)
    some = f"{defined} of {figure.seeds} seeds" if defined < figure.seeds else ""
    return " ".join(filter(None, (formats.interval(figure.name, figure.interval) or formats.NO_INTERVAL, some)))


def seeds_told(cell: CellFigures) -> str:
    """``3``, or ``3, of which 1 makes no claim``."""
    silent = len(cell.silent_seeds)
    return str(len(cell.runs)) + (f", of which {silent} make{'s' * (silent == 1)} no claim" if silent else "")


def _seed_rows(cell: CellFigures, keys: Iterable[Key]) -> Iterable[Row]:
    """Each figure with its value for each seed."""
    found = {(figure.name, tuple(figure.by.items())): figure for figure in cell.figures}
    for figure in filter(None, map(found.get, keys)):
        name = figure.name
        values = [formats.value(name, value) for value in figure.values]
        if figure.of_seeds not in ([], [None]):
            values = [f"{seed}: {value}" for seed, value in zip(figure.of_seeds, values, strict=True)]
        yield [
            *_choice(cell),
            Cell(formats.title(name, figure.by)),
            Cell(formats.value(name, figure.mean)),
            Cell(formats.difference(name, figure.sd, unit=False).removeprefix("+")),
            Cell(", ".join(values)),
        ]


def _training_row(cell: CellFigures) -> Row:
    facts = cell.training.model_dump()
    return [*_choice(cell), *(Cell(training_facts.shown(facts[name])) for name in training_facts.TITLES)]


def _told(value: Plain) -> str:
    return formats.visible(value, 60)


def _families(comparisons: Sequence[ArmComparison]) -> Iterable[Family]:
    """A table for each reference and choice on the other axes."""
    there = {delta.name for one in comparisons for delta in one.figures}
    compared = {column.heading: column.key for column in shown("page arms", there)}

    def family(one: ArmComparison) -> tuple[str, str, tuple[tuple[str, str], ...]]:
        return one.axis, str(one.reference), tuple((axis, str(value)) for axis, value in one.choice.items())

    for (axis, reference, choice), grouped in groupby(sorted(comparisons, key=family), key=family):
        members = list(grouped)
        where = "".join(f", {name} {value}" for name, value in choice)
        caption = f"Each {axis} less “{reference}”{where}"
        rows: list[Row] = []
        for one in members:
            deltas = {(delta.name, tuple(delta.by.items())): delta for delta in one.figures}
            found = [difference(deltas.get(key)) for key in compared.values()]
            rows.append([_told(one.arm), Cell(str(one.seeds)), *found])
        rows.append(["smallest that could be shown", EMPTY, *(_smallest(members, key) for key in compared.values())])
        yield Family(caption, [axis, "seeds", *compared], rows)


def difference(delta: ArmDelta | None) -> Cell:
    """A difference over its interval and p; bold where it is shown."""
    if delta is None or delta.difference is None:
        return EMPTY if delta is None else Cell(formats.NOTHING)
    p = f"p {formats.p_value(delta.p_holm)}" if delta.p_holm is not None else ""
    interval = formats.interval(delta.name, delta.interval) or formats.NO_INTERVAL
    some = "" if delta.n in (0, len(delta.values)) else f"{of_seeds(delta.n, len(delta.values))} seeds"
    under = " ".join(filter(None, (interval, p, some)))
    return Cell(formats.difference(delta.name, delta.difference, unit=False), under, delta.shown)


def _smallest(members: Sequence[ArmComparison], key: Key) -> Cell:
    """The smallest difference of a figure that any arm of a table could have shown, before adjustment."""
    deltas = [d for one in members for d in one.figures if (d.name, tuple(d.by.items())) == key]
    known = [delta.smallest for delta in deltas if delta.smallest is not None]
    least = formats.difference(key[0], min(known), unit=False).removeprefix("+") if known else formats.NOTHING
    return Cell(least)


def _line_row(line: Line, told: str) -> Row:
    name = line.name
    p = line.slope_p if line.slope_p_holm is None else line.slope_p_holm
    slope = "" if line.slope is None else formats.interval(name, line.slope_interval) or formats.NO_INTERVAL
    return [
        formats.title(name, line.by),
        Cell(f"{told}, per factor of 10" if line.scale == "log10" else told),
        Cell(str(line.points)),
        Cell(of_seeds(line.n, line.seeds)),
        Cell(formats.difference(name, line.slope), slope, line.sign != 0),
        Cell(formats.p_value(p)),
        Cell(formats.difference(name, line.smallest, unit=False).removeprefix("+")),
        Cell(formats.value(name, line.intercept), formats.interval(name, line.intercept_interval)),
    ]


def _plain(trend: Trend) -> str:
    return trend.axis + _also(trend.choice)


def _of_arm(trend: ArmTrend) -> str:
    return f"{trend.axis}, {_told(trend.arm)} less {_told(trend.reference)}{_also(trend.choice)}"


def _also(choice: Mapping[str, Plain]) -> str:
    return "".join(f", {axis} {_told(value)}" for axis, value in choice.items())
