"""Lock files: only one process writes at a time. The system releases a lock when its process ends, however it ends."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from halluc.core.errors import HallucError, environment_error
from halluc.core.files import writing
from halluc.core.processes import is_running, start_time

# A lock whose recorded owner has ended may belong to a process that has not written its id yet: it is tried again this
# often, after so many seconds.
_TRIES, _PAUSE = 10, 0.05

_held: set[IO[bytes]] = set()


def _close_in_child() -> None:
    """Close the lock files in a forked child, which would hold the locks after its parent ends.

    The parent's locks remain.
    """
    for file in _held:
        file.close()
    _held.clear()


os.register_at_fork(after_in_child=_close_in_child)


@dataclass(frozen=True)
class Owner:
    """The process that locked a file, as recorded in the file; ``started`` is None if the system does not report it."""

    pid: int
    host: str
    started: str | None

    @classmethod
    def this_process(cls) -> Owner:
        return cls(os.getpid(), socket.gethostname(), start_time(os.getpid()))

    @classmethod
    def read(cls, content: bytes) -> Owner | None:
        """The owner in the content of a lock file; None if it is not written yet."""
        try:
            record = json.loads(content)
            return cls(int(record["pid"]), str(record["host"]), record.get("started"))
        except (ValueError, KeyError, TypeError, AttributeError):
            return None

    def is_elsewhere(self) -> bool:
        return self.host != socket.gethostname()

    def has_ended(self) -> bool:
        """Whether the process does not run any more, as far as this machine can tell; ids are reused."""
        if self.is_elsewhere():
            return False
        if self.pid == os.getpid():
            return self != Owner.this_process()
        now = start_time(self.pid)
        return not is_running(self.pid) or (None not in (now, self.started) and now != self.started)


@contextlib.contextmanager
def locked(file: Path, of: Path, *, waits: bool = False) -> Iterator[None]:
    """Hold the lock ``file``, which is created if it is missing.

    Args:
        of: what the lock is for, for messages.
        waits: whether to wait for another process instead of refusing.

    Raises:
        HallucError R103: another process holds it. E401: the file cannot be written, or has no locks.
    """
    with writing(of):
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o666)
    with os.fdopen(descriptor, "r+b", buffering=0) as lock:
        _take(lock, file, of, waits)
        _held.add(lock)
        try:
            _note_owner(lock, file)
            yield
        finally:
            _held.discard(lock)


def is_held(file: Path) -> bool:
    """Whether a process holds the lock ``file``. It is not created, and links are not followed."""
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_NOFOLLOW)
    except OSError:
        return False
    with os.fdopen(descriptor):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
    return False


def _take(lock: IO[bytes], file: Path, of: Path, waits: bool) -> None:
    for attempt in range(_TRIES):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if waits else fcntl.LOCK_NB))
            return
        except BlockingIOError:
            lock.seek(0)
            owner = Owner.read(lock.read())
            if attempt == _TRIES - 1 or not (owner is None or owner.has_ended()):
                raise _refusal(owner, file, of) from None
            time.sleep(_PAUSE)
        except OSError as error:  # some network file systems have no locks
            message = f"cannot lock {of}: {error.strerror}"
            raise environment_error("E401", message, "put `runs_dir` on a file system that supports locks") from None


def _note_owner(lock: IO[bytes], file: Path) -> None:
    """Write this process into the lock file, in place: on a full disk this works if the file has content already."""
    with writing(file):
        lock.seek(0)
        lock.write(json.dumps(asdict(Owner.this_process())).encode())
        lock.truncate()


def _refusal(owner: Owner | None, file: Path, of: Path) -> HallucError:
    """R103, with the process that holds the lock; a process that has ended is not named."""
    help = f"`fuser -v {file}` shows the process: wait until it ends, or stop it"
    if owner is None:
        return HallucError("R103", f"{of} is being written by another process", help=help)
    if owner.has_ended():
        message = f"{of} is locked: the process that locked it has ended, but a child process still holds the lock"
        return HallucError("R103", message, help=help)
    if owner.is_elsewhere():
        message = f"{of} is being written by process {owner.pid} on host {owner.host}"
        return HallucError("R103", message, help="wait for it, or stop it on that host")
    if owner.pid == os.getpid():
        return HallucError("R103", f"{of} is being written by this process", help="wait until it is finished")
    return HallucError("R103", f"{of} is being written by process {owner.pid}", help="wait for it, or stop it")
