"""What study.html.j2 lays out as rows: cells, differences from a reference, slopes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from halluc.report import formats
from halluc.report.page.cells import EMPTY, Cell
from halluc.report.words import nouns
from halluc.report.words.nouns import Nouns
from halluc.runs.reports import StudyReport
from halluc.runs.schema import TEXT_NOVELTIES
from halluc.runs.studies import ArmComparison, ArmDelta, ArmTrend, CellFigures, Line, Plain, Trend

MATCHED = "hallucination_rate_at_matched_omission"
SURE = 0.05
Key = tuple[str, tuple[tuple[str, str], ...]]
Row = list[str | Cell]

# heading -> (figure, slice); what people look at first stands first
_COLUMNS: dict[str, Key] = {
    "F1": ("f1", ()),
    "hallucination": ("hallucination_rate", ()),
    "wide": ("hallucination_rate_wide", ()),
    "distortion": ("distortion_rate", ()),
    "wrong label": ("distortion_rate", (("reason", "label"),)),
    "boundary": ("distortion_rate", (("reason", "boundary"),)),
    "both": ("distortion_rate", (("reason", "both"),)),
    "duplicate": ("distortion_rate", (("reason", "duplicate"),)),
    "omission": ("omission_rate", ()),
    "false in seen": ("over_claim", (("novelty", "seen"),)),
    "false in new": ("over_claim", (("novelty", "new"),)),
    "gap ratio": ("gap_ratio", ()),
    "ECE": ("ece", ()),
}
_OF_TEXTS: dict[str, Key] = {
    **{heading: _COLUMNS[heading] for heading in ("F1", "hallucination", "omission")},
    "false in least new": ("over_claim", (("novelty", TEXT_NOVELTIES[0]),)),
    "false in newest": ("over_claim", (("novelty", TEXT_NOVELTIES[-1]),)),
    **{heading: _COLUMNS[heading] for heading in ("gap ratio", "ECE")},
}
_COMPARED: dict[str, Key] = {
    **{heading: _COLUMNS[heading] for heading in ("F1", "hallucination", "wide", "distortion", "omission", "ECE")},
    "at matched omission": (MATCHED, ()),
}


class Family(NamedTuple):
    """A table of differences."""

    caption: str
    columns: list[str]
    rows: list[Row]


def view(report: StudyReport) -> dict[str, Any]:
    """What the template needs beside the report itself."""
    found, words = report.figures, nouns.of(report.task)
    axes = list(found.cells[0].choice) if found.cells else []
    matched = {one.axis: str(one.reference) for one in found.comparisons}
    columns = (_COLUMNS if words.has_places else _OF_TEXTS) | {
        f"at matched omission with {formats.visible(reference)}": (MATCHED, ((axis, reference),))
        for axis, reference in matched.items()
    }
    if not words.has_places:
        there = {(figure.name, tuple(figure.by.items())) for cell in found.cells for figure in cell.figures}
        columns = {heading: key for heading, key in columns.items() if key in there}
    counts = sorted({len(cell.runs) for cell in found.cells}) or [0]
    return {
        "seeds": str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}",
        "cell_axes": len(axes),
        "cell_columns": [*axes, "seeds", *columns],
        "cell_rows": [_cell_row(cell, columns.values()) for cell in found.cells],
        "families": list(_families(found.comparisons, words)),
        "trend_columns": ["", "along", "points", "slope", "intercept"],
        "trend_rows": [_line_row(trend, _plain(trend)) for trend in found.trends],
        "arm_trend_rows": [_line_row(trend, _of_arm(trend)) for trend in found.arm_trends],
    }


def _cell_row(cell: CellFigures, columns: Iterable[Key]) -> Row:
    found = {(figure.name, tuple(figure.by.items())): figure for figure in cell.figures}
    row: Row = [_told(value) for value in cell.choice.values()]
    row.append(Cell(str(len(cell.runs))))
    for key in columns:
        figure = found.get(key)
        if figure is None:
            row.append(EMPTY)
            continue
        name = figure.name
        row.append(Cell(formats.value(name, figure.mean), formats.interval(name, figure.interval)))
    return row


def _told(value: Plain) -> str:
    return formats.visible(value, 60)


def _families(comparisons: Sequence[ArmComparison], words: Nouns) -> Iterable[Family]:
    """A table for each reference and choice on the other axes."""
    compared = {heading: key for heading, key in _COMPARED.items() if words.tells(key[0])}

    def family(one: ArmComparison) -> tuple[str, str, tuple[tuple[str, str], ...]]:
        return one.axis, str(one.reference), tuple((axis, str(value)) for axis, value in one.choice.items())

    for (axis, reference, choice), members in groupby(sorted(comparisons, key=family), key=family):
        where = "".join(f", {name} {value}" for name, value in choice)
        caption = f"Each {axis} less “{reference}”{where}"
        rows: list[Row] = []
        for one in members:
            deltas = {(delta.name, tuple(delta.by.items())): delta for delta in one.figures}
            found = [difference(deltas.get(key)) for key in compared.values()]
            rows.append([_told(one.arm), Cell(str(one.seeds)), *found])
        yield Family(caption, [axis, "seeds", *compared], rows)


def difference(delta: ArmDelta | None) -> Cell:
    """A difference over its interval and p; bold where it can be shown."""
    if delta is None or delta.difference is None:
        return EMPTY if delta is None else Cell(formats.NOTHING)
    p = f"p {formats.p_value(delta.p_holm)}" if delta.p_holm is not None else ""
    under = " ".join(filter(None, (formats.interval(delta.name, delta.interval), p)))
    sure = delta.p_holm is not None and delta.p_holm < SURE
    return Cell(formats.difference(delta.name, delta.difference, unit=False), under, sure)


def _line_row(line: Line, told: str) -> Row:
    name = line.name
    sure = line.slope_interval is not None and not line.slope_interval[0] <= 0 <= line.slope_interval[1]
    return [
        formats.title(name, line.by),
        Cell(told),
        Cell(str(line.points)),
        Cell(formats.difference(name, line.slope), formats.interval(name, line.slope_interval), sure),
        Cell(formats.value(name, line.intercept), formats.interval(name, line.intercept_interval)),
    ]


def _plain(trend: Trend) -> str:
    return trend.axis + _also(trend.choice)


def _of_arm(trend: ArmTrend) -> str:
    return f"{trend.axis}, {_told(trend.arm)} less {_told(trend.reference)}{_also(trend.choice)}"


def _also(choice: Mapping[str, Plain]) -> str:
    return "".join(f", {axis} {_told(value)}" for axis, value in choice.items())
