"""A table of a report as a record; page, Markdown and terminal each have one function that draws it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from halluc.runs.schema import MetricResult
from halluc.runs.studies import ArmDelta, Delta
from halluc.wording import formats

# ``name`` heads its row, ``text`` may be long; both are left-aligned. ``figure`` is short and right-aligned.
Kind = Literal["name", "text", "figure"]
_KINDS: dict[str, Kind] = {"n": "name", "t": "text", "f": "figure"}


class TableCell(NamedTuple):
    """A cell of a table.

    ``under`` follows ``text`` in small letters: the interval of a figure. ``bold`` marks a significant difference.
    ``form`` is the kind of text: ``code`` can be copied, a ``digest`` is a hash. ``parts`` are names and numbers that
    ``text`` lists, so that each can have its own text direction.
    """

    text: str
    under: str = ""
    bold: bool = False
    form: Literal["plain", "code", "digest"] = "plain"
    parts: tuple[str, ...] = ()


EMPTY = TableCell("")
Row = tuple[TableCell, ...]
# Rows as arguments: a plain string is a cell too.
Cells = list[str | TableCell]


class TableColumn(NamedTuple):
    """A column; ``short`` is its heading if there is little room, ``title`` the full heading."""

    heading: str
    kind: Kind = "figure"
    short: str = ""
    title: str = ""


class TableView(NamedTuple):
    """A table: ``totals`` are rows at the end that stay if others are left out, ``notes`` are sentences below."""

    title: str
    columns: tuple[TableColumn, ...]
    rows: list[Row]
    totals: Sequence[Row] = ()
    notes: Sequence[str] = ()


def table(
    title: str,
    columns: Sequence[str | TableColumn],
    rows: Iterable[Sequence[str | TableCell]],
    kinds: str = "nf",
    totals: Iterable[Sequence[str | TableCell]] = (),
    notes: Sequence[str] = (),
) -> TableView:
    """Make a table.

    Args:
        kinds: ``n``, ``t`` or ``f`` for the kind of each column that is given only by its heading; the last one applies
            to all further columns.
    """
    all_columns = tuple(
        one if isinstance(one, TableColumn) else TableColumn(one, _KINDS[kinds[min(place, len(kinds) - 1)]])
        for place, one in enumerate(columns)
    )
    return TableView(title, all_columns, [_row(row) for row in rows], [_row(row) for row in totals], notes)


def value_cell(metric: MetricResult | None, *, bold: bool = False) -> TableCell:
    """A figure above its interval."""
    if metric is None:
        return TableCell(formats.NOTHING)
    return TableCell(formats.value(metric.name, metric.value), formats.interval(metric.name, metric.interval), bold)


def difference_cell(delta: ArmDelta | Delta | None, *more: str, unit: bool = False) -> TableCell:
    """A difference above its interval and ``more``; bold if significant, and empty if there is none."""
    if delta is None or delta.difference is None:
        return EMPTY if delta is None else TableCell(formats.NOTHING)
    is_same = formats.is_same(delta.difference, delta.interval, delta.p)
    interval = formats.interval(delta.name, delta.interval) or (formats.SAME if is_same else formats.NO_INTERVAL)
    under = " ".join(filter(None, (interval, *more)))
    return TableCell(formats.difference(delta.name, delta.difference, unit=unit), under, delta.shown)


def lines(view: TableView) -> list[list[str]]:
    """The rows of a table as plain text, each cell on one line."""
    return [[f"{cell.text} {cell.under}".strip() for cell in row] for row in view.rows]


def first_of(parts: Sequence[str], most: int, left_out: str = "{:,} more") -> list[str]:
    """The first parts of a list, and how many are left out."""
    left = len(parts) - most
    return [*parts[:most], left_out.format(left)] if left > 0 else list(parts)


def _row(row: Sequence[str | TableCell]) -> Row:
    return tuple(one if isinstance(one, TableCell) else TableCell(one) for one in row)
