"""Fully sharded data parallelism (FSDP; Zhao et al. 2023, arXiv 2304.11277; ``fully_shard`` of torch).

Each process keeps a part of the weights, gradients and moments; the weights of a layer are gathered while it is
computed. Checkpoints have whole tensors, so that they do not depend on the number of processes.
"""

from __future__ import annotations

import warnings
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import torch
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

from halluc.engine.layers import layers_of
from halluc.engine.runtime import Runtime


@dataclass(frozen=True)
class WholeState:
    """The state of an optimizer in plain tensors."""

    state: dict[str, Any]

    def state_dict(self) -> dict[str, Any]:
        return self.state


class ShardedModel:
    """Shards a model in place. ``copy`` is an unsharded model, for evaluations and checkpoints.

    Every process must call each method.
    """

    def __init__(self, model: torch.nn.Module, runtime: Runtime) -> None:
        self.is_main = runtime.is_main
        self.copy = deepcopy(model).to(runtime.device if self.is_main else "cpu")
        # Device and autocast, without DistributedDataParallel.
        self.model: Any = runtime.accelerator.prepare_model(model, evaluation_mode=True)
        mesh = init_device_mesh(runtime.device.type, (runtime.ranks,))
        for layer in layers_of(model):
            fully_shard(layer, mesh=mesh)
        fully_shard(model, mesh=mesh)
        # The warning is about in-place changes of logits, which no loss makes.
        warnings.filterwarnings("ignore", message="FSDP2-wrapped module .* returned a view tensor")

    @staticmethod
    def unsharded(tensor: torch.Tensor) -> torch.Tensor:
        """A sharded tensor as a plain one, in every process; other tensors unchanged."""
        return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor

    def gather(self) -> None:
        """Give ``copy`` the weights of the model."""
        own = self.copy.state_dict()
        with torch.no_grad():
            for name, tensor in self.model.state_dict().items():
                own[name].copy_(self.unsharded(tensor))

    def scatter(self, optimizer: Any) -> None:
        """Give the model the weights of ``copy``, and shard the state of its optimizer, which was loaded whole."""
        own = self.copy.state_dict()
        with torch.no_grad():
            for name, tensor in self.model.state_dict().items():
                tensor.copy_(_sharded(own[name].to(tensor.device), tensor))
        for parameter, state in optimizer.state.items():
            state.update({name: _sharded(one, parameter) for name, one in state.items() if one.ndim})

    def whole_state(self, optimizer: Any) -> WholeState:
        """The state of an optimizer of the sharded model; without tensors in other processes than the main one."""
        state = optimizer.state_dict()
        each: dict[Any, Any] = {}
        for key, moments in state["state"].items():
            for name, tensor in moments.items():
                whole = self.unsharded(tensor)
                if self.is_main:
                    each.setdefault(key, {})[name] = whole.cpu()
        return WholeState({**state, "state": each})


def _sharded(tensor: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    if not isinstance(like, DTensor) or isinstance(tensor, DTensor):
        return tensor
    return distribute_tensor(tensor, like.device_mesh, like.placements)
