"""A cell of a table of figures, as parts.html.j2 draws it."""

from __future__ import annotations

from typing import NamedTuple


class Cell(NamedTuple):
    """A figure, what stands small under it, and whether it is set in bold."""

    text: str
    under: str = ""
    bold: bool = False


EMPTY = Cell("")
