"""The lines of files of plain text, with their places."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from halluc.data.rows.references import absent, refuse_irregular
from halluc.data.rows.row import BadLine
from halluc.data.rows.streams import numbered_lines


class PlacedText(NamedTuple):
    place: str
    text: str


def text_lines(references: Sequence[str]) -> Iterator[PlacedText]:
    """Every line, blank ones too, with its place (file:line).

    Raises:
        HallucError D104, D114: a line that cannot be read.
    """
    for reference in references:
        for line in numbered_lines(Path(reference).expanduser(), reference):
            if isinstance(line, BadLine):
                raise line.error()
            number, text = line
            yield PlacedText(f"{reference}:{number}", text)


def refuse_missing(references: Sequence[str], key: str) -> None:
    """
    Raises:
        HallucError D101: a file is not there, or is no regular file. ``key`` is the key of the config that names it.
    """
    for reference in references:
        path = Path(reference).expanduser()
        refuse_irregular(path, f"`{key}` names files of plain text, a text a line")
        if not path.is_file():
            raise absent(path)
