"""How much memory there is and processes use, and memory while many records are read at once."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """Keep Python's cycle collector out of a stretch that makes many objects and no cycles, such as reading records.

    It would go through all of them again and again as they grow: a ledger is then read in three times the time.
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
    """Bytes that processes may still take: of this machine, or of the container where that has less; None where the
    system does not tell (it is no Linux)."""
    machine = _fields(Path("/proc/meminfo")).get("MemAvailable")
    if machine is None:
        return None
    try:
        most, now = ((_CONTROL_GROUP / name).read_text() for name in ("memory.max", "memory.current"))
        # Pages of files are given back when memory is short.
        files = _fields(_CONTROL_GROUP / "memory.stat").get("inactive_file", 0)
        return min(machine * 1024, int(most) - int(now) + files)
    except (OSError, ValueError):  # no control group, or one without a limit ("max")
        return machine * 1024


def of_process(process: int) -> tuple[int, int]:
    """Bytes of memory that a process takes now, and the most it has taken; zeros where that is not known."""
    result = _fields(Path(f"/proc/{process}/status"))
    return result.get("VmRSS", 0) * 1024, result.get("VmHWM", 0) * 1024


def _fields(file: Path) -> dict[str, int]:
    """The numbers in a file of lines such as ``VmRSS:  512 kB``; none where it cannot be read."""
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    parts = (line.replace(":", " ").split() for line in lines)
    return {part[0]: int(part[1]) for part in parts if len(part) > 1 and part[1].isdecimal()}
