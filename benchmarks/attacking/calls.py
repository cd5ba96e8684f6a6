"""Calls of halluc in processes that are forked from one that has already imported everything.

So a call needs no time for imports. Its peak memory is an upper bound: it includes torch even if a real call would not
import it.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import pkgutil
import signal
import sys
import time
import traceback
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MOST_SECONDS, MOST_MB = 10, 1024
# The limits beyond which a call is killed. `MOST_SECONDS` is processor time, because other processes may slow a call.
_LONGEST, _LARGEST_MB = 30, 3 * 1024
_SHOWN = 1_000_000
_BIDI = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_CODES_OF_ERRORS = (2, 3, 4, 5)


@dataclass(frozen=True)
class Call:
    """How a command ended: exit code (negative: the signal), output, processor seconds, clock seconds, peak memory."""

    arguments: tuple[str, ...]
    code: int
    out: str
    err: str
    cpu: float
    clock: float
    mb: float
    killed: bool

    @property
    def command(self) -> str:
        return "halluc " + " ".join(one if len(one) < 200 else one[:200] + "…" for one in self.arguments)

    @property
    def refused(self) -> bool:
        """Whether it ended with a proper error: a code, a message and the exit code of a user's mistake."""
        usage = self.code == 2 and ("Usage:" in self.err or "Error:" in self.err)
        return self.code in _CODES_OF_ERRORS and ("error[" in self.err or usage) and not self.crashed

    @property
    def crashed(self) -> bool:
        return self.code == 1 or self.code < 0 or "Traceback (most recent call last)" in self.err

    @property
    def first_error(self) -> str:
        lines = [line for line in self.err.splitlines() if line.strip()]
        if self.crashed and len(lines) > 1:
            return next((line for line in reversed(lines) if "This is a bug" not in line), "")[:200]
        return next((line for line in lines if "error[" in line), lines[-1] if lines else "")[:200]

    def faults(self) -> list[str]:
        """Violations of what holds for all calls."""
        found = []
        for name, text in (("stdout", self.out), ("stderr", self.err)):
            raw = {c for c in set(text) if c in _BIDI or (unicodedata.category(c) == "Cc" and c not in "\n\t\r")}
            if raw:
                found.append(
                    f"raw control characters on {name}: {', '.join(f'U+{ord(c):04X}' for c in sorted(raw)[:4])}"
                )
        if self.code and any(len(line) > 5_000 for line in self.err.splitlines()):
            found.append(f"an error of {max(map(len, self.err.splitlines())):,} characters in one line")
        if self.code not in (0, 130, *_CODES_OF_ERRORS) and not self.crashed:
            found.append(f"exit code {self.code}")
        return found


def import_everything() -> None:
    """Import everything that a child may need; without threads, which a fork does not copy."""
    import torch
    import transformers.models.bert.modeling_bert  # noqa: F401

    import halluc

    torch.set_num_threads(1)
    for module in pkgutil.walk_packages(halluc.__path__, "halluc."):
        if not module.name.endswith("__main__"):
            with contextlib.suppress(ImportError):  # of an extra that is not installed
                importlib.import_module(module.name)
    for name in ("accelerate", "scipy.stats", "sklearn.metrics", "seqeval.metrics", "safetensors.torch"):
        importlib.import_module(name)


@dataclass(frozen=True)
class Started:
    """A running call; ``process`` is the leader of a new session."""

    process: int
    arguments: tuple[str, ...]
    outputs: tuple[Path, Path]
    at: float


def start(
    arguments: Sequence[object],
    cwd: Path,
    logs: Path,
    *,
    name: str = "",
    stdin: Path | None = None,
    before: Callable[[], None] | None = None,
) -> Started:
    """Start ``halluc ARGUMENTS`` in a child of this process; ``before`` is called in the child first."""
    texts, outputs = tuple(map(str, arguments)), (logs / f"out{name}", logs / f"err{name}")
    at = time.monotonic()
    process = os.fork()
    if process == 0:
        _child(texts, cwd, outputs, stdin, before)
    return Started(process, texts, outputs, at)


def finish(started: Started, longest: float = _LONGEST) -> Call:
    """Wait for a call, and kill it if it exceeds the limits."""
    status, usage, killed = _wait(started, longest)
    clock = time.monotonic() - started.at
    code = os.waitstatus_to_exitcode(status)
    out, err = (_read(path) for path in started.outputs)
    cpu = usage.ru_utime + usage.ru_stime
    return Call(started.arguments, code, out, err, cpu, clock, usage.ru_maxrss / 1024, killed)


def _read(path: Path) -> str:
    if not path.exists():  # killed before it could make the file
        return ""
    with path.open("rb") as file:
        return file.read(_SHOWN).decode("utf-8", "replace")


def call(arguments: Sequence[object], cwd: Path, logs: Path, *, longest: float = _LONGEST, **how: Any) -> Call:
    """Run ``halluc ARGUMENTS`` and wait for it; the other arguments are those of ``start``."""
    return finish(start(arguments, cwd, logs, **how), longest)


def _child(
    arguments: tuple[str, ...],
    cwd: Path,
    outputs: tuple[Path, Path],
    stdin: Path | None,
    before: Callable[[], None] | None,
) -> None:
    code = 1
    try:
        os.setsid()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.chdir(cwd)
        os.dup2(os.open(stdin or os.devnull, os.O_RDONLY), 0)
        for descriptor, path in zip((1, 2), outputs, strict=True):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), descriptor)
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
        sys.stdout, sys.stderr = (open(n, "w", 1, encoding="utf-8", closefd=False) for n in (1, 2))  # noqa: SIM115
        sys.argv = ["halluc", *arguments]
        if before is not None:
            before()
        from halluc.__main__ import main

        main()
        code = 0
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except BaseException:  # noqa: BLE001 - like an uncaught exception of a program
        traceback.print_exc()
    finally:
        with contextlib.suppress(BaseException):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _wait(started: Started, longest: float) -> tuple[int, Any, bool]:
    """Wait for the child, kill it if it exceeds the limits, and kill what remains of its session."""
    killed, pause, process = False, 0.002, started.process
    while True:
        done, status, usage = os.wait4(process, os.WNOHANG)
        if done:
            break
        if not killed and (_too_long(started, longest) or _resident_mb(process) > _LARGEST_MB):
            os.killpg(process, signal.SIGKILL)
            killed = True
        time.sleep(pause)
        pause = min(0.02, pause * 1.5)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process, signal.SIGKILL)
    return status, usage, killed


def _too_long(started: Started, longest: float) -> bool:
    """Whether its processor time exceeds the limit, or it is idle or extremely slow by the clock."""
    clock = time.monotonic() - started.at
    if clock < longest:
        return False
    try:
        fields = Path(f"/proc/{started.process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return False
    cpu = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return cpu > longest or cpu < 1 or clock > 4 * longest


def _resident_mb(process: int) -> float:
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
