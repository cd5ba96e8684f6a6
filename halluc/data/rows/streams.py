"""The text of files and streams, which may be endless, slow or malicious, in bounded memory and time."""

from __future__ import annotations

import codecs
import io
import os
import select
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from itertools import count
from pathlib import Path

from halluc.config.section import MOST_LINE_BYTES
from halluc.core.context_values import bound
from halluc.core.errors import data_error
from halluc.core.files import irregular
from halluc.data.rows.compressed import Blocks, unreadable
from halluc.data.rows.lines import UTF16, Line, LineSplitter, damaged, lines_of, undecodable
from halluc.data.rows.references import absent
from halluc.data.rows.row import BadLine

BLOCK = 1 << 16
STANDARD_INPUT = "standard input"
# The most lines and characters that are read to detect a format.
HEAD_LINES, HEAD_CHARACTERS = 200, 1 << 20
# The seconds that `waits` waits for a slow writer.
PATIENCE = 0.05
# Called with the number of bytes read from a file since the last call, as stored on disk.
_READ: ContextVar[Callable[[int], None] | None] = ContextVar("read", default=None)


def watched(read: Callable[[int], None]) -> AbstractContextManager[None]:
    """Make every ``TextStream`` call ``read`` with the number of bytes of each block that it reads."""
    return bound(_READ, read)


@contextmanager
def opened(path: Path | None) -> Iterator[tuple[io.BufferedIOBase, str]]:
    """The bytes of a file or named pipe, or of standard input for None, with its name for errors.

    Raises:
        HallucError D101: it does not exist, is a folder or device, or may not be read.
    """
    if path is None:
        if sys.stdin is None:
            raise data_error("D101", "there is no standard input", help="set a file with --input")
        yield sys.stdin.buffer, STANDARD_INPUT  # type: ignore[misc]  # typed as BinaryIO, which lacks read1
        return
    kind = irregular(path)
    # A named pipe can be read only once, from start to end; the null device is empty.
    if kind not in (None, "a named pipe") and not path.samefile(os.devnull):
        message = f"{path} is not a regular file ({kind})"
        help = "--input must be a file or a named pipe; `--input -` is standard input"
        raise data_error("D101", message, help=help)
    try:
        file = path.open("rb")
    except FileNotFoundError:
        raise absent(path) from None
    except OSError as error:
        raise unreadable(str(path), error) from None
    with file:
        yield file, str(path)


class TextStream:
    """The text of a stream: its lines, or chunks of any length for formats that are not line-based.

    The bytes may be compressed, in any encoding, with or without BOM. LF and CRLF end a line; a carriage return alone
    ends one only in a file without line feeds. U+2028 and similar characters are text. Lines count from 1. ``begin`` is
    the first block of bytes.

    Args:
        most: maximum bytes of a line; a longer one is returned as ``BadLine``.

    Raises:
        HallucError D101: the stream cannot be read (any further). D103: it decompresses to far more than its size.
            D114: a line without end.
    """

    def __init__(
        self, stream: io.BufferedIOBase, name: str, most: int = MOST_LINE_BYTES, encoding: str = "utf-8"
    ) -> None:
        self.name, self.most = name, most
        self._read, self._reported = _READ.get(), 0
        self._blocks, self._splitter = Blocks(stream, name, min(BLOCK, most), encoding), LineSplitter(name, most)
        self._lines: deque[Line] = deque()
        self._peeked: list[Line] = []
        self._number, self._ended = 0, False
        self._first = self.begin = self._next_block()
        self._is_utf16 = self._first.startswith(UTF16)
        if self._blocks.damage is not None:
            self._lines.append(damaged(name, 1, self._blocks.damage))
        # For compressed streams, available bytes do not mean that a line is available.
        self._descriptor = None if self._blocks.is_packed else _descriptor(stream)

    def __iter__(self) -> Iterator[Line]:
        return self.lines()

    def peek(self) -> Iterator[Line]:
        """The lines from the first one on; ``lines`` or ``chunks`` returns them again."""
        for place in count():
            if place == len(self._peeked):
                line = self._take()
                if line is None:
                    return
                self._peeked.append(line)
            yield self._peeked[place]

    def head(self) -> list[Line]:
        """The first available lines, for detecting the format; they are returned again, like those of ``peek``."""
        head, size = [], 0
        for line in self.peek():
            head.append(line)
            size += 0 if isinstance(line, BadLine) else len(line[1])
            if len(head) >= HEAD_LINES or size >= HEAD_CHARACTERS or self.waits():
                break
        return head

    def lines(self) -> Iterator[Line]:
        """Each line with its number, without its end, or the error."""
        yield from self._peeked
        self._peeked = []
        while (line := self._take()) is not None:
            yield line
            while self._lines and not self._is_utf16:  # faster than a call of ``_take`` for each
                yield self._lines.popleft()

    def chunks(self) -> Iterator[str | BadLine]:
        """The text from the beginning in chunks, independent of lines; it ends at bytes that cannot be decoded."""
        for line in (*self._peeked, *self._lines):
            if isinstance(line, BadLine):
                yield line
                return
            yield line[1] + "\n"
        self._peeked, self._lines = [], deque()
        decoder, number, begins = codecs.getincrementaldecoder("utf-8")(), self._number + 1, not self._number
        block = b"".join((*self._splitter.begun, self._first)) or self._next_block()
        while True:
            try:
                text = decoder.decode(block, final=self._ended)
            except UnicodeDecodeError as error:
                yield undecodable(self.name, number + error.object[: error.start].count(b"\n"), error)
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
        """Whether the next line is not written yet: none is available, and none arrives within ``PATIENCE``.

        Always false for files and compressed streams.
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
            return None  # one error is enough
        while not self._lines and not self._ended:
            self._cut_block()
        return self._lines.popleft() if self._lines else None

    def _next_block(self) -> bytes:
        """The next block; an empty one is the end of the stream, or the place of damage."""
        block = self._blocks.next()
        self._ended = not block
        if self._read is not None and block:
            before, self._reported = self._reported, self._blocks.position()
            self._read(self._reported - before)
        return block

    def _cut_block(self) -> None:
        """Split the next block into lines; an empty one ends the last line, unless damage cut it short."""
        block, self._first = self._first or self._next_block(), b""
        for chunk in self._splitter.split(block) if self._blocks.damage is None else ():
            if chunk is None:
                self._number += 1
                self._lines.append(
                    BadLine(
                        "D114",
                        self.name,
                        self._number,
                        f"a line of more than {self.most:,} bytes",
                        "split it into several lines or texts, or raise `data.max_line_bytes`",
                    )
                )
            else:
                self._lines.extend(lines_of(chunk, self._number + 1, self.name))
                self._number += chunk.count(b"\n") + (not chunk.endswith(b"\n"))
        if self._ended and self._blocks.damage is not None:
            self._lines.append(damaged(self.name, self._number + 1, self._blocks.damage))


def numbered_lines(path: Path, name: str) -> Iterator[Line]:
    """The lines of a UTF-8 file; see ``TextStream``."""
    with path.open("rb") as file:
        yield from TextStream(file, name)


def _descriptor(stream: io.BufferedIOBase) -> int | None:
    """The file descriptor for ``select``; None for a stream in memory."""
    try:
        return stream.fileno()
    except (OSError, ValueError):
        return None
