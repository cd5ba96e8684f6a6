"""The process of one cell on this machine."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from halluc.core.errors import environment_error
from halluc.core.files import unwritable
from halluc.launch.orders import COMMAND, PARENT, CellOrder


class CellProcess:
    """It ends when this process ends, and is in its own process group: Ctrl-C in a terminal does not reach it.

    Raises:
        HallucError E401: ``log``, to which its output is appended, cannot be written. E430: there is no memory for
            another process, or there are too many.
    """

    def __init__(self, order: CellOrder, log: Path, environment: Mapping[str, str], folder: Path | None = None) -> None:
        self.answers = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the process has ended
        try:
            with log.open("ab") as file, tempfile.TemporaryFile() as text:
                text.write(order.to_json().encode())
                text.seek(0)
                self.process = subprocess.Popen(
                    COMMAND, stdin=text, stdout=self.answers, stderr=file, cwd=folder, process_group=0,
                    env={**environment, PARENT: str(os.getpid())},
                )  # fmt: skip
        except OSError as error:
            if error.errno in (errno.ENOMEM, errno.EAGAIN):
                message = f"cannot start a process: {error.strerror}"
                raise environment_error(
                    "E430", message, "free memory, or run fewer cells in parallel (`--jobs`)"
                ) from None
            raise unwritable(log, error) from error

    def ended(self) -> tuple[int, str] | None:
        """The exit code, negative for the signal that killed it, and its answers; None while it runs."""
        code = self.process.poll()
        if code is None:
            return None
        with self.answers:
            self.answers.seek(0)
            return code, self.answers.read().decode("utf-8", "replace")

    def stop(self) -> None:
        """Ask it to write a checkpoint and exit."""
        self.process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Kill it at once, with all processes that it has started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.answers.close()
