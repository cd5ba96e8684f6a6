"""Lines of files and streams that nobody vouches for: numbered, decoded and unzipped in bounded memory and time."""

from __future__ import annotations

import gzip
import io
import shlex
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from halluc.config.bounds import MOST_LINE_BYTES
from halluc.core.errors import HallucError, Location, data_error
from halluc.data.readers.base import BadLine

Line = tuple[int, str] | BadLine

BLOCK = 1 << 16
_CUT = "cut it into several lines or texts"
# A longer line is not looked for an end: reading would take minutes until it is told.
_MOST_SKIPPED = 1 << 28
# Gzip makes text 3 to 10 times smaller, and 1,032 times at most. Up to so many bytes, no ratio does harm.
_MOST_RATIO, _ALWAYS_UNZIPPED = 100, 1 << 24
_GZIP = b"\x1f\x8b"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
# By what they begin with: files that people give for text.
_BINARY = {
    b"PK\x03\x04": "a ZIP archive, or a spreadsheet",
    b"PAR1": "a Parquet file",
    b"\xfd7zXZ": "an XZ archive",
    b"BZh": "a BZIP2 archive",
    b"\x28\xb5\x2f\xfd": "a Zstandard archive",
    b"%PDF-": "a PDF file",
}

# Called with the bytes of a file that were read since the last call, as they lie on the disk.
_READ: ContextVar[Callable[[int], None] | None] = ContextVar("read", default=None)


@contextmanager
def watched(read: Callable[[int], None]) -> Iterator[None]:
    """Have ``numbered_lines`` call ``read`` with the number of bytes that it read, block by block."""
    before = _READ.set(read)
    try:
        yield
    finally:
        _READ.reset(before)


def numbered_lines(path: Path, name: str, most: int = MOST_LINE_BYTES) -> Iterator[Line]:
    """The lines of a UTF-8 file, gzipped or not, with or without BOM, LF or CRLF; undecodable ones as ``BadLine``.

    Only a line feed ends a line: U+2028 and its kin are text. One line and one block are in memory.

    Args:
        most: bytes of the longest line; a longer one comes as ``BadLine``.

    Raises:
        HallucError D101: the file cannot be read. D103: gzip that unpacks to far more than its size. D114: a line that
            is endless.
    """
    read, told, number = _READ.get(), 0, 0
    with path.open("rb") as file:
        blocks, splitter = Blocks(file, name, min(BLOCK, most)), LineSplitter(name, most)
        block = blocks.next()
        while block or blocks.damage is None:
            for chunk in splitter.split(block):
                if chunk is None:
                    number += 1
                    yield too_long(name, number, most, f"{_CUT}, or raise `data.max_line_bytes`")
                elif not number and chunk.startswith((*_UTF16, *_BINARY)):
                    yield decoded(1, chunk.partition(b"\n")[0], name)
                    return  # every further line would be told to be broken too
                else:
                    number = yield from lines_of(chunk, number + 1, name)
            if read is not None:
                told, before = file.tell(), told
                read(told - before)
            if not block:
                return
            block = blocks.next()
        assert blocks.damage is not None
        yield damaged(name, number + 1, blocks.damage, "the file is cut short or damaged: fetch it again")


def lines_of(chunk: bytes, number: int, name: str) -> Generator[Line, None, int]:
    """The lines of a chunk, numbered from ``number``; returns the number of the last one."""
    if number == 1:
        first, _, chunk = chunk.partition(b"\n")
        yield decoded(1, first, name)
        if not chunk:
            return 1
        number = 2
    try:
        text = chunk.decode("utf-8")  # all at once: a line by itself takes four times as long
    except UnicodeDecodeError:
        parts = chunk.removesuffix(b"\n").split(b"\n")
        for place, part in enumerate(parts, number):
            yield decoded(place, part, name)
        return number + len(parts) - 1
    lines = text.removesuffix("\n").split("\n")
    if "\r" in text:
        lines = [line.removesuffix("\r") for line in lines]
    yield from enumerate(lines, number)
    return number + len(lines) - 1


