"""The cells of a study for charts: grouped by line, with their figures by name, and display names of choices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from halluc.runs.studies import CellFigures, Plain, SeedFigure, StudyFigures
from halluc.wording import formats

Key = tuple[str, tuple[tuple[str, str], ...]]


def figure(cell: CellFigures, key: Key) -> SeedFigure | None:
    """A figure of a cell that has a value."""
    return next(
        (one for one in cell.figures if (one.name, tuple(one.by.items())) == key and one.mean is not None), None
    )


def numeric_axes(study: StudyFigures) -> list[str]:
    """Numeric axes with more than one value."""
    axes = study.cells[0].choice if study.cells else {}
    return [
        axis
        for axis in axes
        if len({cell.choice[axis] for cell in study.cells}) > 1
        and all(isinstance(cell.choice[axis], int | float) for cell in study.cells)
        and not any(isinstance(cell.choice[axis], bool) for cell in study.cells)
    ]


def arm_axes(study: StudyFigures) -> list[str]:
    """Other axes with more than one value."""
    axes = study.cells[0].choice if study.cells else {}
    numeric = numeric_axes(study)
    return [axis for axis in axes if axis not in numeric and len({str(cell.choice[axis]) for cell in study.cells}) > 1]


def display_name(choice: Mapping[str, Plain]) -> str:
    """The display name of a choice: arms by their name, others with their axis; empty for no choice."""
    return ", ".join(
        formats.visible(value) if isinstance(value, str) else f"{formats.visible(axis)} {formats.visible(value)}"
        for axis, value in choice.items()
    )


def groups(cells: Sequence[CellFigures], axis: str | None) -> list[tuple[str, list[CellFigures]]]:
    """Cells grouped by their choice on all axes except ``axis``, each group with its name and in the order of ``axis``;
    None: each cell by itself."""
    result: dict[tuple[tuple[str, Plain], ...], list[CellFigures]] = {}
    for cell in cells:
        rest = tuple((name, value) for name, value in cell.choice.items() if name != axis)
        result.setdefault(rest, []).append(cell)
    return [
        (display_name(dict(rest)), members if axis is None else sorted(members, key=lambda cell: position(cell, axis)))
        for rest, members in result.items()
    ]


def position(cell: CellFigures, axis: str) -> float:
    value = cell.choice[axis]
    assert isinstance(value, int | float), f"{axis} is no axis of numbers"
    return float(value)
