"""Forest plots: runs minus the first one, arms minus their reference, and slopes along a numeric axis."""

from __future__ import annotations

from collections.abc import Sequence

from halluc.core.figures import HALLUCINATION, MATCHED, OMISSION, figure, shown
from halluc.reporting.charts.chart import MOST_ROWS, Chart, alt_text, chart
from halluc.reporting.charts.plots import Block, Mark, Panel, forest
from halluc.reporting.charts.study_cells import display_name
from halluc.reporting.views.comparison import with_letters
from halluc.runs.reports import ComparisonReport
from halluc.runs.studies import ArmComparison, ArmDelta, ArmTrend, Comparison, Delta, Line, StudyFigures
from halluc.wording import formats
from halluc.wording.formats import signed

_SAME_NOTE = f" A point without a line: {formats.SAME}."
_SLOPE_NOTE = "Change per {unit} of {axis}, with 95% intervals; filled where p is under .05 with at least three seeds. "


def comparison_charts(report: ComparisonReport) -> list[Chart]:
    """A chart for each other run; ids are ``difference-1``, ``difference-2``, …"""
    results = [_run_chart(number, *one) for number, one in enumerate(with_letters(report), start=1)]
    return [drawn for drawn in results if drawn is not None]


def _run_chart(number: int, letter: str, other: Comparison) -> Chart | None:
    at = other.matched_omission
    matched = [] if at is None else [at.delta]
    # The hallucination rate at matched omission follows the plain one.
    deltas = [
        one
        for delta in other.figures
        for one in (delta, *(matched if delta.name == HALLUCINATION and not delta.by else ()))
    ]
    # A ratio has another scale than the others.
    known = [delta for delta in deltas if delta.difference is not None and figure(delta.name).unit != "times"]
    rates = [delta for delta in known if formats.is_percent(delta.name)]
    others = [delta for delta in known if not formats.is_percent(delta.name)]
    blocks = [_block(*one) for one in (("difference in points", rates), ("difference", others)) if one[1]]
    if not blocks:
        return None
    note = (
        f"{letter} is {formats.visible(other.b)}. Paired differences with 95% intervals, filled where the adjusted p is"
        " under .05; to the right of the line, the figure is larger than that of a."
    ) + _same_note(known)
    alt = alt_text([formats.title(delta.name, delta.by) for delta in known], [_difference_cells(d)[0] for d in known])
    rows = [
        [
            formats.title(delta.name, delta.by),
            *(formats.value(delta.name, value) for value in (delta.a, delta.b)),
            *_difference_cells(delta),
        ]
        for delta in deltas
    ]
    columns = ["", "a", letter, "difference", "p (Holm)"]
    return chart(forest(blocks), f"difference-{number}", f"{letter} minus a", note, alt, columns, rows)


def _block(heading: str, deltas: list[Delta]) -> Block:
    names = ["same, at matched omission" if d.name == MATCHED else formats.title(d.name, d.by) for d in deltas]
    figures = [formats.difference(delta.name, delta.difference, unit=False) for delta in deltas]
    panel = Panel(heading, deltas[0].name, [_mark(delta) for delta in deltas], figures, signed=True)
    return Block(names, [panel], longest=30)


def study_charts(study: StudyFigures) -> list[Chart]:
    """A chart for each reference and choice on the other axes; charts of the same axis of arms have the same scales."""
    families: dict[tuple[str, str, str], list[ArmComparison]] = {}
    for one in study.comparisons:
        families.setdefault((one.axis, str(one.reference), display_name(one.choice)), []).append(one)
    spans = {axis: _spans(study, axis) for axis, _, _ in families}
    return [
        _family_chart(f"difference-{number}", *family, members, spans[family[0]])
        for number, (family, members) in enumerate(families.items(), start=1)
    ]


def _spans(study: StudyFigures, axis: str) -> dict[str, list[float]]:
    """The spans by axis: effects of different axes may differ in size."""
    members = [one for one in study.comparisons if one.axis == axis]
    return {
        column.row.name: [
            end
            for one in members
            if (result := _mark(one.delta(column.row.name)))
            for end in (result.value, *(result.interval or ()))
        ]
        for column in shown("differences")
    }


def _family_chart(
    id: str, axis: str, reference: str, choice: str, members: Sequence[ArmComparison], spans: dict[str, list[float]]
) -> Chart:
    names = [formats.visible(one.arm) for one in members]
    names_of_figures = {delta.name for one in members for delta in one.figures}
    if not any(delta.difference for one in members for delta in one.figures if delta.name == OMISSION):
        names_of_figures -= {OMISSION, MATCHED}  # matched omission then changes nothing
    compared = {column.heading: column.row for column in shown("differences", names_of_figures)}
    panels = [
        Panel(heading, row.name, [_mark(one.delta(row.name)) for one in members], signed=True, span=spans[row.name])
        for heading, row in compared.items()
    ]
    drawn = forest([Block(names, panels[at : at + 2]) for at in range(0, len(panels), 2)])
    title = f"Each {formats.visible(axis)} minus {formats.visible(reference)}{f', {choice}' if choice else ''}"
    higher = {"F1" if row.unit == "F1" else heading for heading, row in compared.items() if row.better == "higher"}
    note = (
        "Differences, of rates in points, with 95% intervals; filled where the adjusted p is under .05 with at least"
        f" three seeds. Lower is better{', except for ' if higher else ''}{', '.join(sorted(higher))}."
    )
    deltas = [[one.delta(row.name) for row in compared.values()] for one in members]
    note += _same_note([delta for own in deltas for delta in own if delta is not None])
    alt = alt_text(
        names,
        [
            ", ".join(f"{formats.title(d.name)} {_difference_cells(d)[0]}" for d in own if d is not None)
            for own in deltas
        ],
    )
    columns = [formats.visible(axis), "seeds", *(c for heading in compared for c in (heading, "p (Holm)"))]
    rows = [
        [name, str(one.seeds), *(c for delta in own for c in _difference_cells(delta))]
        for name, one, own in zip(names, members, deltas, strict=True)
    ]
    return chart(drawn, id, title, note, alt, columns, rows)


