"""Trainings that end in the middle, within this process: another one would start with seconds of imports."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import pytest
import torch

from halluc.engine import interrupt
from halluc.engine.checkpoint import CheckpointWriter


@contextmanager
def interrupted_after(steps: int) -> Iterator[None]:
    """The training within is interrupted after so many steps, as if a signal came then."""
    calls = count(1)

    class Asked(interrupt.Interruption):
        requested = property(lambda self: next(calls) >= steps, lambda self, value: None)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(interrupt, "Interruption", Asked)
        yield


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
