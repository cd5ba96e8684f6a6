"""Checks whether processes are alive, makes children end with their parent, and permits programs of a config."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from contextlib import AbstractContextManager
from contextvars import ContextVar
from pathlib import Path

from halluc.core.context_values import bound

# Only the user gives this permission, on the command line, and never a config.
_COMMANDS: ContextVar[bool] = ContextVar("commands", default=False)


def is_main_process() -> bool:
    """Whether this is the main process of its group (torchrun, accelerate launch), which prints and writes."""
    return os.environ.get("RANK", "0") == "0"


def is_running(process: int) -> bool:
    """Whether a process with this id runs on this machine; a zombie does not."""
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass  # it runs, but belongs to another user
    return _stat(process)[:1] not in (["Z"], ["X"])  # a zombie, or dead


def start_time(process: int) -> str | None:
    """When a process started, in clock ticks since boot; None if unknown.

    Together with the id it identifies a process: ids are reused.
    """
    fields = _stat(process)
    return fields[19] if len(fields) > 19 else None


def _stat(process: int) -> list[str]:
    """The fields of /proc/PID/stat (Linux) from the third on; empty on other systems, or if there is no such
    process."""
    try:
        # The second field is the name in parentheses, which may contain spaces and parentheses.
        return Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def end_with_parent(by: signal.Signals = signal.SIGKILL) -> None:
    """Ask Linux to signal this process when its parent ends; no effect on other systems."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):  # a C library without prctl
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(by))


def end_with(parent: int) -> bool:
    """Ask for SIGTERM when the parent ends, so that a checkpoint is written; False if it has already ended."""
    end_with_parent(signal.SIGTERM)
    return os.getppid() == parent


def commands_allowed() -> bool:
    """Whether programs that a config names may be started (`--allow-commands`)."""
    return _COMMANDS.get()


def allowing_commands(allowed: bool) -> AbstractContextManager[None]:
    return bound(_COMMANDS, allowed)
