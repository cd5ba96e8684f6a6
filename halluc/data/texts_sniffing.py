"""What the texts to predict on are written in, by the name and the first lines of the input."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from typing import Literal, get_args

from halluc.core.labels import UnknownTag, split_tag
from halluc.data.readers.base import BadLine
from halluc.data.readers.conll import DOCUMENT_START
from halluc.data.readers.lines import Line
from halluc.data.readers.texts_csv import DELIMITERS
from halluc.data.texts_fields import Fields
from halluc.data.texts_rows import cells

Format = Literal["text", "jsonl", "csv", "conll"]
FORMATS: tuple[Format, ...] = get_args(Format)

# What is looked at before the format must be clear.
_LINES_SNIFFED, _CHARACTERS_SNIFFED = 200, 1 << 20
BLANKS = re.compile(r"[ \t]+")
_COLUMNS = (".csv", ".tsv", ".tab")
_USUAL = Fields()


def sniff(
    lines: Iterable[Line], fields: Fields = _USUAL, name: str = "", *, tags: bool = True
) -> tuple[Format, Iterator[Line]]:
    """What the first lines look like, and all the lines.

    JSON Lines where the first line that is not blank begins with a brace. With ``tags``, columns of tokens where it is
    ``-DOCSTART-``, or where every line of the first block (up to a blank line, once two were seen) has the same number
    of cells, two at least, and a tag in the last. CSV where the name ends so, or where the first line that is not blank
    is a header with the columns of ``fields``. Else text: a comma alone says nothing.
    """
    source, head, size = iter(lines), [], 0
    rows: list[list[str]] = []
    form: Format | None = None
    first: str | None = None
    for line in source:
        head.append(line)
        if not isinstance(line, BadLine):
            size += len(line[1])
            first = first or (line[1].strip() and line[1])
            form = _told(line[1], rows, tags)
        if form or len(head) >= _LINES_SNIFFED or size >= _CHARACTERS_SNIFFED:
            break
    form = form or ("conll" if len(rows) > 1 else "text")
    if form == "text" and (_ends_so(name) or _is_header(first or "", fields)):
        form = "csv"
    return form, itertools.chain(head, source)


def _told(line: str, rows: list[list[str]], tags: bool) -> Format | None:
    """The format, where this line tells it; ``rows`` are the cells of the lines before, which it may join."""
    if not line.strip():
        return "conll" if len(rows) > 1 else None
    if not rows and line.lstrip().startswith("{"):
        return "jsonl"
    if not tags:
        return "text"
    if line.startswith(DOCUMENT_START):
        return "conll"
    found = BLANKS.split(line.strip(" \t"))
    if len(found) < 2 or (rows and len(found) != len(rows[0])):
        return "text"
    try:
        split_tag(found[-1])
    except UnknownTag:
        return "text"
    rows.append(found)
    return None


def _ends_so(name: str) -> bool:
    return name.lower().removesuffix(".gz").endswith(_COLUMNS)


def _is_header(line: str, fields: Fields) -> bool:
    """Whether a line has the columns that are asked for by name beside others, and no blank around a cell, which
    sentences have behind their commas."""
    for delimiter in DELIMITERS if fields.names else ():
        found = cells(line, delimiter, fields.quoting)
        if len(found) > 1 and set(fields.names) <= set(found) and all(cell == cell.strip() for cell in found):
            return True
    return False
