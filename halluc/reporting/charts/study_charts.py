"""The charts of a study: figures along its axes, its cells side by side, arms minus their reference, slopes."""

from __future__ import annotations

from collections.abc import Sequence

from halluc.core import figures
from halluc.reporting.charts import difference_charts
from halluc.reporting.charts.chart import MOST_ROWS, Chart, alt_text, chart, series
from halluc.reporting.charts.plots import MOST_LINES, Block, Curve, Mark, Panel, Point, forest, plot, scatter
from halluc.reporting.charts.study_cells import Key, arm_axes, display_name, figure, groups, numeric_axes, position
from halluc.runs.reports import StudyReport
from halluc.runs.studies import CellFigures, SeedFigure, spans_factor_of_ten
from halluc.wording import formats

HALLUCINATION: Key = (figures.HALLUCINATION, ())
OMISSION: Key = (figures.OMISSION, ())


def charts(report: StudyReport) -> list[Chart]:
    """Ids begin with ``curve-``, ``cells``, ``trade-off``, ``difference-`` and ``slope-``, in this order."""
    study = report.figures
    if not study.cells:
        return []
    results = [
        _curve(report, f"curve-{column.heading}{'' if number == 0 else f'-{number + 1}'}", axis, column.key)
        for number, axis in enumerate(numeric_axes(study))
        for column in figures.shown("curves")
        if column.key != OMISSION or _omits(report)
    ]
    if arm_axes(study):
        results += [_cells(report), _trade_off(report) if _omits(report) else None]
    results += [*difference_charts.study_charts(study), *difference_charts.slope_charts(study)]
    return [drawn for drawn in results if drawn is not None]


def _curve(report: StudyReport, id: str, axis: str, key: Key) -> Chart | None:
    lines = [
        (name, [(cell, result) for cell in cells if (result := figure(cell, key)) is not None])
        for name, cells in groups(report.figures.cells, axis)
    ]
    known = [(name, points) for name, points in lines if points]
    if not known:
        return None
    title = formats.title(key[0], dict(key[1]))
    curves = [
        Curve(
            name,
            [position(cell, axis) for cell, _ in points],
            [float(result.mean or 0) for _, result in points],
            [result.interval for _, result in points],
        )
        for name, points in known[:MOST_LINES]
    ]
    text = formats.visible(axis)
    on_log = spans_factor_of_ten([x for curve in curves for x in curve.xs])
    drawn = plot(curves, name=key[0], below=text, above=title, zero=formats.is_percent(key[0]), x_is_log=on_log)
    note = f"{_means(report)} against {text}{' on a log scale' if on_log else ''}; bands are 95% intervals."
    if len(known) > MOST_LINES:
        note += f" Shown are the first {MOST_LINES} lines of {len(known):,}; the table has all."
    values_in_words = [
        ", ".join(f"{formats.value(result.name, result.mean)} at {position(cell, axis):g}" for cell, result in points)
        for _, points in known
    ]
    alt = alt_text([name or text for name, _ in known], values_in_words)
    rows = [_table_row(cell, result) for _, points in known for cell, result in points]
    return chart(drawn, id, f"{title[:1].upper()}{title[1:]} by {text}", note, alt, _columns(report, title), rows)


def _omits(report: StudyReport) -> bool:
    """Whether gold is omitted in any cell; in tasks with one label for each text it never is."""
    return any((omission := figure(cell, OMISSION)) and omission.mean for cell in report.figures.cells)


def _means(report: StudyReport) -> str:
    return "Figures of one seed" if report.single_seed else "Means over seeds"


def _columns(report: StudyReport, *titles: str) -> list[str]:
    return [*map(formats.visible, report.figures.cells[0].choice), "seeds", *titles]


def _table_row(cell: CellFigures, *result: SeedFigure | None) -> list[str]:
    text = ("" if one is None else figure_text(one) for one in result)
    return [*map(formats.visible, cell.choice.values()), str(len(cell.runs)), *text]


def figure_text(result: SeedFigure) -> str:
    """`3.2% [2.8, 3.7]`."""
    return formats.with_interval(result.name, result.mean, result.interval)


