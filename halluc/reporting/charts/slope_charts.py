"""Forest plots of slopes along an axis of numbers, and of how the slopes of arms differ from their reference's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from halluc.core.figures import MATCHED, shown
from halluc.reporting.charts.chart import MOST_ROWS, Chart, chart, told_in_words
from halluc.reporting.charts.rows import Block, Mark, Panel, forest
from halluc.reporting.charts.study_cells import called
from halluc.runs.studies import ArmTrend, Line, StudyFigures
from halluc.wording import formats

_NOTE = "Change per {unit} of {axis}, with 95% intervals; filled where p is under .05 with at least three seeds. "


def charts(study: StudyFigures) -> list[Chart]:
    """Ids begin with ``slope-`` and ``slope-difference-``."""
    found = []
    for number, axis in enumerate(dict.fromkeys(trend.axis for trend in study.trends), start=1):
        trends = [trend for trend in study.trends if trend.axis == axis]
        title = f"Slopes along {formats.visible(axis)}"
        note = _note(axis, trends) + "Right of the line the figure rises with it."
        found.append(_chart(f"slope-{number}", title, note, trends, lambda trend: called(trend.choice)))
    families: dict[tuple[str, str, str, str], list[ArmTrend]] = {}
    for one in study.arm_trends:
        families.setdefault((one.axis, one.arm_axis, str(one.reference), called(one.choice)), []).append(one)
    for number, ((axis, arms, reference, choice), lines) in enumerate(families.items(), start=1):
        where = f", {choice}" if choice else ""
        title = f"Slopes along {formats.visible(axis)}: each {formats.visible(arms)} less {formats.visible(reference)}"
        note = _note(axis, lines) + "Left of the line the arm's figure rises less than its"
        note += f" reference's{where}."
        found.append(_chart(f"slope-difference-{number}", title + where, note, lines, _arm))
    return [made for made in found if made is not None]


def _note(axis: str, lines: Sequence[Line]) -> str:
    unit = "factor of 10" if lines[0].scale == "log10" else "unit"
    return _NOTE.format(unit=unit, axis=formats.visible(axis))


def _arm(line: Line) -> str:
    return formats.visible(line.arm) if isinstance(line, ArmTrend) else ""


def _chart(id: str, title: str, note: str, lines: Sequence[Line], name: Callable[[Line], str]) -> Chart | None:
    """A row for each line by its name and a panel for each figure; a row for each figure where all have one name."""
    names = list(dict.fromkeys(map(name, lines)))
    if len(names) == 1:
        return _by_figure(id, title, note, lines)
    by_name = {(name(line), line.name): line for line in lines if line.name == MATCHED or not line.by}
    told, figures = names[: 2 * MOST_ROWS], shown("slopes")
    panels = [
        Panel(heading, row.name, [_mark(by_name.get((one, row.name))) for one in told], signed=True)
        for heading, row, _ in figures
        if any((one, row.name) in by_name for one in told)
    ]
    if not panels:
        return None
    alt = told_in_words(told, [_said(by_name.get((one, column.row.name)) for column in figures) for one in told])
    columns = ["", *(column.row.title for column in figures)]
    rows = [[one, *(_told(by_name.get((one, column.row.name))) for column in figures)] for one in names]
    return chart(forest([Block(told, panels)]), id, title, note, alt, columns, rows)


def _by_figure(id: str, title: str, note: str, lines: Sequence[Line]) -> Chart | None:
    shares = [line for line in lines if formats.is_percent(line.name) and line.slope is not None]
    if not shares:
        return None
    names = [formats.title(line.name, line.by) for line in shares]
    figures = [formats.difference(line.name, line.slope, unit=False) for line in shares]
    panel = Panel("", shares[0].name, [_mark(line) for line in shares], figures, signed=True)
    alt = told_in_words(names, figures)
    rows = [[formats.title(line.name, line.by), _told(line)] for line in lines]
    return chart(forest([Block(names, [panel], longest=30)]), id, title, note, alt, ["", "slope"], rows)


def _mark(line: Line | None) -> Mark | None:
    if line is None or line.slope is None:
        return None
    return Mark(line.slope, line.slope_interval, line.sign != 0)


def _said(lines: Iterable[Line | None]) -> str:
    return ", ".join(f"{formats.title(line.name)} {_told(line)}" for line in lines if line is not None)


def _told(line: Line | None) -> str:
    if line is None:
        return ""
    told = formats.difference(line.name, line.slope)
    return f"{told} {formats.interval(line.name, line.slope_interval)}".strip()
