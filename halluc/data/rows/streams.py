"""Text of files and streams that may be endless, slow or hostile: lines or chunks, in bounded memory and time."""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import select
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from halluc.config.bounds import MOST_LINE_BYTES
from halluc.core.errors import Location, data_error
from halluc.core.files import irregular
from halluc.data.rows.compressed import Blocks, unreadable
from halluc.data.rows.references import absent
from halluc.data.rows.row import BadLine

Line = tuple[int, str] | BadLine

BLOCK = 1 << 16
STANDARD_INPUT = "standard input"
# What may be read though it is no regular file: it is read once, from its first line to its last.
_STREAMED = "a named pipe"
# What `head` holds at most.
_HEAD_LINES, _HEAD_CHARACTERS = 200, 1 << 20
# How long `waits` waits for a writer that is only a little slower than we are, in seconds.
PATIENCE = 0.05
_CUT = "cut it into several lines or texts"
# A longer line is not looked for an end: reading would take minutes until it is told.
_MOST_SKIPPED = 1 << 28
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
# By what they begin with: files that people give for text.
_BINARY = {
    b"PAR1": "a Parquet file",
    b"ARROW1": "an Arrow file",
    b"\x28\xb5\x2f\xfd": "a Zstandard archive",
    b"%PDF-": "a PDF file",
}

# Called with the bytes of a file that were read since the last call, as they lie on the disk.
_READ: ContextVar[Callable[[int], None] | None] = ContextVar("read", default=None)


@contextmanager
def watched(read: Callable[[int], None]) -> Iterator[None]:
    """Have every ``TextStream`` call ``read`` with the number of bytes that it read, block by block."""
    before = _READ.set(read)
    try:
        yield
    finally:
        _READ.reset(before)


@contextlib.contextmanager
def opened(path: Path | None) -> Iterator[tuple[io.BufferedIOBase, str]]:
    """The bytes of a file or named pipe, or of standard input for None, with the name that errors give it.

    Raises:
        HallucError D101: it is not there, is a folder or device, or may not be read.
    """
    if path is None:
        if sys.stdin is None:
            raise data_error("D101", "there is no standard input", help="name a file with --input")
        yield sys.stdin.buffer, STANDARD_INPUT  # type: ignore[misc]  # typed as BinaryIO, and without read1
        return
    kind = irregular(path)
    if kind is not None and kind != _STREAMED and not path.samefile(os.devnull):  # the null device is empty
        help = "--input names a file or a named pipe; `--input -` is standard input"
        raise data_error("D101", f"{path} is not a regular file ({kind})", help=help)
    try:
        file = path.open("rb")
    except FileNotFoundError:
        raise absent(path) from None
    except OSError as error:
        raise unreadable(str(path), error) from None
    with file:
        yield file, str(path)


