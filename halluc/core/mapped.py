"""Numbers in temporary files that are mapped into memory, for corpora that are larger than the memory."""

from __future__ import annotations

import contextlib
import mmap
import os
import tempfile
import weakref
from array import array
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple, overload

import numpy

from halluc.core.errors import environment_error
from halluc.core.files import elsewhere, remedy

# The number of bytes that are written or read at a time.
_BLOCK = 1 << 20

# Type codes of ``array``.
IntegerCode = Literal["B", "h", "i", "q", "Q"]


class Reference(NamedTuple):
    """An open file of a running process, for other processes of this machine; device and inode identify the file."""

    code: IntegerCode
    path: str
    device: int
    inode: int


class MappedArray(Sequence[int]):
    """Like ``array.array``, but in a temporary file: the system can evict its pages from memory.

    The file has no name, so it disappears with the last process that has opened it, however that process ends. A slice
    is an ``array``.

    Args:
        code: the type code of ``array``.
        file: the file with the numbers; a new one by default.

    Raises:
        HallucError E401: the temporary folder cannot be written, or its disk is full; also when numbers are added.
    """

    def __init__(self, code: IntegerCode, file: IO[bytes] | None = None) -> None:
        self._code, self._added = code, array(code)  # numbers that are not in the file yet
        with _temporary_file_errors():
            self._file = file or tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - closed with the array
            self._bytes = os.fstat(self._file.fileno()).st_size
        weakref.finalize(self, self._file.close)
        self._view: memoryview | None = None

    @classmethod
    def of(cls, reference: Reference) -> MappedArray:
        """The array of another process.

        Raises:
            OSError: this process cannot open its file.
        """
        file = Path(reference.path).open("rb", buffering=0)  # noqa: SIM115 - closed with the array
        status = os.fstat(file.fileno())
        if (status.st_dev, status.st_ino) != (reference.device, reference.inode):
            raise FileNotFoundError(f"{reference.path} is another file")
        return cls(reference.code, file)

    def reference(self) -> Reference:
        self._write()
        status = os.fstat(self._file.fileno())
        path = f"/proc/{os.getpid()}/fd/{self._file.fileno()}"
        return Reference(self._code, path, status.st_dev, status.st_ino)

    def append(self, number: int) -> None:
        self._added.append(number)
        self._write(_BLOCK)

    def extend(self, numbers: Iterable[int]) -> None:
        self._added.extend(numbers)
        self._write(_BLOCK)

    def frombytes(self, content: bytes) -> None:
        self._added.frombytes(content)
        self._write(_BLOCK)

    def _write(self, least: int = 1) -> None:
        """Write the added numbers to the file if they have at least so many bytes."""
        if len(self._added) * self._added.itemsize < least:
            return
        content = memoryview(self._added).cast("B")
        with _temporary_file_errors():
            while content:
                written = self._file.write(content)
                content, self._bytes = content[written:], self._bytes + written
        self._added, self._view = array(self._code), None

    @property
    def view(self) -> memoryview:
        """The mapped file, with all numbers."""
        self._write()
        if self._view is None:
            with _temporary_file_errors():
                content = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ) if self._bytes else b""
            self._view = memoryview(content).cast(self._code)
        return self._view

    def evict(self) -> None:
        """Unmap the pages that were read, until they are read again."""
        if self._view is not None and isinstance(self._view.obj, mmap.mmap):
            self._view.obj.madvise(mmap.MADV_DONTNEED)

    def __len__(self) -> int:
        return self._bytes // self._added.itemsize + len(self._added)

    def __iter__(self) -> Iterator[int]:
        for start in range(0, len(self), _BLOCK):
            yield from self[start : start + _BLOCK]
            self.evict()

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> array[int]: ...
    def __getitem__(self, index: int | slice) -> int | array[int]:
        numbers = self.view[index]
        return array(self._code, numbers.tobytes()) if isinstance(numbers, memoryview) else numbers

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> numpy.ndarray:
        return numpy.array(self.view, dtype, copy=copy)


def number_array(code: IntegerCode, *, is_mapped: bool) -> MappedArray | array[int]:
    return MappedArray(code) if is_mapped else array(code)


@contextlib.contextmanager
def _temporary_file_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        folder = Path(tempfile.tempdir or os.environ.get("TMPDIR", "/tmp"))
        message = f"cannot write temporary files in {folder}: {error.strerror or error}"
        with elsewhere("set TMPDIR to another folder"):
            raise environment_error("E401", message, remedy(folder, error)) from error
