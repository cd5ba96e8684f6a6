"""Files that are replaced atomically: written under a temporary name, flushed to disk, then renamed."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import io
import itertools
import json
import os
import re
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import IO, Any, Literal

from halluc.core.context_values import bound
from halluc.core.errors import HallucError, environment_error

# The temporary name of a file or folder that replaces `name`, or was moved aside for it, with the id of the process.
_TEMPORARY = re.compile(r"\.(?P<name>.+)\.(?P<process>\d+)\.(?P<kind>tmp|old)", re.DOTALL)
# A temporary link that is older (seconds) is a leftover of a killed process: links cannot be locked.
_LINK_AGE = 60


def temporary_path(path: Path, kind: Literal["tmp", "old"] = "tmp") -> Path:
    """The temporary path that this process writes before it replaces ``path``."""
    return path.with_name(f".{path.name}.{os.getpid()}.{kind}")


def temporary_name(name: str) -> re.Match[str] | None:
    """The groups ``name``, ``process`` and ``kind`` of a name made by ``temporary_path``; None for other names."""
    return _TEMPORARY.fullmatch(name)


@contextlib.contextmanager
def replacing(path: Path, mode: Literal["w", "wb"] = "w") -> Iterator[IO[Any]]:
    """Open a temporary file next to ``path`` for writing; on a clean exit it replaces ``path``, otherwise it is
    removed.

    Temporary files of killed processes are removed first. Those of running processes are locked, and stay.

    Raises:
        HallucError E401: the disk is full, read-only or forbidden; the message names the file.
    """
    new = temporary_path(path)
    make_folder(path.parent)
    try:
        _remove_leftovers(path)
        with _opened_locked(new, mode) as file:
            try:
                yield file
                file.flush()
                os.fsync(file.fileno())
                new.replace(path)
            except BaseException:
                with contextlib.suppress(OSError):  # the first error is the one to report
                    new.unlink()  # while it is still locked: afterwards another process may own it
                    file.close()
                raise
        sync_folder(path.parent)
    except OSError as error:
        if error.filename is not None and Path(error.filename) not in (new, path, path.parent):
            raise  # not an error of this file: of an input that the caller read while writing
        raise unwritable(path, error) from error


def _opened_locked(path: Path, mode: Literal["w", "wb"]) -> IO[Any]:
    """Open ``path`` for writing and lock it, so that no other process removes it as a leftover."""
    encoding, newline = (None, None) if "b" in mode else ("utf-8", "\n")
    while True:
        # Truncated only after it is locked: a process on another host may have the same id.
        file = open(path, mode, encoding=encoding, newline=newline, opener=_without_truncation)  # noqa: SIM115
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError:  # a file system without locks: leftovers stay
            file.truncate(0)
            return file
        if _is_same_file(path, file):
            file.truncate(0)
            return file
        file.close()  # it was removed as a leftover, or renamed, before it was locked


def _without_truncation(path: str, flags: int) -> int:
    return os.open(path, flags & ~os.O_TRUNC, 0o666)


def _is_same_file(path: Path, file: IO[Any]) -> bool:
    """Whether ``path`` still names the file that was opened."""
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def _remove_leftovers(path: Path) -> None:
    """Remove the unfinished files of killed processes, on any host, that were writing ``path``."""
    with os.scandir(path.parent) as entries:
        named = ((entry, temporary_name(entry.name)) for entry in entries)
        leftovers = [entry for entry, match in named if match and (match["name"], match["kind"]) == (path.name, "tmp")]
    for entry in leftovers:
        with contextlib.suppress(OSError):  # locked, already removed, of another user, or the file system has no locks
            _remove_if_left(entry)


def _remove_if_left(entry: os.DirEntry[str]) -> None:
    left = Path(entry.path)
    if entry.is_symlink():
        if time.time() - left.lstat().st_mtime > _LINK_AGE:
            left.unlink()
    elif entry.is_file():  # folders are repaired by ``recover``
        with left.open("rb+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_same_file(left, file):
                left.unlink()


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Raise HallucError E401 for ``path`` instead of any OSError in the block."""
    try:
        yield
    except OSError as error:
        raise unwritable(path, error) from error


def make_folder(path: Path) -> None:
    """Create a folder and its parents; raises HallucError E401 if that is not possible."""
    with writing(path):
        path.mkdir(parents=True, exist_ok=True)


def unwritable(path: Path, error: OSError) -> HallucError:
    """The error for a file that cannot be written."""
    return environment_error("E401", f"cannot write {path}: {error.strerror or error}", remedy(path, error))


TO_OUTPUT = "choose another path for `--output`"
_elsewhere: ContextVar[str] = ContextVar("_elsewhere", default="choose another `runs_dir`")


def elsewhere(advice: str) -> contextlib._GeneratorContextManager[None]:
    """Set what errors about unwritable files suggest besides fixing the cause, such as another `--output`; also a
    decorator."""
    return bound(_elsewhere, advice)


def remedy(path: Path, error: OSError) -> str:
    """The advice for ``path``, which cannot be written because of ``error``."""
    other = _elsewhere.get()
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"free disk space, or {other}"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"you have no write permission there: get it, or {other}"
    if error.errno in (errno.ENOTDIR, errno.EEXIST, errno.EISDIR):
        if path.is_dir():
            return f"{path} is a folder where a file should be: move it away"
        blocking = next((one for one in (path, *path.parents) if one.exists() and not one.is_dir()), None)
        if blocking is not None:
            return f"{blocking} is a file where a folder should be: move it away, or {other}"
    return other