class TextStream:
    """The text of a stream: its lines, or chunks of any length for what is no matter of lines.

    UTF-8 or another encoding, packed or not, with or without BOM. LF and CRLF end a line; a carriage return alone does
    in a file that has no line feed at all. U+2028 and its kin are text. Lines count from 1. ``begin`` is the first
    block of bytes, whatever was read since.

    Args:
        most: bytes of the longest line; a longer one comes as ``BadLine``.

    Raises:
        HallucError D101: the stream cannot be read (any further). D103: it unpacks to far more than its size. D114: a
            line that is endless.
    """

    def __init__(
        self, stream: io.BufferedIOBase, name: str, most: int = MOST_LINE_BYTES, encoding: str = "utf-8"
    ) -> None:  # fmt: skip
        self.name, self.most = name, most
        self._read = _READ.get()
        self._told = 0
        self._blocks, self._splitter = Blocks(stream, name, min(BLOCK, most), encoding), LineSplitter(name, most)
        self._lines: deque[Line] = deque()
        self._is_utf16 = False
        self._peeked: list[Line] = []
        self._number = 0
        self._ended = False
        self._first = self.begin = self._next_block()
        self._is_utf16 = self._first.startswith(_UTF16)
        if self._blocks.damage is not None:
            self._lines.append(damaged(name, 1, self._blocks.damage))
        # What arrived of packed bytes says nothing about lines that can be had.
        self._descriptor = None if self._blocks.is_packed else _descriptor(stream)

    def __iter__(self) -> Iterator[Line]:
        return self.lines()

    def peek(self) -> Iterator[Line]:
        """The lines from the first one on; what is taken here comes again by ``lines`` or ``chunks``."""
        place = 0
        while True:
            while place < len(self._peeked):
                yield self._peeked[place]
                place += 1
            line = self._take()
            if line is None:
                return
            self._peeked.append(line)

    def head(self) -> list[Line]:
        """The first lines that are there, which tell what is in the stream; they come again as those of ``peek`` do."""
        head, size = [], 0
        for line in self.peek():
            head.append(line)
            size += 0 if isinstance(line, BadLine) else len(line[1])
            if len(head) >= _HEAD_LINES or size >= _HEAD_CHARACTERS or self.waits():
                break
        return head

    def lines(self) -> Iterator[Line]:
        """Each line with its number, without its end, or why it cannot be read."""
        yield from self._peeked
        self._peeked = []
        while (line := self._take()) is not None:
            yield line

    def chunks(self) -> Iterator[str | BadLine]:
        """The text from the beginning in pieces that no line bounds; it ends with what cannot be decoded."""
        for line in (*self._peeked, *self._lines):
            if isinstance(line, BadLine):
                yield line
                return
            yield line[1] + "\n"
        self._peeked, self._lines = [], deque()
        decoder, number, begins = codecs.getincrementaldecoder("utf-8")(), self._number + 1, not self._number
        block = (self._splitter.begun or b"") + self._first or self._next_block()
        while True:
            try:
                text = decoder.decode(block, final=self._ended)
            except UnicodeDecodeError as error:
                yield _undecodable(self.name, number + error.object[: error.start].count(b"\n"), error)
                return
            number += text.count("\n")
            if text:
                yield text.removeprefix("\ufeff") if begins else text
                begins = False
            if self._ended:
                break
            block = self._next_block()
        if self._blocks.damage is not None:
            yield damaged(self.name, number, self._blocks.damage)

    def waits(self) -> bool:
        """Whether the next line has still to be written: none is here, and none comes within ``PATIENCE``.

        Always false for files and what is packed.
        """
        deadline = time.monotonic() + PATIENCE
        while self._descriptor is not None and not self._lines and not self._ended:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._descriptor], [], [], left)[0]:
                return True
            self._cut_block()
        return False

    def _take(self) -> Line | None:
        if self._is_utf16 and self._number:
            return None  # every further line would be told to be broken too
        while not self._lines and not self._ended:
            self._cut_block()
        return self._lines.popleft() if self._lines else None

    def _next_block(self) -> bytes:
        """The next block; an empty one is the end, whether it is reached or damage cuts it off."""
        block = self._blocks.next()
        self._ended = not block
        if self._read is not None and block:
            position = self._blocks.position()
            self._read(position - self._told)
            self._told = position
        return block

    def _cut_block(self) -> None:
        """Cut the next block into lines; an empty one ends the last line, unless damage cut it short."""
        block, self._first = (self._first, b"") if self._first else (self._next_block(), b"")
        for chunk in self._splitter.split(block) if self._blocks.damage is None else ():
            if chunk is None:
                self._number += 1
                self._lines.append(too_long(self.name, self._number, self.most))
            else:
                self._lines.extend(lines_of(chunk, self._number + 1, self.name))
                self._number += chunk.count(b"\n") + (not chunk.endswith(b"\n"))
        if self._ended and self._blocks.damage is not None:
            self._lines.append(damaged(self.name, self._number + 1, self._blocks.damage))


def numbered_lines(path: Path, name: str, most: int = MOST_LINE_BYTES) -> Iterator[Line]:
    """The lines of a file of UTF-8; see ``TextStream``."""
    with path.open("rb") as file:
        yield from TextStream(file, name, most)


def _descriptor(stream: io.BufferedIOBase) -> int | None:
    """What ``select`` can be asked about; None for a stream that is in memory."""
    try:
        return stream.fileno()
    except (OSError, ValueError):
        return None


