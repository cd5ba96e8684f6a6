"""Which process is alive, and children that end with their parent."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from pathlib import Path


def is_main_process() -> bool:
    """Whether this process is the one of its group (torchrun, accelerate launch) that speaks and writes."""
    return os.environ.get("RANK", "0") == "0"


def is_running(process: int) -> bool:
    """Whether a process of this id runs on this machine; one that has ended and was not waited for does not."""
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass  # it runs, as another user
    return _stat(process)[:1] not in (["Z"], ["X"])  # a zombie, or dead


def start_time(process: int) -> str | None:
    """When a process started, in clock ticks since boot; None where the system does not tell.

    With the id it identifies a process: ids are used again.
    """
    fields = _stat(process)
    return fields[19] if len(fields) > 19 else None


def _stat(process: int) -> list[str]:
    """The fields of /proc/PID/stat (Linux) from the third on; empty elsewhere, and where there is no such process."""
    try:
        # The second field is the name in parentheses, which may hold spaces and parentheses itself.
        return Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


def end_with_parent(by: signal.Signals = signal.SIGKILL) -> None:
    """Ask Linux for a signal when the parent ends, whatever this process is doing then; elsewhere nothing happens."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):  # a C library without it
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(by))


def end_with(parent: int) -> bool:
    """Ask for SIGTERM when the parent ends, so that a checkpoint is written; False if it has ended already."""
    end_with_parent(signal.SIGTERM)
    return os.getppid() == parent


_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
