"""Lines of an input that may be endless, slow or hostile: numbered, decoded one at a time, in bounded memory."""

from __future__ import annotations

import contextlib
import io
import os
import select
import sys
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from halluc.config.bounds import MOST_LINE_BYTES
from halluc.core.errors import data_error
from halluc.core.files import irregular
from halluc.data.readers.base import absent
from halluc.data.readers.lines import BLOCK, Blocks, Line, LineSplitter, damaged, decoded, too_long, unreadable

# How long `waits` waits for a writer that is only a little slower than we are, in seconds.
PATIENCE = 0.05

STANDARD_INPUT = "standard input"
# What may be read though it is no regular file: it is read once, from its first line to its last.
_STREAMED = "a named pipe"


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


class LineStream:
    """The lines of a stream of UTF-8, gzipped or not, with or without BOM, LF or CRLF; only a line feed ends a line.

    Iterating yields each line with its number (from 1), or why it cannot be read.

    Args:
        most: bytes of the longest line.

    Raises:
        HallucError D101: the stream itself cannot be read (any further). D103, D114: see ``numbered_lines``.
    """

    def __init__(self, stream: io.BufferedIOBase, name: str, most: int = MOST_LINE_BYTES) -> None:
        self.name, self.most = name, most
        self._blocks, self._splitter = Blocks(stream, name, min(BLOCK, most)), LineSplitter(name, most)
        self._lines: deque[bytes | None] = deque()  # None: one that was too long
        self._ended = False
        self._take()
        # Bytes of gzip that arrived say nothing about lines that can be had.
        self._descriptor = None if self._blocks.is_zipped else _descriptor(stream)

    def __iter__(self) -> Iterator[Line]:
        number = 0
        while True:
            while not self._lines and not self._ended:
                self._take()
            if not self._lines:
                break
            number += 1
            line = self._lines.popleft()
            yield too_long(self.name, number, self.most) if line is None else decoded(number, line, self.name)
        if self._blocks.damage is not None:
            help = "the input is cut short or damaged: nothing behind this can be read"
            yield damaged(self.name, number + 1, self._blocks.damage, help)

    def waits(self) -> bool:
        """Whether the next line has still to be written: none is here, and none comes within ``PATIENCE``.

        Always false for files and gzip.
        """
        deadline = time.monotonic() + PATIENCE
        while self._descriptor is not None and not self._lines and not self._ended:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._descriptor], [], [], left)[0]:
                return True
            self._take()
        return False

    def _take(self) -> None:
        """Cut the next block into lines; an empty one ends the last, but for one that damage cut short."""
        block = self._blocks.next()
        self._ended = not block
        for chunk in self._splitter.split(block) if self._blocks.damage is None else ():
            if chunk is None:
                self._lines.append(None)
            else:
                self._lines.extend(chunk.removesuffix(b"\n").split(b"\n"))


def _descriptor(stream: io.BufferedIOBase) -> int | None:
    """What ``select`` can be asked about; None for a stream that is in memory."""
    try:
        return stream.fileno()
    except (OSError, ValueError):
        return None
