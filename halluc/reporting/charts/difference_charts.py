"""Forest plots of differences: arms less their reference, runs less the first one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from halluc.core.figures import shown
from halluc.reporting.charts.chart import Chart, chart, told_in_words
from halluc.reporting.charts.rows import Block, Mark, Panel, forest
from halluc.reporting.charts.study_cells import called
from halluc.runs.studies import SURE, ArmComparison, ArmDelta, Delta, StudyFigures
from halluc.wording import formats

Found = ArmDelta | Delta


def of_study(study: StudyFigures) -> list[Chart]:
    """A chart for each reference and choice on the other axes; those of one axis of arms have the same scales."""
    families: dict[tuple[str, str, str], list[ArmComparison]] = {}
    for one in study.comparisons:
        families.setdefault((one.axis, str(one.reference), called(one.choice)), []).append(one)
    spans = {axis: _spans(study, axis) for axis, _, _ in families}
    return [
        _of_family(f"difference-{number}", *family, members, spans[family[0]])
        for number, (family, members) in enumerate(families.items(), start=1)
    ]


def _spans(study: StudyFigures, axis: str) -> dict[str, list[float]]:
    """What one axis changes much, another may change little."""
    compared = [column.row.name for column in shown("differences")]
    members = [one for one in study.comparisons if one.axis == axis]
    return {
        name: [end for one in members if (found := mark(_delta(one, name))) for end in found.ends()]
        for name in compared
    }


def _of_family(
    id: str, axis: str, reference: str, choice: str, members: Sequence[ArmComparison], spans: dict[str, list[float]]
) -> Chart:
    names = [formats.visible(one.arm) for one in members]
    there = {delta.name for one in members for delta in one.figures}
    compared = {column.heading: column.row for column in shown("differences", there)}
    panels = [
        Panel(heading, row.name, [mark(_delta(one, row.name)) for one in members], signed=True, span=spans[row.name])
        for heading, row in compared.items()
    ]
    drawn = forest([Block(names, panels[at : at + 2]) for at in range(0, len(panels), 2)])
    where = f", {choice}" if choice else ""
    title = f"Each {formats.visible(axis)} less {formats.visible(reference)}{where}"
    higher = {"F1" if row.unit == "F1" else heading for heading, row in compared.items() if row.better == "higher"}
    note = (
        "Differences, of rates in points, with 95% intervals; filled where the adjusted p is under .05 with at least"
        f" three seeds. Lower is better{', except for ' if higher else ''}{', '.join(sorted(higher))}."
    )
    alt = told_in_words(names, [_said(_delta(one, row.name) for row in compared.values()) for one in members])
    columns = [formats.visible(axis), "seeds", *(c for heading in compared for c in (heading, "p (Holm)"))]
    rows = [
        [name, str(one.seeds), *(c for row in compared.values() for c in told(_delta(one, row.name)))]
        for name, one in zip(names, members, strict=True)
    ]
    return chart(drawn, id, title, note, alt, columns, rows)


def _delta(one: ArmComparison, name: str) -> ArmDelta | None:
    return next((delta for delta in one.figures if delta.name == name and not delta.by), None)


def _said(deltas: Iterable[Found | None]) -> str:
    return ", ".join(f"{formats.title(d.name)} {told(d)[0]}" for d in deltas if d is not None)


def mark(delta: Found | None) -> Mark | None:
    """Filled where the difference is shown."""
    if delta is None or delta.difference is None:
        return None
    is_shown = delta.shown if isinstance(delta, ArmDelta) else delta.p_holm is not None and delta.p_holm < SURE
    return Mark(delta.difference, delta.interval, is_shown)


def told(delta: Found | None) -> list[str]:
    """A difference with its interval, and its adjusted p."""
    if delta is None:
        return ["", ""]
    found = formats.difference(delta.name, delta.difference)
    return [f"{found} {formats.interval(delta.name, delta.interval)}".strip(), formats.p_value(delta.p_holm)]
