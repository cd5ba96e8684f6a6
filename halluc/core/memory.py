"""Available memory, memory use of processes, and faster reading of many records."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """Disable the cyclic garbage collector while many objects without cycles are created.

    The collector would traverse all of them repeatedly: reading a ledger would take three times as long.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


_CONTROL_GROUP = Path("/sys/fs/cgroup")


def available() -> int | None:
    """Bytes of free memory, on this machine or in its container if that has less; None if unknown (not Linux)."""
    machine = _fields(Path("/proc/meminfo")).get("MemAvailable")
    if machine is None:
        return None
    try:
        most, now = ((_CONTROL_GROUP / name).read_text() for name in ("memory.max", "memory.current"))
        # Cached pages of files are released when memory is short.
        files = _fields(_CONTROL_GROUP / "memory.stat").get("inactive_file", 0)
        return min(machine * 1024, int(most) - int(now) + files)
    except (OSError, ValueError):  # no control group, or one without a limit ("max")
        return machine * 1024


def of_process(process: int) -> tuple[int, int]:
    """Bytes of memory that a process uses now, and its maximum so far; zeros if unknown."""
    fields = _fields(Path(f"/proc/{process}/status"))
    return fields.get("VmRSS", 0) * 1024, fields.get("VmHWM", 0) * 1024


def _fields(file: Path) -> dict[str, int]:
    """The numbers in a file of lines such as ``VmRSS:  512 kB``; empty if it cannot be read."""
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    parts = (line.replace(":", " ").split() for line in lines)
    return {part[0]: int(part[1]) for part in parts if len(part) > 1 and part[1].isdecimal()}
