"""Lines of a label and a text, as fastText has them, and lines that are texts alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from halluc.data.rows.columns import bare_return
from halluc.data.rows.layout import Layout
from halluc.data.rows.lines import Line
from halluc.data.rows.row import BadLine, Row, excerpt

_BLANKS = re.compile(r"[ \t]+")
# What fastText begins each label with; a text has as many as there are.
_MARK = "__label__"
_FORM = "a line is LABEL, a space, and the text; or name another `data.format`"


def labelled(lines: Iterable[Line], layout: Layout, file: str) -> Iterator[Row | BadLine]:
    """A row with ``label`` and ``text`` for each line that is not blank; several labels of fastText come as a list."""
    for item in lines:
        if isinstance(item, BadLine):
            yield item
            continue
        number, line = item
        if "\r" in line and line.strip():
            yield bare_return(file, number, line)
        elif line.strip():
            yield (_label_last if layout.label_position == "last" else _label_first)(file, number, line, layout)


def _label_first(file: str, number: int, line: str, layout: Layout) -> Row | BadLine:
    if layout.delimiter != "auto":
        label, found, text = line.partition(layout.delimiter)
        if not found:
            help = "a line is LABEL, `data.delimiter`, and the text"
            return BadLine("D123", file, number, f"no `{layout.delimiter}` behind a label", help, *excerpt(line))
        return Row(file, number, {"label": label, "text": text}, line)
    if line[0] in " \t":
        return BadLine("D123", file, number, "no label before the first blank", _FORM, *excerpt(line))
    labels: list[str] = []
    rest = line
    while not labels or (rest.startswith(_MARK) and labels[-1].startswith(_MARK)):
        label, *behind = _BLANKS.split(rest, maxsplit=1)
        labels.append(label)
        rest = behind[0] if behind else ""
    return Row(file, number, {"label": labels if len(labels) > 1 else labels[0], "text": rest}, line)


def _label_last(file: str, number: int, line: str, layout: Layout) -> Row | BadLine:
    delimiter = layout.delimiter if layout.delimiter != "auto" else " "
    text, found, label = line.rpartition(delimiter)
    if not found:
        help = "with `data.label_position: last`, a line is the text, `data.delimiter`, and the label"
        return BadLine("D123", file, number, f"no label after a `{delimiter}`", help, *excerpt(line))
    return Row(file, number, {"label": label, "text": text}, line)


def plain(lines: Iterable[Line], file: str) -> Iterator[Row | BadLine]:
    """A row with ``text`` for each line, blank ones too."""
    for item in lines:
        yield item if isinstance(item, BadLine) else Row(file, item[0], {"text": item[1]}, item[1])
