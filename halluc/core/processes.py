"""Which process is alive, and children that end with their parent."""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import os
import signal
import sys
import threading
from pathlib import Path


def is_running(process: int) -> bool:
    """Whether a process of this id runs on this machine; one that has ended and was not waited for does not."""
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass  # it runs, as another user
    return _state(process) not in ("Z", "X")


def start_time(process: int) -> str | None:
    """When a process started, in clock ticks since boot; None where the system does not tell.

    With the id it identifies a process: ids are used again.
    """
    fields = _stat(process)
    return fields[19] if len(fields) > 19 else None


def _state(process: int) -> str | None:
    fields = _stat(process)
    return fields[0] if fields else None


def _stat(process: int) -> list[str]:
    """The fields of /proc/PID/stat (Linux) from the third on; empty elsewhere, and where there is no such process."""
    try:
        # The second field is the name in parentheses, which may hold spaces and parentheses itself.
        return Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


def end_with_parent(parent: int) -> None:
    """Make this process, which ``multiprocessing`` forked off ``parent``, end when the parent ends, even by SIGKILL."""
    if not _killed_by_kernel(parent):
        threading.Thread(target=_end_after_parent, daemon=True).start()


_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def _killed_by_kernel(parent: int) -> bool:
    """Ask Linux for SIGKILL at the end of the parent; False on other systems, and where it is not granted."""
    if sys.platform != "linux":
        return False
    try:
        prctl = ctypes.CDLL(None, use_errno=True).prctl
    except (OSError, AttributeError):
        return False
    if prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL)) != 0:
        return False
    if os.getppid() != parent:  # it ended before the kernel was asked
        os._exit(1)
    return True


def _end_after_parent() -> None:
    """Wait for the end of the parent: then the pipe closes whose other end it holds."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    with contextlib.suppress(OSError):
        parent.join()
    os._exit(1)
