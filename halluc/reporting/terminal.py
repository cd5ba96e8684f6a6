"""Tables on the terminal: no wider than it, without truncated headings; columns that do not fit are printed below."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import fill

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.table import Table as Grid
from rich.text import Text

from halluc.core.characters import cut, printable_cell, printable_line
from halluc.reporting.views.tables import Row, TableCell, TableColumn, TableView

WIDTH = 80
# The minimum width of a name, a text and a figure, and of the longest word of a heading; longer ones are wrapped. More
# names than this are put in one column.
_NARROWEST = {"name": 24, "text": 24, "figure": 40}
_MOST_NAMES = 3
_GAP = 2


def draw_table(table: TableView, width: int = WIDTH, *, brief: bool = False, legend: bool = True) -> Group:
    """A table to print.

    Args:
        width: columns of the terminal, at least 40.
        brief: one line per row: without intervals, and columns that do not fit are only named.
        legend: whether to explain short headings.
    """
    columns, rows = _merge_name_columns(table)
    results = [_Column(column, [row[place] for row in rows], len(table.rows)) for place, column in enumerate(columns)]
    shortened = sum(one.min_width(brief) for one in results) + _GAP * (len(results) - 1) > width
    for one in results:
        one.is_short = shortened and bool(one.column.short)
    names = [one for one in results if one.column.kind == "name"]
    blocks = list(_blocks(names, [one for one in results if one not in names], width, brief))
    parts: list[RenderableType] = [Text(printable_line(table.title, 4 * WIDTH), "italic")] if table.title else []
    drawn_blocks = blocks[:1] if brief else blocks
    for number, block in enumerate(drawn_blocks):
        parts += [""] * (number > 0) + [_grid(block, width, brief)]
    # The explanations of short headings.
    short = [one.column for block in drawn_blocks for one in block if one.is_short and legend]
    titles = {column.short: column.title or column.heading for column in short}
    explained = "; ".join(f"{name}: {title}" for name, title in titles.items() if name != title)
    notes = [explained] * bool(explained) + [*table.notes]
    left = [one.column.heading for block in blocks[1:] for one in block if one not in names]
    if brief and left:
        notes.append(f"not shown here: {', '.join(left)}")
    return Group(*parts, *(Text(printable_line(note), "dim") for note in notes))


def _merge_name_columns(table: TableView) -> tuple[Sequence[TableColumn], list[Row]]:
    """Columns and rows; the names of a row are put in one column if there are too many for separate ones."""
    names = [place for place, column in enumerate(table.columns) if column.kind == "name"]
    rows = [
        tuple(cell._replace(text=printable_cell(cell.text)) if n in names else cell for n, cell in enumerate(row))
        for row in (*table.rows, *table.totals)
    ]
    if len(names) <= _MOST_NAMES:
        return table.columns, rows
    others = [place for place in range(len(table.columns)) if place not in names]
    heading = TableColumn(", ".join(table.columns[place].heading for place in names), "name")
    joined = [
        (TableCell(", ".join(row[place].text for place in names)), *(row[place] for place in others)) for row in rows
    ]
    return [heading, *(table.columns[place] for place in others)], joined


class _Column:
    """A column whose texts are escaped before they are measured; those after the first ``rows`` are totals."""

    def __init__(self, column: TableColumn, cells: Sequence[TableCell], rows: int) -> None:
        self.column, self.is_short, self.rows = column, False, rows
        # Names are shortened before: one column may contain several.
        escaped = printable_cell if column.kind == "figure" else printable_line
        self.texts = [escaped(cell.text) + "*" * cell.bold for cell in cells]
        self.under = [printable_cell(cell.under) for cell in cells]

    @property
    def heading(self) -> str:
        return printable_line(self.column.short if self.is_short else self.column.heading)

    def min_width(self, brief: bool) -> int:
        """The width below which a word of the heading or a figure would be broken."""
        texts = [*self.texts, *([] if brief else self.under)]
        # With one line per row only totals are wrapped, so that a name needs its full width.
        unbroken = texts if self._is_figure else self.texts[: self.rows] if brief else []
        words = [word for text in (self.heading, *([] if self._is_figure else texts)) for word in text.split()]
        longest = max(map(cell_len, [*words, *unbroken]), default=1)
        return max(2, min(longest, _NARROWEST[self.column.kind]))

    def max_width(self, brief: bool) -> int:
        """The width at which nothing is wrapped."""
        return max(map(cell_len, [self.heading, *self.cells(brief, inline=True)]), default=1)

    @property
    def _is_figure(self) -> bool:
        return self.column.kind == "figure"

    def has_intervals(self, brief: bool) -> bool:
        return not brief and any(self.under)

    def cells(self, brief: bool, inline: bool, width: int = WIDTH) -> list[str]:
        if brief:
            return [cut(text, width) if place < self.rows else text for place, text in enumerate(self.texts)]
        return [(" " if inline else "\n").join(filter(None, both)) for both in zip(self.texts, self.under, strict=True)]


def _blocks(names: list[_Column], others: list[_Column], width: int, brief: bool) -> Iterator[list[_Column]]:
    """Blocks of columns that fit side by side, each with the names of the rows."""
    heads = sum(min(one.min_width(brief), _share(names, width, brief)) + _GAP for one in names)
    block, used = list(names), heads
    for one in others:
        needed = min(one.min_width(brief), width - heads)
        if used + needed > width and len(block) > len(names):
            yield block
            block, used = list(names), heads
        block.append(one)
        used += needed + _GAP
    yield block


def _share(names: Sequence[_Column], width: int, brief: bool) -> int:
    """The maximum width of each name if columns have to be narrow: half of the line for all, or more if each row is one
    line, in which names cannot be wrapped."""
    return max(2, (2 * width // 3 if brief else width // 2) // max(1, len(names)) - _GAP)


def _grid(block: Sequence[_Column], width: int, brief: bool) -> Grid:
    """A block, with each column as wide as needed if there is room, otherwise as narrow as possible."""
    names = [one for one in block if one.column.kind == "name"]
    heads = sum(min(one.min_width(brief), _share(names, width, brief)) + _GAP for one in names)
    caps = [_share(names, width, brief) if one.column.kind == "name" else width - heads for one in block]
    widths = [min(one.min_width(brief), cap) for one, cap in zip(block, caps, strict=True)]
    room = width - sum(widths) - _GAP * (len(block) - 1)
    # The remaining width goes to intervals next to their figures, if all of them fit, then to other columns.
    wanted = [one.max_width(brief) - wide for one, wide in zip(block, widths, strict=True)]
    inline = sum(more for one, more in zip(block, wanted, strict=True) if one.has_intervals(brief)) <= room
    for place in sorted(range(len(block)), key=lambda place: not block[place].has_intervals(brief)):
        if inline or not block[place].has_intervals(brief):
            more = max(0, min(room, wanted[place]))
            widths[place], room = widths[place] + more, room - more
    grid = Grid(box=None, pad_edge=False, padding=(0, 1))
    for one, wide in zip(block, widths, strict=True):
        is_figure = one.column.kind == "figure"
        grid.add_column(Text(one.heading), width=wide, justify="right" if is_figure else "left", overflow="fold")
    texts = [one.cells(brief, inline, wide) for one, wide in zip(block, widths, strict=True)]
    texts = [
        [_hanging(text, wide) for text in some] if one.column.kind == "name" else some
        for one, some, wide in zip(block, texts, widths, strict=True)
    ]
    for row in zip(*texts, strict=True):
        grid.add_row(*map(Text, row))
    return grid


def _hanging(text: str, width: int) -> str:
    """A name with its further lines indented more than a row below it, unless a word would be broken."""
    indent = " " * (len(text) - len(text.lstrip(" ")) + 2 * _GAP)
    longest = max(map(cell_len, text.split()), default=0)
    if cell_len(text) <= width or "\n" in text or len(indent) + longest > width:
        return text
    return fill(text, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
