"""A copy of a checkpoint's content, made while training waits and written while it continues."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import torch

from halluc.engine.averaging import WeightAverage, Weights
from halluc.engine.progress import Progress


@dataclass
class Snapshot:
    """The content of a checkpoint, copied to CPU memory; training continues while it is written."""

    weights: dict[str, torch.Tensor]
    optimizer: Any
    progress: Progress
    epoch: int
    average: Weights | None = None


def snapshot(
    model: torch.nn.Module,
    optimizer: Any,
    progress: Progress,
    epoch: int,
    reuse: Snapshot | None = None,
    average: WeightAverage | None = None,
) -> Snapshot:
    """Copy weights and optimizer state to CPU memory, into the tensors of ``reuse`` if they fit.

    Allocating memory takes ten times as long as the copy itself (page faults), so the caller keeps one snapshot and
    reuses it. Tensors that share memory are copied separately, as safetensors requires.
    """
    weights = _copied(dict(model.state_dict()), reuse.weights if reuse else None)
    state = _copied(optimizer.state_dict(), reuse.optimizer if reuse else None)
    averaged = _copied(average.state(), reuse.average if reuse else None) if average is not None else None
    return Snapshot(weights, state, copy.copy(progress), epoch, averaged)


def _copied(value: Any, into: Any) -> Any:
    if isinstance(value, torch.Tensor):
        fits = isinstance(into, torch.Tensor) and (into.shape, into.dtype) == (value.shape, value.dtype)
        target = into if fits else torch.empty(value.shape, dtype=value.dtype, device="cpu")
        return target.copy_(value.detach())
    if isinstance(value, dict):
        old = into if isinstance(into, dict) else {}
        return {key: _copied(one, old.get(key)) for key, one in value.items()}
    if isinstance(value, list):
        same = isinstance(into, list) and len(into) == len(value)
        return [_copied(one, into[index] if same else None) for index, one in enumerate(value)]
    return value
