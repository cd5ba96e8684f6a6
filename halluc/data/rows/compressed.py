"""The bytes of files and streams: decompressed, converted to UTF-8 and to line feeds, in bounded memory."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import shlex
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from halluc.core.errors import HallucError, Location, data_error

# The largest compression ratio, which for text is 3 to 10, and the number of bytes up to which any ratio is allowed.
_MOST_RATIO, _ALWAYS_UNPACKED = 100, 1 << 24
_GZIP, _BZIP2, _XZ, _ZIP = b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"PK\x03\x04"
_NAMES = {_GZIP: "gzip", _BZIP2: "bzip2", _XZ: "xz", _ZIP: "a ZIP archive"}
_COMMANDS = {_GZIP: "gzip -dc", _BZIP2: "bzip2 -dc", _XZ: "xz -dc", _ZIP: "unzip -p"}
_UNPACKERS: dict[bytes, Callable[[io.BufferedReader], Any]] = {
    _GZIP: lambda file: gzip.GzipFile(fileobj=file, mode="rb"),
    _BZIP2: bz2.BZ2File,
    _XZ: lzma.LZMAFile,
}
_LONGEST_MAGIC = max(map(len, _NAMES))
# RuntimeError: a ZIP archive with a password, or with a compression that Python does not support.
_DAMAGES = (EOFError, zlib.error, gzip.BadGzipFile, lzma.LZMAError, zipfile.BadZipFile, RuntimeError)


def is_packed(begin: bytes) -> bool:
    """Whether a file is packed, by its first bytes."""
    return begin.startswith(tuple(_NAMES))


class Blocks:
    """The bytes of a stream as UTF-8, decompressed if they are gzip, bzip2, xz or a ZIP archive of one file.

    ``damage`` is the reason why compressed bytes cannot be read any further, None before; ``is_packed`` is valid after
    the first block.
    """

    def __init__(self, stream: io.BufferedIOBase, name: str, size: int, encoding: str = "utf-8") -> None:
        self.damage: str | None = None
        self._raw = self._stream = stream
        self._name, self._size = name, size
        self._magic: bytes | None = None
        self._packed_size: Callable[[], int] = lambda: 0
        self._unpacked = self._lines = 0
        self._begins = True
        self._encoding = encoding
        is_utf8 = codecs.lookup(encoding).name in ("utf-8", "utf-8-sig", "ascii")
        self._decoder = None if is_utf8 else codecs.getincrementaldecoder(encoding)()
        self._has_bare_returns: bool | None = None

    @property
    def is_packed(self) -> bool:
        return self._magic is not None

    def position(self) -> int:
        """The number of bytes read from the stream itself."""
        return self._raw.tell()

    def next(self) -> bytes:
        """The next bytes, at most ``size`` if they are UTF-8; empty at the end. It waits for the first byte.

        Raises:
            HallucError D101: the stream cannot be read. D103: it decompresses to far more than its size. D104: a byte
                that is invalid in the encoding.
        """
        block = self._decoded()
        if self._has_bare_returns is None:
            # In the first block with a line end: does a carriage return alone end a line, as on old Macs? The line feed
            # of a CRLF may be in the next block.
            while block.endswith(b"\r") and b"\n" not in block and (more := self._decoded()):
                block += more
            if b"\n" in block or b"\r" in block:
                self._has_bare_returns = b"\n" not in block
        return block.replace(b"\r", b"\n") if self._has_bare_returns else block

    def _decoded(self) -> bytes:
        if self._decoder is None:
            return self._read()
        while True:
            block = self._read()
            try:
                text = self._decoder.decode(block, final=not block)
            except UnicodeError as error:
                line, problem = self._lines + 1, f"not {self._encoding}: {error}"
                if isinstance(error, UnicodeDecodeError):  # not for UTF-16 without a byte order mark
                    line += error.object[: error.start].count(b"\n")
                    problem = f"byte 0x{error.object[error.start]:02x} is not {self._encoding}"
                raise data_error("D104", problem, Location(self._name, line), "see `data.encoding`") from None
            self._lines += text.count("\n")
            if text or not block:
                return text.encode("utf-8", "surrogatepass")

    def _read(self) -> bytes:
        # ``read1`` leaves nothing in the stream's buffer, so ``select`` sees all available bytes.
        try:
            block: bytes = self._stream.read1(self._size)
            if self._begins:
                self._begins = False
                block = self._first_block(block)
        except _DAMAGES as error:
            return self._damaged(str(error))
        except OSError as error:
            if error.errno is None and self.is_packed:  # the module bz2 reports damage as OSError
                return self._damaged(str(error))
            raise unreadable(self._name, error) from None
        self._unpacked += len(block)
        if self._magic is not None and self._unpacked > max(_ALWAYS_UNPACKED, _MOST_RATIO * self._packed_size()):
            what = "ZIP" if self._magic == _ZIP else _NAMES[self._magic]
            message = f"this {what} file unpacks to more than {_MOST_RATIO} times its size and may fill memory or disk"
            help = f"if you trust it, {self._unpacking_command(self._magic)}"
            raise data_error("D103", message, Location(self._name), help)
        return block

    def _damaged(self, why: str) -> bytes:
        self.damage = f"{_NAMES[self._magic or _GZIP]}: {why}"
        return b""

    def _first_block(self, block: bytes) -> bytes:
        """The first block, decompressed if it begins like a compressed file, as all further blocks then are."""
        while block and len(block) < _LONGEST_MAGIC and any(magic.startswith(block) for magic in _NAMES):
            if not (more := self._stream.read1(self._size)):
                break
            block += more
        self._magic = next((magic for magic in _NAMES if block.startswith(magic)), None)
        if self._magic is None:
            return block
        if self._magic == _ZIP:
            self._stream = self._only_member()
        else:
            packed = _Rejoined(block, self._stream)
            self._packed_size = lambda: packed.count
            self._stream = _UNPACKERS[self._magic](io.BufferedReader(packed))
        return self._stream.read1(self._size)

    def _only_member(self) -> Any:
        """The only file in a ZIP archive.

        Raises:
            HallucError D104: the archive has none or several, or comes through a pipe.
        """
        where = Location(self._name)
        if not self._raw.seekable():
            message = "a ZIP archive cannot be read from a pipe"
            help = "unpack it in the pipe: `unzip -p ARCHIVE | …`"
            raise data_error("D104", message, where, help)
        archive = zipfile.ZipFile(self._raw)
        members = [one for one in archive.infolist() if not one.is_dir() and not one.filename.startswith("__MACOSX/")]
        if any(one.filename == "[Content_Types].xml" for one in members):
            raise data_error(
                "D104", "this is a spreadsheet or another office document, not text", where, "save it as CSV"
            )
        if len(members) != 1:
            listed = ", ".join(one.filename for one in members[:5]) or "nothing"
            message = f"a ZIP archive with {len(members)} files ({listed}), but only one can be read"
            help = "unpack it and use the right file"
            raise data_error("D104", message, where, help)
        self._packed_size = lambda: members[0].compress_size
        return archive.open(members[0])

    def _unpacking_command(self, magic: bytes) -> str:
        """The advice to decompress the file with a command."""
        command = _COMMANDS[magic]
        if not Path(self._name).is_file():  # standard input, or a named pipe
            return f"unpack it in the pipe with `{command}`"
        name = str(Path(self._name).with_suffix("")) if Path(self._name).suffix in _SUFFIXES else self._name
        new = f"{name}.unpacked" if name == self._name or Path(name).exists() else name
        source = ("" if magic == _ZIP else "< ") + shlex.quote(self._name)
        return f"unpack it and use the new file: `{command} {source} > {shlex.quote(new)}`"


_SUFFIXES = (".gz", ".bz2", ".xz", ".zip")


def unpacked_name(name: str) -> str:
    """A file's name in lower case, without the suffix of its compression."""
    lower = name.lower()
    return next((lower.removesuffix(suffix) for suffix in _SUFFIXES if lower.endswith(suffix)), lower)


class _Rejoined(io.RawIOBase):
    """A stream preceded by bytes that were already read from it; ``count`` is the number of bytes read so far."""

    def __init__(self, head: bytes, stream: io.BufferedIOBase) -> None:
        self.count, self._head, self._tail = 0, head, stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        part = self._head[: len(buffer)] or self._tail.read1(len(buffer))
        self._head = self._head[len(part) :]
        buffer[: len(part)] = part
        self.count += len(part)
        return len(part)


def unreadable(name: str, error: OSError) -> HallucError:
    return data_error("D101", f"cannot read {name}: {error.strerror or error}")
