"""The tables of a study: cells, seeds, training, differences from a reference, slopes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import groupby

from halluc.core.figures import MATCHED, By, figure, shown
from halluc.core.figures import Column as FigureColumn
from halluc.core.quantities import quantity
from halluc.reporting.views.tables import EMPTY, Cells, TableCell, TableColumn, TableView, difference_cell, table
from halluc.runs import training_facts
from halluc.runs.studies import (
    ALPHA,
    LEAST_SEEDS,
    ArmComparison,
    ArmDelta,
    ArmTrend,
    CellFigures,
    Line,
    Plain,
    SeedFigure,
    StudyFigures,
    Trend,
)
from halluc.wording import formats
from halluc.wording.formats import of_seeds

Key = tuple[str, By]
SMALLEST = "smallest detectable"


def seeds(figures: StudyFigures) -> str:
    """The number of seeds of the cells: ``3``, ``1 to 3``."""
    counts = sorted({len(cell.runs) for cell in figures.cells}) or [0]
    return str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"


def cells(figures: StudyFigures) -> list[TableView]:
    """A row for each cell; slices of figures, by reason and by novelty, in a separate table."""
    present = {key for cell in figures.cells for key in _index(cell)}
    columns = [column for column in _columns(figures) if column.key in present]
    whole = [column for column in columns if not column.by or column.row.name == MATCHED]
    slices = [column for column in columns if column not in whole]
    tables = {"Means over seeds, with 95% intervals": whole, "The same by reason and by novelty": slices}
    return [_cell_table(figures, title, own, lambda _, result: _figure(result)) for title, own in tables.items() if own]


def means(figures: StudyFigures, notes: Sequence[str] = ()) -> TableView:
    """Mean and standard deviation over seeds; bold if significantly better than in the reference arm."""
    columns = [one for one in _columns(figures) if not one.by and any(one.key in _index(row) for row in figures.cells)]
    parts = [
        f"Figures of {figures.split}, {quantity(figures.examples, 'examples')}: mean ± standard deviation over seeds."
    ]
    references = dict.fromkeys(f"{one.axis} “{formats.visible(one.reference)}”" for one in figures.comparisons)
    if references:
        parts.append(
            f"Bold: better than {' or '.join(references)} with p under {ALPHA} (Holm) and at least {LEAST_SEEDS} seeds."
        )
    view = _cell_table(figures, f"Means over seeds: {figures.name}", columns, partial(_mean, figures))
    return view._replace(notes=[*parts, *notes])


def _cell_table(
    figures: StudyFigures,
    title: str,
    columns: Sequence[FigureColumn],
    drawn: Callable[[CellFigures, SeedFigure | None], TableCell],
) -> TableView:
    """A row for each cell, with its choice, its seeds, and its figures as ``drawn``."""
    rows: list[Cells] = [
        [*_choice(cell), seed_count(cell), *(drawn(cell, _index(cell).get(column.key)) for column in columns)]
        for cell in figures.cells
    ]
    return table(title, [*_axes(figures), "seeds", *map(_column, columns)], rows, "f")


def _mean(figures: StudyFigures, cell: CellFigures, one: SeedFigure | None) -> TableCell:
    if one is None or one.mean is None:
        return EMPTY if one is None else TableCell(formats.NOTHING)
    deviation = "" if one.sd is None else f"± {_unsigned(one.name, one.sd)}"
    defined = sum(value is not None for value in one.values)
    some = f"({defined} of {one.seeds} seeds)" if defined < one.seeds else ""
    is_better = any(
        delta.benefit == 1 and (delta.name, delta.by) == (one.name, one.by)
        for arm in figures.comparisons
        if {**arm.choice, arm.axis: arm.arm} == cell.choice
        for delta in arm.figures
    )
    return TableCell(formats.value(one.name, one.mean), " ".join(filter(None, (deviation, some))), is_better)


def _axes(figures: StudyFigures) -> list[TableColumn]:
    return [TableColumn(axis, "name") for axis in figures.cells[0].choice] if figures.cells else []


def _columns(figures: StudyFigures) -> list[FigureColumn]:
    """The figures of cells, those named in sentences first; for arms also the rate at matched omission."""
    references = {one.axis: str(one.reference) for one in figures.comparisons}
    matched = [
        FigureColumn(f"at matched omission with {formats.visible(reference)}", figure(MATCHED), ((axis, reference),))
        for axis, reference in references.items()
    ]
    return _sort_columns([*shown("cells"), *matched])


def _sort_columns(columns: Sequence[FigureColumn]) -> list[FigureColumn]:
    named = [column.row.name for column in shown("sentences")]
    return sorted(columns, key=lambda one: (one.row.name not in named, one.row.order if one.row.name in named else 0))


def _column(one: FigureColumn) -> TableColumn:
    return TableColumn(
        one.heading,
        short="" if one.by and one.row.name != MATCHED else one.row.short,
        title=one.row.legend or one.row.title,
    )


def _index(cell: CellFigures) -> dict[Key, SeedFigure]:
    return {(one.name, tuple(one.by.items())): one for one in cell.figures}


def _choice(cell: CellFigures) -> list[TableCell]:
    return [TableCell(_visible(value)) for value in cell.choice.values()]


def _figure(result: SeedFigure | None) -> TableCell:
    """A mean above its interval, and the number of seeds that have the figure if some have not."""
    if result is None:
        return EMPTY
    if result.mean is None:
        return TableCell(formats.NOTHING)
    defined = sum(value is not None for value in result.values)
    some = f"{defined} of {result.seeds} seeds" if defined < result.seeds else ""
    interval = formats.interval(result.name, result.interval) or formats.NO_INTERVAL
    return TableCell(formats.value(result.name, result.mean), " ".join(filter(None, (interval, some))))


def seed_count(cell: CellFigures | ArmComparison) -> str:
    """``3``, or ``3, of which 1 makes no claim``."""
    silent = len(cell.silent_seeds)
    number = len(cell.runs) if isinstance(cell, CellFigures) else cell.seeds
    return str(number) + (f", of which {silent} make{'s' * (silent == 1)} no claim" if silent else "")


def seed_table(figures: StudyFigures) -> TableView:
    """Each figure of each cell with its value for each seed."""
    rows: list[Cells] = [
        [*_choice(cell), *_values(_index(cell)[column.key])]
        for cell in figures.cells
        for column in _columns(figures)
        if column.key in _index(cell)
    ]
    named, by_seeds = TableColumn("figure", "name"), TableColumn("by seed", "text")
    columns = [*_axes(figures), named, TableColumn("mean"), TableColumn("sd"), by_seeds]
    return table("Each figure by seed, with mean and standard deviation", columns, rows)


def _values(result: SeedFigure) -> list[str]:
    name, values = result.name, [formats.value(result.name, value) for value in result.values]
    if result.of_seeds not in ([], [None]):
        values = [f"{seed}: {value}" for seed, value in zip(result.of_seeds, values, strict=True)]
    return [
        formats.title(name, result.by),
        formats.value(name, result.mean),
        _unsigned(name, result.sd),
        ", ".join(values),
    ]


def training_table(figures: StudyFigures) -> TableView:
    return table(
        "Training of each cell",
        [*_axes(figures), *training_facts.TITLES.values()],
        [
            [*_choice(cell), *(training_facts.shown(getattr(cell.training, name)) for name in training_facts.TITLES)]
            for cell in figures.cells
        ],
        "f",
    )


def _visible(value: Plain) -> str:
    return formats.visible(value, 60)


def differences(figures: StudyFigures) -> list[TableView]:
    """A table for each reference and choice on the other axes, with the smallest detectable difference last."""
    present = {delta.name for one in figures.comparisons for delta in one.figures}
    columns = _sort_columns([column for column in shown("arms", present) if not column.by])

    def family(one: ArmComparison) -> tuple[str, str, tuple[tuple[str, str], ...]]:
        return one.axis, str(one.reference), tuple((axis, str(value)) for axis, value in one.choice.items())

    views = []
    for (axis, reference, choice), grouped in groupby(sorted(figures.comparisons, key=family), key=family):
        members = list(grouped)
        deltas = [{(delta.name, tuple(delta.by.items())): delta for delta in one.figures} for one in members]
        rows: list[Cells] = [
            [_visible(one.arm), seed_count(one), *(_difference(own.get(column.key)) for column in columns)]
            for one, own in zip(members, deltas, strict=True)
        ]
        least = [_smallest(own[column.key] for own in deltas if column.key in own) for column in columns]
        title = f"Each {axis} minus “{reference}”" + "".join(f", {name} {value}" for name, value in choice)
        views.append(table(title, [axis, "seeds", *map(_column, columns)], rows, "nf", totals=[[SMALLEST, "", *least]]))
    return views


def _difference(delta: ArmDelta | None) -> TableCell:
    """A difference above its interval and p-value; bold if significant."""
    if delta is None:
        return EMPTY
    p = f"p {formats.p_value(delta.p_holm)}" if delta.p_holm is not None else ""
    some = "" if delta.n in (0, len(delta.values)) else f"{of_seeds(delta.n, len(delta.values))} seeds"
    return difference_cell(delta, p, some)


def _smallest(deltas: Iterable[ArmDelta]) -> str:
    """The smallest difference that any arm of a table could have shown, before adjustment."""
    known = {delta.smallest: delta.name for delta in deltas if delta.smallest is not None}
    return _unsigned(known[min(known)], min(known)) if known else formats.NOTHING


def _unsigned(name: str, number: float | None) -> str:
    return formats.difference(name, number, unit=False).removeprefix("+")


def slopes(lines: Sequence[Trend] | Sequence[ArmTrend], named: Mapping[str, str] | None = None) -> list[TableView]:
    """A table for each axis: how figures change along it, for cells or for arms minus their reference.

    Args:
        named: only these figures, under these names.
    """
    groups: dict[str, list[Line]] = {}
    for line in lines:
        if named is None or (line.name in named and (not line.by or line.name == MATCHED)):
            of = ", arms minus their reference" if isinstance(line, ArmTrend) else ""
            per = "factor of 10" if line.scale == "log10" else "unit"
            groups.setdefault(f"Slopes per {per} of {line.axis}, and intercepts{of}", []).append(line)
    columns = ["figure", "cells", "seeds", "slope", "p", "could show", "direction", "points", "intercept"]
    return [
        table(title, columns, [_line(line, named) for line in group], "nnfffftff") for title, group in groups.items()
    ]


def _line(line: Line, named: Mapping[str, str] | None) -> Cells:
    name = line.name
    p = line.slope_p if line.slope_p_holm is None else line.slope_p_holm
    slope = "" if line.slope is None else formats.interval(name, line.slope_interval) or formats.NO_INTERVAL
    return [
        named[name] if named else formats.title(name, line.by),
        _cells_text(line),
        of_seeds(line.n, line.seeds),
        TableCell(formats.difference(name, line.slope), slope, line.sign != 0),
        formats.p_value(p),
        _unsigned(name, line.smallest),
        direction(line),
        str(line.points),
        TableCell(formats.value(name, line.intercept), formats.interval(name, line.intercept_interval)),
    ]


def direction(line: Line) -> str:
    """``rises`` or ``falls`` if the slope is significant, otherwise ``undecided`` or ``undefined``."""
    return "undefined" if line.slope is None else {1: "rises", -1: "falls", 0: "undecided"}[line.sign]


def _cells_text(line: Line) -> str:
    """``all``, ``arm none``, ``mix less none, size 10``."""
    arms = [f"{_visible(line.arm)} minus {_visible(line.reference)}"] if isinstance(line, ArmTrend) else []
    return ", ".join([*arms, *(f"{axis} {_visible(value)}" for axis, value in line.choice.items())]) or "all"


def extent(figures: StudyFigures) -> str:
    """The number of seeds, and the variation that intervals include."""
    count = seeds(figures)
    if count == "1":
        return "one seed: intervals only cover the examples"
    return f"{count} seeds: intervals cover examples and seeds (Student's t)"
