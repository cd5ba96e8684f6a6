"""Lines of an input that may be endless, slow or hostile: numbered, decoded one at a time, in bounded memory."""

from __future__ import annotations

import contextlib
import gzip
import io
import select
import sys
import time
import zlib
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from halluc.core.errors import HallucError, data_error
from halluc.data.readers.base import BadLine, absent, decoded

# What one line, or one text, may take: a long novel is shorter.
MOST_BYTES = 1 << 22
# How long `waits` waits for a writer that is only a little slower than we are, in seconds.
PATIENCE = 0.05

STANDARD_INPUT = "standard input"
_BLOCK = 1 << 16
_GZIP = b"\x1f\x8b"

Line = tuple[int, str] | BadLine


@contextlib.contextmanager
def opened(path: Path | None) -> Iterator[tuple[io.BufferedIOBase, str]]:
    """The bytes of a file, or of standard input for None, with the name that errors give it.

    Raises:
        HallucError D101: it is not there, is a folder, or may not be read.
    """
    if path is None:
        if sys.stdin is None:
            raise data_error("D101", "there is no standard input", help="name a file with --input")
        yield sys.stdin.buffer, STANDARD_INPUT  # type: ignore[misc]  # typed as BinaryIO, and without read1
        return
    if path.is_dir():
        raise data_error("D101", f"{path} is a folder", help="--input names one file")
    try:
        file = path.open("rb")
    except FileNotFoundError:
        raise absent(path) from None
    except OSError as error:
        raise _unreadable(str(path), error) from None
    with file:
        yield file, str(path)


class LineStream:
    """The lines of a stream of UTF-8, gzipped or not, with or without BOM, LF or CRLF; only a line feed ends a line.

    Iterating yields each line with its number (from 1), or why it cannot be read.

    Raises:
        HallucError D101: the stream itself cannot be read (any further).
    """

    def __init__(self, stream: io.BufferedIOBase, name: str) -> None:
        self.name = name
        self._stream = stream
        self._descriptor = _descriptor(stream)
        self._lines: deque[bytes | None] = deque()  # None: one that was too long
        self._begun = bytearray()
        self._too_long = False
        self._ended = False
        self._damage: str | None = None
        self._take(self._unzip_if_need_be(self._block()))

    def __iter__(self) -> Iterator[Line]:
        number = 0
        while True:
            while not self._lines and not self._ended:
                self._take(self._block())
            if not self._lines:
                break
            number += 1
            line = self._lines.popleft()
            yield _too_long(self.name, number) if line is None else decoded(number, line, self.name)
        if self._damage is not None:
            help = "the input is cut short or damaged: nothing behind this can be read"
            yield BadLine("D103", self.name, number + 1, f"not readable as gzip: {self._damage}", help)

    def waits(self) -> bool:
        """Whether the next line has still to be written: none is here, and none comes within ``PATIENCE``.

        Always false for files and gzip.
        """
        deadline = time.monotonic() + PATIENCE
        while self._descriptor is not None and not self._lines and not self._ended:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._descriptor], [], [], left)[0]:
                return True
            self._take(self._block())
        return False

    def _block(self) -> bytes:
        """What is there, at most ``_BLOCK`` bytes; waits for the first of them. Nothing at the end.

        ``read1`` leaves nothing behind in the stream's own buffer, so that ``select`` tells the truth.
        """
        try:
            return self._stream.read1(_BLOCK)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            self._damage = str(error)
            self._begun.clear()
            self._too_long = False
            return b""
        except OSError as error:
            raise _unreadable(self.name, error) from None

    def _take(self, block: bytes) -> None:
        """Cut a block into lines; an empty one ends the last."""
        *closed, rest = block.split(b"\n")
        for piece in closed:
            self._keep(piece)
            self._close()
        self._keep(rest)
        if not block:
            self._ended = True
            if self._begun or self._too_long:
                self._close()

    def _keep(self, piece: bytes) -> None:
        if not self._too_long:
            self._begun += piece
        if len(self._begun) > MOST_BYTES:
            self._begun.clear()
            self._too_long = True

    def _close(self) -> None:
        self._lines.append(None if self._too_long else bytes(self._begun))
        self._begun.clear()
        self._too_long = False

    def _unzip_if_need_be(self, block: bytes) -> bytes:
        """The first block as it is, or that of what is zipped in it."""
        if block == _GZIP[:1]:
            block += self._stream.read1(1)
        if not block.startswith(_GZIP):
            return block
        self._stream = gzip.GzipFile(fileobj=io.BufferedReader(_Rejoined(block, self._stream)), mode="rb")
        self._descriptor = None  # bytes that arrived say nothing about lines that can be had
        return self._block()


class _Rejoined(io.RawIOBase):
    """A stream with the bytes in front that were already read from it."""

    def __init__(self, head: bytes, stream: io.BufferedIOBase) -> None:
        self._head = head
        self._tail = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        part = self._head[: len(buffer)] or self._tail.read1(len(buffer))
        self._head = self._head[len(part) :]
        buffer[: len(part)] = part
        return len(part)


def _descriptor(stream: io.BufferedIOBase) -> int | None:
    """What ``select`` can be asked about; None for a stream that is in memory."""
    try:
        return stream.fileno()
    except (OSError, ValueError):
        return None


def _too_long(name: str, number: int) -> BadLine:
    return BadLine("D114", name, number, f"a line of more than {MOST_BYTES:,} bytes", "cut it into several texts")


def _unreadable(name: str, error: OSError) -> HallucError:
    return data_error("D101", f"cannot read {name}: {error.strerror or error}")