class LineSplitter:
    """Cuts blocks of bytes into whole lines; of a line of more than ``most`` bytes nothing is kept."""

    def __init__(self, name: str, most: int) -> None:
        self._name, self._most = name, most
        self._begun: list[bytes] = []
        self._size = self._ended = 0

    def split(self, block: bytes) -> Iterator[bytes | None]:
        """The lines that a block ends, joined; None for one that is too long. An empty block ends the last line.

        Args:
            block: at most ``most`` bytes.

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


class Blocks:
    """The bytes of a stream, unzipped where they are gzip.

    ``damage`` says why gzip cannot be read any further; ``is_zipped`` is known behind the first block.
    """

    def __init__(self, stream: io.BufferedIOBase, name: str, size: int) -> None:
        self.damage: str | None = None
        self._stream, self._name, self._size = stream, name, size
        self._packed: _Rejoined | None = None
        self._unpacked = 0
        self._begins = True

    @property
    def is_zipped(self) -> bool:
        return self._packed is not None

    def next(self) -> bytes:
        """What is there, at most ``size`` bytes; waits for the first of them. Nothing at the end.

        ``read1`` leaves nothing behind in the stream's own buffer, so that ``select`` tells the truth.

        Raises:
            HallucError D101: the stream cannot be read. D103: it unpacks to far more than its size.
        """
        try:
            block = self._stream.read1(self._size)
            if self._begins:
                self._begins = False
                block = self._unzipped(block)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            self.damage = str(error)
            return b""
        except OSError as error:
            raise unreadable(self._name, error) from None
        self._unpacked += len(block)
        if self._packed is not None and self._unpacked > max(_ALWAYS_UNZIPPED, _MOST_RATIO * self._packed.given):
            problem = (
                f"this gzip file unpacks to more than {_MOST_RATIO} times its size, and may fill the memory or the disk"
            )
            raise data_error("D103", problem, Location(self._name), f"if you trust it, {self._unpacking()}")
        return block

    def _unpacking(self) -> str:
        """What unpacks the stream by hand."""
        if not Path(self._name).is_file():  # standard input, or a named pipe
            return "unpack it on the way: pipe it through `gzip -dc`"
        name = self._name.removesuffix(".gz")
        new = f"{name}.unpacked" if name == self._name or Path(name).exists() else name
        return f"unpack it, and name the new file: `gzip -dc < {shlex.quote(self._name)} > {shlex.quote(new)}`"

    def _unzipped(self, block: bytes) -> bytes:
        """The first block as it is, or that of what is zipped in it."""
        if block == _GZIP[:1]:
            block += self._stream.read1(1)
        if not block.startswith(_GZIP):
            return block
        self._packed = _Rejoined(block, self._stream)
        self._stream = gzip.GzipFile(fileobj=io.BufferedReader(self._packed), mode="rb")
        return self._stream.read1(self._size)


class _Rejoined(io.RawIOBase):
    """A stream with the bytes in front that were already read from it; ``given`` counts them all."""

    def __init__(self, head: bytes, stream: io.BufferedIOBase) -> None:
        self.given = 0
        self._head = head
        self._tail = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        part = self._head[: len(buffer)] or self._tail.read1(len(buffer))
        self._head = self._head[len(part) :]
        buffer[: len(part)] = part
        self.given += len(part)
        return len(part)


def too_long(name: str, number: int, most: int, help: str = _CUT) -> BadLine:
    return BadLine("D114", name, number, f"a line of more than {most:,} bytes", help)


def damaged(name: str, number: int, why: str, help: str) -> BadLine:
    return BadLine("D103", name, number, f"not readable as gzip: {why}", help)


def unreadable(name: str, error: OSError) -> HallucError:
    return data_error("D101", f"cannot read {name}: {error.strerror or error}")


# A longer line is not kept in an error: a thousand lines of megabytes would fill the memory.
_MOST_SHOWN, _SHOWN = 10_000, 200


def excerpt(line: str, at: int | None = None) -> tuple[str, int | None]:
    """What an error shows of a line, and the column (from 1) of the character ``at``, where the line is short."""
    if len(line) > _MOST_SHOWN:
        return line[:_SHOWN], None
    return line, None if at is None else at + 1


def decoded(number: int, line: bytes, name: str) -> Line:
    """A line with its number, as text: without LF or CRLF and, where it is the first, without BOM."""
    body = line.rstrip(b"\n").removesuffix(b"\r")
    if number == 1:
        if (binary := _binary(body, name)) is not None:
            return binary
        body = body.removeprefix(b"\xef\xbb\xbf")
    try:
        return number, body.decode("utf-8")
    except UnicodeDecodeError as error:
        return _undecodable(name, number, body, error)


def _binary(line: bytes, name: str) -> BadLine | None:
    """Of the first line of a file that is no text."""
    what = next((told for begin, told in _BINARY.items() if line.startswith(begin)), None)
    help = "unpack it, or save it as UTF-8 text: CSV or JSON Lines"
    return None if what is None else BadLine("D104", name, 1, f"this is {what}, not text", help)


def _undecodable(name: str, number: int, body: bytes, error: UnicodeDecodeError) -> BadLine:
    before = len(body[: error.start].decode("utf-8", "replace"))
    help = "convert the file, for example with `iconv -f latin1 -t utf-8`"
    if body.startswith(_UTF16):
        help = "this looks like UTF-16: convert the file, for example with `iconv -f utf-16 -t utf-8`"
    problem = f"byte 0x{body[error.start]:02x} is not UTF-8"
    return BadLine("D104", name, number, problem, help, body.decode("utf-8", "replace"), before + 1)