def _cells(report: StudyReport) -> Chart | None:
    """Hallucination is never shown without omission, if there is any."""
    cells = report.figures.cells
    keys = (HALLUCINATION, OMISSION) if _omits(report) else (HALLUCINATION,)
    results = [tuple(figure(cell, key) for key in keys) for cell in cells]
    styles = _styles(report)
    shown = list(zip(cells, results, strict=True))[: 2 * MOST_ROWS]
    panels = []
    for which, (name, _) in enumerate(keys):
        column = [both[which] for _, both in shown]
        marks = [
            None if one is None else Mark(float(one.mean or 0), one.interval, True, *styles[id(cell)])
            for (cell, _), one in zip(shown, column, strict=True)
        ]
        figures = ["" if one is None else formats.value(name, one.mean) for one in column]
        panels.append(Panel(formats.title(name), name, marks, figures))
    # The axes are explained in the note; names come first, then numbers.
    choices = [sorted(cell.choice.values(), key=lambda value: not isinstance(value, str)) for cell, _ in shown]
    drawn = forest([Block([", ".join(map(formats.visible, choice)) for choice in choices], panels)])
    note = f"{_means(report)} with 95% intervals. "
    note += "Lower hallucination is no improvement if omission is higher." if len(keys) > 1 else "Nothing is omitted."
    numbers = [formats.visible(axis) for axis in numeric_axes(report.figures)]
    if numbers:
        note += f" The numbers are {' and '.join(numbers)}."
    if len(cells) > len(shown):
        note += f" Shown are the first {len(shown)} of {len(cells):,} cells; the table has all."
    alt = alt_text(
        [display_name(cell.choice) for cell, _ in shown],
        [", ".join(f"{formats.title(one.name)} {figure_text(one)}" for one in both if one) for _, both in shown],
    )
    titles = [formats.title(name) for name, _ in keys]
    rows = [_table_row(cell, *both) for cell, both in zip(cells, results, strict=True)]
    title = "Hallucination and omission, by cell" if len(keys) > 1 else "Hallucination, by cell"
    return chart(drawn, "cells", title, note, alt, _columns(report, *titles), rows)


def _styles(report: StudyReport) -> dict[int, tuple[str, str]]:
    """Colour and shape of each cell (by its identity): those of its line in the curves."""
    axes = numeric_axes(report.figures)
    lines = groups(report.figures.cells, axes[0] if axes else None)
    return {id(cell): series(number) for number, (_, cells) in enumerate(lines) for cell in cells}


def _trade_off(report: StudyReport) -> Chart | None:
    axes = numeric_axes(report.figures)
    styles = _styles(report)
    lines = groups(report.figures.cells, axes[0] if axes else None)
    paths = [path for name, cells in lines if (path := _path(name, cells, styles))]
    if sum(map(len, paths)) < 2:
        return None
    drawn = scatter(paths, x=OMISSION[0], y=HALLUCINATION[0], below="omission rate", above="hallucination rate")
    note = (
        "Lower left is better in both; a model that only claims less moves to the lower right. Lines are 95% intervals."
    )
    if axes:
        note += f" Dotted lines connect {formats.visible(axes[0])}, from the lowest."
    alt = "; ".join(
        f"{display_name(cell.choice)}: omission {formats.percent(x.mean)}, hallucination {formats.percent(y.mean)}"
        for cell, x, y in _cells_with_both(report.figures.cells)
    )
    titles = [formats.title(name) for name, _ in (OMISSION, HALLUCINATION)]
    rows = [_table_row(cell, figure(cell, OMISSION), figure(cell, HALLUCINATION)) for cell in report.figures.cells]
    return chart(drawn, "trade-off", "The trade-off", note, alt, _columns(report, *titles), rows)


def _cells_with_both(cells: Sequence[CellFigures]) -> list[tuple[CellFigures, SeedFigure, SeedFigure]]:
    """The cells that have both figures, with omission and hallucination."""
    return [(c, x, y) for c in cells if (x := figure(c, OMISSION)) and (y := figure(c, HALLUCINATION))]


def _path(name: str, cells: Sequence[CellFigures], styles: dict[int, tuple[str, str]]) -> list[Point]:
    known = _cells_with_both(cells)
    return [
        Point(
            float(x.mean or 0), float(y.mean or 0), x.interval, y.interval, *styles[id(cell)],
            name if cell is known[-1][0] else "",
        )
        for cell, x, y in known
    ]  # fmt: skip