def lines_of(chunk: bytes, number: int, name: str) -> Iterator[Line]:
    """The lines of a chunk of whole lines, numbered from ``number``."""
    if number == 1:
        first, _, chunk = chunk.partition(b"\n")
        yield decoded(1, first, name)
        if not chunk:
            return
        number = 2
    try:
        text = chunk.decode("utf-8")  # all at once: a line by itself takes four times as long
    except UnicodeDecodeError:
        for place, part in enumerate(chunk.removesuffix(b"\n").split(b"\n"), number):
            yield decoded(place, part, name)
        return
    lines = text.removesuffix("\n").split("\n")
    if "\r" in text:
        lines = [line.removesuffix("\r") for line in lines]
    yield from enumerate(lines, number)


class LineSplitter:
    """Cuts blocks of bytes into whole lines; of a line of more than ``most`` bytes nothing is kept."""

    def __init__(self, name: str, most: int) -> None:
        self._name, self._most = name, most
        self._begun: list[bytes] = []
        self._size = self._ended = 0

    @property
    def begun(self) -> bytes | None:
        """What is there of the line that is not ended yet."""
        return b"".join(self._begun) if self._begun else None

    def split(self, block: bytes) -> Iterator[bytes | None]:
        """The lines that a block ends, joined; None for one that is too long. An empty block ends the last line.

        Raises:
            HallucError D114: a line that is endless.
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
                yield b"".join((*self._begun, block[:end]))
            self._begun, self._size = [], 0
        if end < len(block):
            self._keep(block[end:])
        elif not block and self._size:
            yield None if self._size > self._most else b"".join(self._begun)
            self._begun, self._size = [], 0

    def _keep(self, rest: bytes) -> None:
        self._size += len(rest)
        if self._size <= self._most:
            self._begun.append(rest)
            return
        self._begun.clear()
        if self._size > self._most + _MOST_SKIPPED:
            problem = f"a line of more than {_MOST_SKIPPED:,} bytes: nothing behind it is read"
            raise data_error("D114", problem, Location(self._name, self._ended + 1), "is this text, with line ends?")


def too_long(name: str, number: int, most: int) -> BadLine:
    return BadLine(
        "D114", name, number, f"a line of more than {most:,} bytes", f"{_CUT}, or raise `data.max_line_bytes`"
    )


def damaged(name: str, number: int, why: str) -> BadLine:
    help = "the file is cut short or damaged: fetch it again; nothing after this can be read"
    return BadLine("D103", name, number, f"not readable as {why}", help)


def decoded(number: int, line: bytes, name: str) -> Line:
    """A line with its number, as text: without LF or CRLF and, where it is the first, without BOM."""
    body = line.rstrip(b"\n").removesuffix(b"\r")
    if number == 1:
        body = body.removeprefix(b"\xef\xbb\xbf")
    try:
        return number, body.decode("utf-8")
    except UnicodeDecodeError as error:
        return _undecodable(name, number, error)


def _undecodable(name: str, number: int, error: UnicodeDecodeError) -> BadLine:
    whole = error.object
    start, end = whole.rfind(b"\n", 0, error.start) + 1, whole.find(b"\n", error.start)
    body = whole[start : len(whole) if end < 0 else end].removesuffix(b"\r")
    before = len(whole[start : error.start].decode("utf-8", "replace"))
    help = "name the encoding: `data.encoding: latin-1` (or cp1252, cp1251, …)"
    if whole.startswith(_UTF16):
        help = "this looks like UTF-16: set `data.encoding: utf-16`"
    problem = f"byte 0x{whole[error.start]:02x} is not UTF-8"
    return BadLine("D104", name, number, problem, help, body.decode("utf-8", "replace"), before + 1)


def binary(begin: bytes, name: str) -> BadLine | None:
    """Why a file is no text, by its first bytes."""
    what = next((told for magic, told in _BINARY.items() if begin.startswith(magic)), None)
    help = "save it as UTF-8 text: CSV or JSON Lines"
    return None if what is None else BadLine("D104", name, 1, f"this is {what}, not text", help)