def _mark(delta: ArmDelta | Delta | None) -> Mark | None:
    """Filled if the difference is significant."""
    if delta is None or delta.difference is None:
        return None
    return Mark(delta.difference, delta.interval, delta.shown)


def _same_note(deltas: Sequence[ArmDelta | Delta]) -> str:
    return _SAME_NOTE if any(formats.is_same(one.difference, one.interval, one.p) for one in deltas) else ""


def _difference_cells(delta: ArmDelta | Delta | None) -> list[str]:
    """A difference with its interval and adjusted p-value."""
    if delta is None:
        return ["", ""]
    return [signed(delta.name, delta.difference, delta.interval, delta.p), formats.p_value(delta.p_holm)]


def slope_charts(study: StudyFigures) -> list[Chart]:
    """How figures change along axes, and how the slopes of arms differ from their reference's.

    Ids begin with ``slope-`` and ``slope-difference-``.
    """
    results = []
    for number, axis in enumerate(dict.fromkeys(trend.axis for trend in study.trends), start=1):
        trends = [trend for trend in study.trends if trend.axis == axis]
        note = _slope_note(axis, trends) + "To the right of the line, the figure increases with it."
        names = [display_name(trend.choice) for trend in trends]
        results.append(_slopes(f"slope-{number}", f"Slopes along {formats.visible(axis)}", note, trends, names))
    families: dict[tuple[str, str, str, str], list[ArmTrend]] = {}
    for one in study.arm_trends:
        families.setdefault((one.axis, one.arm_axis, str(one.reference), display_name(one.choice)), []).append(one)
    for number, ((axis, arms, reference, choice), lines) in enumerate(families.items(), start=1):
        where = f", {choice}" if choice else ""
        less = f"each {formats.visible(arms)} minus {formats.visible(reference)}{where}"
        left = f"To the left of the line, the figure of the arm increases less than that of its reference{where}."
        note = _slope_note(axis, lines) + left
        title, names = f"Slopes along {formats.visible(axis)}: {less}", [formats.visible(line.arm) for line in lines]
        results.append(_slopes(f"slope-difference-{number}", title, note, lines, names))
    return [drawn for drawn in results if drawn is not None]


def _slope_note(axis: str, lines: Sequence[Line]) -> str:
    unit = "factor of 10" if lines[0].scale == "log10" else "unit"
    return _SLOPE_NOTE.format(unit=unit, axis=formats.visible(axis))


def _slopes(id: str, title: str, note: str, lines: Sequence[Line], named: Sequence[str]) -> Chart | None:
    """A row for each line and a panel for each figure; if all lines have one name, a row for each figure."""
    names = list(dict.fromkeys(named))
    if len(names) == 1:
        return _figure_slopes(id, title, note, lines)
    by_name = {
        (name, line.name): line
        for name, line in zip(named, lines, strict=True)
        if line.name == MATCHED or not line.by
    }  # fmt: skip
    text, figures = names[: 2 * MOST_ROWS], shown("slopes")
    panels = [
        Panel(heading, row.name, [_slope_mark(by_name.get((one, row.name))) for one in text], signed=True)
        for heading, row, _ in figures
        if any((one, row.name) in by_name for one in text)
    ]
    if not panels:
        return None
    known = [[line for column in figures if (line := by_name.get((one, column.row.name)))] for one in text]
    alt = alt_text(text, [", ".join(f"{formats.title(line.name)} {_slope(line)}" for line in own) for own in known])
    columns = ["", *(column.row.title for column in figures)]
    rows = [[one, *(_slope(by_name.get((one, column.row.name))) for column in figures)] for one in names]
    return chart(forest([Block(text, panels)]), id, title, note, alt, columns, rows)


def _figure_slopes(id: str, title: str, note: str, lines: Sequence[Line]) -> Chart | None:
    shares = [line for line in lines if formats.is_percent(line.name) and line.slope is not None]
    if not shares:
        return None
    names = [formats.title(line.name, line.by) for line in shares]
    figures = [formats.difference(line.name, line.slope, unit=False) for line in shares]
    panel = Panel("", shares[0].name, [_slope_mark(line) for line in shares], figures, signed=True)
    rows = [[formats.title(line.name, line.by), _slope(line)] for line in lines]
    drawn = forest([Block(names, [panel], longest=30)])
    return chart(drawn, id, title, note, alt_text(names, figures), ["", "slope"], rows)


def _slope_mark(line: Line | None) -> Mark | None:
    if line is None or line.slope is None:
        return None
    return Mark(line.slope, line.slope_interval, line.sign != 0)


def _slope(line: Line | None) -> str:
    return "" if line is None else signed(line.name, line.slope, line.slope_interval)
