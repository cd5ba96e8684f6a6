"""Runs programs that exchange bytes, in a separate process group, with time and output limits."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from typing import IO

from halluc.augmentation.methods.base import OptionError
from halluc.augmentation.translation.engine import engine_error
from halluc.core.errors import cut

_BLOCK = 1 << 16
# The maximum output: this many times the input, plus a MiB.
_MOST_GROWTH, _SPARE = 64, 1 << 20
_MOST_ERROR_BYTES = 4_096
_SECONDS_TO_END = 2.0


class PipedProgram:
    """One process, or a pipeline of processes, written to and read from at the same time.

    All processes that the program starts are killed with it. ``timeout``: the most seconds without output.

    Raises:
        OptionError E441: it cannot be started.
    """

    def __init__(
        self, name: str, command: Sequence[str], timeout: float, environment: Mapping[str, str] | None = None
    ) -> None:
        self._name, self._timeout = name, timeout
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the program
        try:
            self._process = subprocess.Popen(
                list(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                start_new_session=True,
                env={**os.environ, **(environment or {})},
            )
        except (OSError, ValueError) as error:
            self._errors.close()
            reason = getattr(error, "strerror", None) or str(error)
            help = f"check that `{cut(command[0])}` is installed and can be run"
            raise engine_error(f"{name} cannot be started: {reason}", help, "E441") from None

    def answer_until_end(self, data: bytes) -> bytes:
        """Write ``data``, close the input, and return all output; the exit code must then be 0.

        Raises:
            OptionError E440: it hangs, fails, or writes endlessly.
        """
        answer = self._exchange(data, ends=None)
        try:
            status = self._process.wait(self._timeout)
        except subprocess.TimeoutExpired:
            raise self._kill_with_error(f"did not end within {self._timeout:g} s of its last line") from None
        if status:
            raise self._kill_with_error(_end(status))
        return answer

    def answers(self, data: bytes, end: bytes, count: int) -> list[bytes]:
        """Write ``data`` and return the next ``count`` answers, each terminated by the byte ``end``.

        Raises:
            OptionError E440: the program ends, hangs, or writes too much.
        """
        *answers, rest = self._exchange(data, ends=(end, count)).split(end)
        if len(answers) != count or rest:
            raise self._kill_with_error(f"wrote more than {count} answers")
        return answers

    def _exchange(self, data: bytes, ends: tuple[bytes, int] | None) -> bytes:
        assert self._process.stdin is not None and self._process.stdout is not None
        writer = threading.Thread(target=self._write, args=(data, ends is None), daemon=True)
        writer.start()
        answer, read = bytearray(), self._process.stdout.fileno()
        most, seen = _MOST_GROWTH * len(data) + _SPARE, 0
        while ends is None or seen < ends[1]:
            ready, _, _ = select.select([read], [], [], self._timeout)
            if not ready:
                raise self._kill_with_error(f"gave no answer for {self._timeout:g} s")
            block = os.read(read, _BLOCK)
            if not block:
                if ends is None:
                    break
                raise self._kill_with_error("ended before all answers:  " + _end(self._status()))
            answer += block
            seen += block.count(ends[0]) if ends else 0
            if len(answer) > most:
                raise self._kill_with_error(f"wrote more than {most:,} bytes for {len(data):,}")
        return bytes(answer)

    def _write(self, data: bytes, is_last: bool) -> None:
        pipe = self._process.stdin
        assert pipe is not None
        with contextlib.suppress(OSError, ValueError):  # the program has ended, which the reader reports
            pipe.write(data)
            pipe.flush()
            if is_last:
                pipe.close()

    def _status(self) -> int:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(_SECONDS_TO_END)
        return 0

    def _kill_with_error(self, what: str) -> OptionError:
        """Kill the program; returns the error, with the last line of its standard error."""
        self.close(keep_errors=True)
        with self._errors as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _MOST_ERROR_BYTES))
            lines = file.read().decode("utf-8", "replace").strip().splitlines()
        text = f"; its last message: {cut(lines[-1].strip(), 200)}" if lines else ""
        return engine_error(f"{self._name} {what}{text}")

    def close(self, *, keep_errors: bool = False) -> None:
        """Close the input, wait a moment, then kill the program and its children."""
        with contextlib.suppress(OSError, ValueError):
            if self._process.stdin is not None and not keep_errors:
                self._process.stdin.close()
        if not keep_errors:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_SECONDS_TO_END)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_SECONDS_TO_END)
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError, ValueError):
                if pipe is not None:
                    pipe.close()
        if not keep_errors:
            self._errors.close()


def _end(status: int) -> str:
    return f"it was killed by signal {-status}" if status < 0 else f"exit status {status}"
