"""Files that are whole or absent: written beside, flushed to disk, renamed over."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from halluc.core.errors import HallucError, environment_error


@contextlib.contextmanager
def replacing(path: Path, mode: str = "w") -> Iterator[IO[Any]]:
    """Open a file beside ``path`` for writing; on a clean exit it replaces ``path``, otherwise it is removed.

    Raises:
        HallucError E401: the disk is full, read-only or forbidden; names the file.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    encoding = None if "b" in mode else "utf-8"
    make_folder(path.parent)
    try:
        with beside.open(mode, encoding=encoding, newline=None if "b" in mode else "\n") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        if error.filename is not None and Path(error.filename) not in (beside, path):
            raise  # not about this file: an input that the caller read while writing
        raise unwritable(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)


def make_folder(path: Path) -> None:
    """Make a folder and those above it; raises HallucError E401 where that is forbidden."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(path, error) from error


def unwritable(path: Path, error: OSError) -> HallucError:
    """The error of a file that can not be written, whatever the cause, naming the file."""
    return environment_error("E401", f"cannot write {path}: {error.strerror or error}", remedy(path, error))


_ELSEWHERE = "choose another folder: `runs_dir`, or `--output` of `halluc report`"


def remedy(path: Path, error: OSError) -> str:
    """What helps where ``path`` can not be written, by the cause."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "free space, or choose another `runs_dir`"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"it is forbidden to you: {_ELSEWHERE}"
    if error.errno in (errno.ENOTDIR, errno.EEXIST, errno.EISDIR):
        if path.is_dir():
            return f"{path} is a folder where a file should be: move it away"
        blocking = next((one for one in (path, *path.parents) if one.exists() and not one.is_dir()), None)
        if blocking is not None:
            return f"{blocking} is a file where a folder should be: move it away, or {_ELSEWHERE}"
    return _ELSEWHERE


def sync_folder(folder: Path) -> None:
    """Make a rename inside ``folder`` survive a power cut (POSIX asks for an fsync of the folder too)."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_text(path: Path, text: str) -> None:
    with replacing(path) as file:
        file.write(text)


def replace_link(path: Path, target: str) -> bool:
    """Make ``path`` a symbolic link to ``target``, in the place of what was there; False where links cannot be made.

    Raises:
        HallucError E401: ``path`` is a folder, or the disk is full, read-only or forbidden.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        try:
            beside.unlink(missing_ok=True)
            beside.symlink_to(target)
        except (OSError, NotImplementedError):  # FAT and some network file systems have none
            return False
        beside.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
    return True


def write_json(path: Path, value: Any) -> None:
    """Write indented JSON; NaN and infinity are refused, since they are no JSON."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n")


def write_jsonl(path: Path, records: Iterable[Any]) -> int:
    """Write one JSON object a line; returns how many."""
    count = 0
    with replacing(path) as file:
        for record in records:
            # Lone surrogates cannot be encoded: they are escaped, so that a hostile corpus cannot stop a run.
            file.write(json_line(record) + "\n")
            count += 1
    return count


# Made once: `json.dumps` makes one anew for every line.
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(", ", ": ")).encode


def json_line(record: Any) -> str:
    line = _encode(record)
    if line.isascii():
        return line
    try:
        line.encode("utf-8")
    except UnicodeEncodeError:
        line = json.dumps(record, ensure_ascii=True, allow_nan=False, separators=(", ", ": "))
    # U+2028 and U+2029 end a line for some readers.
    return line.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029").replace("\u0085", "\\u0085")


def replace_folder(path: Path, fill: Callable[[Path], object]) -> None:
    """Fill a folder beside ``path``, then swap it in; an earlier one stays until the new one is whole."""
    import shutil

    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    old = path.with_name(f".{path.name}.{os.getpid()}.old")
    shutil.rmtree(beside, ignore_errors=True)
    make_folder(path.parent)
    try:
        beside.mkdir()
        fill(beside)
        for file in [*beside.rglob("*"), beside]:
            if file.is_dir():
                sync_folder(file)
            else:
                with file.open("rb") as handle:
                    os.fsync(handle.fileno())
        if path.exists():
            path.rename(old)
        beside.rename(path)
        sync_folder(path.parent)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        if old.exists() and not path.exists():
            old.rename(path)  # stopped between the two renames
        shutil.rmtree(beside, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def recover(folder: Path) -> None:
    """Put right what a killed process left in ``folder``; call it as the only writer.

    A folder that was set aside for a new one comes back where the new one did not arrive; half-written files go.
    """
    import shutil

    for left in sorted(folder.glob(".*.*.old")) if folder.is_dir() else ():
        target = folder / left.name.removeprefix(".").rsplit(".", 2)[0]
        if target.exists():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.rename(target)
    for left in folder.glob(".*.*.tmp") if folder.is_dir() else ():
        if left.is_dir():
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
# File systems whose files are made up by the kernel while they are read: they can be endless, or block.
_VIRTUAL = ("/proc", "/sys")


def irregular(path: Path) -> str | None:
    """What ``path`` is, where it exists and is no regular file on a disk, such as ``a character device``; else None.

    Such a file may be endless or block its reader, and cannot be read twice.
    """
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    kind = next((name for matches, name in _KINDS if matches(found.st_mode)), None)
    if kind is None and any(found.st_dev == _device(Path(folder)) for folder in _VIRTUAL):
        return "a file of the kernel"
    return kind


def _device(folder: Path) -> int | None:
    try:
        return folder.stat().st_dev
    except OSError:
        return None


def expanded(reference: str) -> Path:
    """A path with the home folder in the place of ``~``.

    Raises:
        HallucError C005: there is no such home folder.
    """
    path = Path(reference)
    try:
        return path.expanduser()
    except RuntimeError:
        raise HallucError("C005", f"there is no home folder `{path.parts[0]}`") from None


def sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def line_at(path: Path, number: int) -> str | None:
    """Line ``number`` (from 1) of a text file, or None where it cannot be had."""
    try:
        with path.open("rb") as file:
            for current, line in enumerate(file, 1):
                if current == number:
                    return line.rstrip(b"\r\n").decode("utf-8", "replace")
    except OSError:
        return None
    return None