def sync_folder(folder: Path) -> None:
    """Make a rename inside ``folder`` survive a power failure (POSIX requires an fsync of the folder too)."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_text(path: Path, text: str) -> None:
    with replacing(path) as file:
        file.write(text)


def replace_link(path: Path, target: str) -> bool:
    """Atomically make ``path`` a symbolic link to ``target``; False if links are not supported.

    Raises:
        HallucError E401: ``path`` is a folder, or the disk is full, read-only or forbidden.
    """
    new = temporary_path(path)
    try:
        _remove_leftovers(path)
        try:
            new.unlink(missing_ok=True)
            new.symlink_to(target)
        except (OSError, NotImplementedError):  # FAT and some network file systems do not support links
            return False
        new.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            new.unlink(missing_ok=True)
    return True


def write_json(path: Path, value: Any) -> None:
    """Write indented JSON; NaN and infinity are refused, since JSON does not have them."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n")


def write_jsonl(path: Path, records: Iterable[Any]) -> int:
    """Write one JSON object per line; returns their number."""
    count = 0
    with replacing(path) as file:
        for record in records:
            # Lone surrogates cannot be encoded. They are escaped, so that a malformed corpus does not stop a run.
            file.write(json_line(record) + "\n")
            count += 1
    return count


# `json.dumps` would create a new encoder for every line.
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(", ", ": ")).encode


def json_line(record: Any) -> str:
    line = _encode(record)
    if line.isascii():
        return line
    try:
        line.encode("utf-8")
    except UnicodeEncodeError:
        line = json.dumps(record, ensure_ascii=True, allow_nan=False, separators=(", ", ": "))
    # Some readers treat U+2028 and U+2029 as line ends.
    return line.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029").replace("\u0085", "\\u0085")


def replace_folder(path: Path, fill: Callable[[Path], object]) -> None:
    """Fill a temporary folder next to ``path``, then replace ``path`` by it, once it is complete."""
    import shutil

    new, old = temporary_path(path), temporary_path(path, "old")
    shutil.rmtree(new, ignore_errors=True)
    make_folder(path.parent)
    try:
        new.mkdir()
        fill(new)
        mode = stat.S_IMODE(new.stat().st_mode) & 0o666
        for file in [*new.rglob("*"), new]:
            if file.is_dir():
                sync_folder(file)
            else:
                with contextlib.suppress(PermissionError):  # file systems without permissions
                    file.chmod(mode)  # safetensors writes files that only their owner can read
                with file.open("rb") as handle:
                    os.fsync(handle.fileno())
        if path.exists():
            path.rename(old)
        new.rename(path)
        sync_folder(path.parent)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        if old.exists() and not path.exists():  # interrupted between the two renames
            with contextlib.suppress(OSError):  # the first error is the one to report; ``recover`` tries again
                old.rename(path)
        shutil.rmtree(new, ignore_errors=True)
        if path.exists():
            shutil.rmtree(old, ignore_errors=True)


def recover(folder: Path) -> None:
    """Repair ``folder`` after a process was killed; call it as the only writer.

    A folder that was moved aside is restored if its replacement is missing; unfinished files are removed.
    """
    import shutil

    for left in sorted(folder.iterdir()) if folder.is_dir() else ():
        match = temporary_name(left.name)
        if match is None:
            continue
        if match["kind"] == "old" and not (folder / match["name"]).exists():
            left.rename(folder / match["name"])
        elif left.is_dir() and not left.is_symlink():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)


_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISCHR, "a character device"),
    (stat.S_ISBLK, "a block device"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
)
# Virtual file systems: the kernel generates their files during a read, which can be endless, or block.
_VIRTUAL = ("/proc", "/sys")


def irregular(path: Path) -> str | None:
    """The type of ``path`` if it is not a regular file on a disk, such as ``a character device``; None if it is or does
    not exist.

    Such a file may be endless or block its reader, and cannot be read twice.
    """
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    kind = next((name for matches, name in _KINDS if matches(status.st_mode)), None)
    root = _device(Path("/"))  # in a container without /sys this may be an empty folder of the root file system
    if kind is None and any(status.st_dev == _device(Path(folder)) != root for folder in _VIRTUAL):
        return "a kernel file"
    return kind


def _device(folder: Path) -> int | None:
    try:
        return folder.stat().st_dev
    except OSError:
        return None


def open_regular(path: Path) -> io.BufferedReader:
    """Open a regular file for reading. Others are refused: a pipe would block its reader, a device may never end.

    Raises:
        OSError: it is not there, may not be read, or is irregular.
    """
    kind = irregular(path)
    if kind is not None:
        raise OSError(errno.EINVAL, f"it is {kind}, not a regular file", str(path))
    return path.open("rb")


def read_regular(path: Path) -> bytes:
    """The bytes of a regular file; raises OSError like ``open_regular``."""
    with open_regular(path) as file:
        return file.read()


def expanded(reference: str) -> Path:
    """A path with ``~`` replaced by the home folder.

    Raises:
        HallucError C005: there is no such home folder.
    """
    path = Path(reference)
    try:
        return path.expanduser()
    except RuntimeError:
        raise HallucError("C005", f"there is no home folder `{path.parts[0]}`") from None


def sha256_of(path: Path) -> str:
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def line_at(path: Path, number: int) -> str | None:
    """Line ``number`` (from 1) of a text file, or None if it cannot be read."""
    try:
        with path.open("rb") as file:
            line = next(itertools.islice(file, number - 1, None), None)
    except OSError:
        return None
    return None if line is None else line.rstrip(b"\r\n").decode("utf-8", "replace")
