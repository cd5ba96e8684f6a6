"""Checkpoints are written in a thread while training goes on, one at a time."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch

from halluc.engine import checkpoint
from halluc.engine.checkpoint import Keep, Progress, Snapshot


class CheckpointWriter:
    """Writes to ``folder`` from one copy of weights and optimizer state, which is reused.

    The main thread only makes the copy. If the checkpoint before is still being written, ``begin`` waits for it: there
    is never a second copy in memory, and none is left out.
    """

    def __init__(self, folder: Path, keep: Keep) -> None:
        self.folder, self.keep = folder, keep
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="checkpoint")
        self._copy: Snapshot | None = None
        self._writing: Future[Path] | None = None

    def begin(self, model: torch.nn.Module, optimizer: Any, progress: Progress, epoch: int) -> None:
        """Copy what stands now and write it in the background; call ``written`` before, for the one in progress."""
        assert self._writing is None, "one at a time"
        self._copy = checkpoint.snapshot(model, optimizer, progress, epoch, self._copy)
        self._writing = self._thread.submit(checkpoint.write, self.folder, self._copy, self.keep)

    def written(self, *, wait: bool) -> Path | None:
        """The checkpoint that has been written since the last call; None where none has.

        Raises:
            HallucError E401: it could not be written, the disk being full or read-only.
        """
        if self._writing is None or not (wait or self._writing.done()):
            return None
        done, self._writing = self._writing, None
        return done.result()

    def close(self) -> None:
        """Wait for the thread, whatever becomes of its checkpoint, and free the copy."""
        self._thread.shutdown(wait=True)
        self._copy = None
