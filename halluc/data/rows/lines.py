"""Splits blocks of bytes into decoded lines, with errors for unreadable ones; reads the formats `lines` (a label and a
text, as in fastText) and `text`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from halluc.core.errors import Location, data_error
from halluc.data.rows.row import BadLine, Layout, Row, excerpt

Line = tuple[int, str] | BadLine

# A line that is so much longer than the limit is an error before its end is reached, since it may be endless.
_MOST_SKIPPED = 1 << 28
UTF16 = (b"\xff\xfe", b"\xfe\xff")
# First bytes of binary files.
_BINARY = {
    b"PAR1": "a Parquet file",
    b"ARROW1": "an Arrow file",
    b"\x28\xb5\x2f\xfd": "a Zstandard archive",
    b"%PDF-": "a PDF file",
}


def lines_of(chunk: bytes, number: int, name: str) -> Iterator[Line]:
    """The lines of a chunk of whole lines, numbered from ``number``."""
    if number == 1:
        first, _, chunk = chunk.partition(b"\n")
        yield decoded(1, first, name)
        if not chunk:
            return
        number = 2
    try:
        text = chunk.decode("utf-8")  # all at once: decoding line by line takes four times as long
    except UnicodeDecodeError:
        for place, part in enumerate(chunk.removesuffix(b"\n").split(b"\n"), number):
            yield decoded(place, part, name)
        return
    lines = text.removesuffix("\n").split("\n")
    if "\r" in text:
        lines = [line.removesuffix("\r") for line in lines]
    yield from enumerate(lines, number)


class LineSplitter:
    """Splits blocks of bytes into whole lines; a line of more than ``most`` bytes is dropped.

    ``begun`` is the beginning of a line that is not complete yet.
    """

    def __init__(self, name: str, most: int) -> None:
        self._name, self._most = name, most
        self.begun: list[bytes] = []
        self._size = self._ended = 0

    def split(self, block: bytes) -> Iterator[bytes | None]:
        """The lines that a block completes, joined; None for one that is too long. An empty block ends the last line.

        Raises:
            HallucError D114: a line without end.
        """
        end = block.rfind(b"\n") + 1
        if end:
            self._ended += block.count(b"\n")
            first = block.index(b"\n") + 1
            if self._size + first - 1 > self._most:
                yield None
                if first < end:
                    yield block[first:end]
            else:
                yield b"".join((*self.begun, block[:end]))
            self.begun, self._size = [], 0
        if end < len(block):
            self._keep(block[end:])
        elif not block and self._size:
            yield None if self._size > self._most else b"".join(self.begun)
            self.begun, self._size = [], 0

    def _keep(self, rest: bytes) -> None:
        self._size += len(rest)
        if self._size <= self._most:
            self.begun.append(rest)
            return
        self.begun.clear()
        if self._size > self._most + _MOST_SKIPPED:
            message = f"a line of more than {_MOST_SKIPPED:,} bytes: nothing after it is read"
            help = "check that the file is text with line ends"
            raise data_error("D114", message, Location(self._name, self._ended + 1), help)


def damaged(name: str, number: int, why: str) -> BadLine:
    problem = f"not readable as {why}"
    help = "the file is truncated or damaged: download it again; nothing after this can be read"
    return BadLine("D103", name, number, problem, help)


def decoded(number: int, line: bytes, name: str) -> Line:
    """A line with its number, decoded, without LF or CRLF, and without BOM."""
    body = line.rstrip(b"\n").removesuffix(b"\r")
    if number == 1:
        body = body.removeprefix(b"\xef\xbb\xbf")
    try:
        return number, body.decode("utf-8")
    except UnicodeDecodeError as error:
        return undecodable(name, number, error)


def undecodable(name: str, number: int, error: UnicodeDecodeError) -> BadLine:
    whole = error.object
    start, end = whole.rfind(b"\n", 0, error.start) + 1, whole.find(b"\n", error.start)
    body = whole[start : len(whole) if end < 0 else end].removesuffix(b"\r")
    before = len(whole[start : error.start].decode("utf-8", "replace"))
    help = "set the encoding: `data.encoding: latin-1` (or cp1252, cp1251, …)"
    if whole.startswith(UTF16):
        help = "this looks like UTF-16: set `data.encoding: utf-16`"
    problem = f"byte 0x{whole[error.start]:02x} is not UTF-8"
    return BadLine("D104", name, number, problem, help, body.decode("utf-8", "replace"), before + 1)


def binary(begin: bytes, name: str) -> BadLine | None:
    """The error for a file whose first bytes show that it is not text; None for other files."""
    for magic, what in _BINARY.items():
        if begin.startswith(magic):
            return BadLine("D104", name, 1, f"this is {what}, not text", "save it as UTF-8 text: CSV or JSON Lines")
    return None


def bare_return(file: str, number: int, line: str) -> BadLine:
    """The error for a line with a carriage return, in a file that mixes two kinds of line ends."""
    problem = "a carriage return inside a line"
    help = "convert the line ends, for example with `tr '\\r' '\\n'`, or remove the character"
    return BadLine("D124", file, number, problem, help, *excerpt(line, line.index("\r")))


BLANKS = re.compile(r"[ \t]+")
# The prefix of labels in fastText; a text may have several.
_MARK = "__label__"
_FORM = "write LABEL, a space, and the text on each line; or set another `data.format`"


def labelled(lines: Iterable[Line], layout: Layout, file: str) -> Iterator[Row | BadLine]:
    """A row with ``label`` and ``text`` for each non-blank line; several labels of fastText become a list."""
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
        label, result, text = line.partition(layout.delimiter)
        if not result:
            problem = f"no `{layout.delimiter}` after a label"
            help = "write LABEL, `data.delimiter`, and the text on each line"
            return BadLine("D123", file, number, problem, help, *excerpt(line))
        return Row(file, number, {"label": label, "text": text}, line)
    if line[0] in " \t":
        return BadLine("D123", file, number, "no label before the first space", _FORM, *excerpt(line))
    labels: list[str] = []
    rest = line
    while not labels or (rest.startswith(_MARK) and labels[-1].startswith(_MARK)):
        label, *following = BLANKS.split(rest, maxsplit=1)
        labels.append(label)
        rest = following[0] if following else ""
    return Row(file, number, {"label": labels if len(labels) > 1 else labels[0], "text": rest}, line)


def _label_last(file: str, number: int, line: str, layout: Layout) -> Row | BadLine:
    delimiter = layout.delimiter if layout.delimiter != "auto" else " "
    text, result, label = line.rpartition(delimiter)
    if not result:
        problem = f"no label after a `{delimiter}`"
        help = "with `data.label_position: last`, write the text, `data.delimiter`, and the label on each line"
        return BadLine("D123", file, number, problem, help, *excerpt(line))
    return Row(file, number, {"label": label, "text": text}, line)


def plain(lines: Iterable[Line], file: str) -> Iterator[Row | BadLine]:
    """A row with ``text`` for each line, including blank ones."""
    for item in lines:
        yield item if isinstance(item, BadLine) else Row(file, item[0], {"text": item[1]}, item[1])
