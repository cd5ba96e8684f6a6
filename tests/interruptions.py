"""Trainings that end in the middle, within this process: another one would start with seconds of imports."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch

from halluc.engine.checkpoint import CheckpointWriter


class KilledFit(BaseException):
    """In the place of SIGKILL: nothing but a test expects it."""


@contextmanager
def killed_after_a_checkpoint() -> Iterator[None]:
    """The training within ends once its first checkpoint is written; the process after it draws other numbers."""
    real = CheckpointWriter.begin

    def begin(self: CheckpointWriter, *arguments: Any) -> None:
        real(self, *arguments)
        self.written(wait=True)
        raise KilledFit

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(CheckpointWriter, "begin", begin)
        with pytest.raises(KilledFit):
            yield
    torch.manual_seed(99)
