"""Gradients of large embeddings as the rows that a batch touched, and AdamW on them.

The dense gradient of a vocabulary's matrix is as large as the matrix, 384 MB for 250,000 pieces of 384, and nearly all
zeros. Here the rows are kept, and AdamW goes over the matrix in parts, with the dense gradient of one part at a time.
The arithmetic is torch's: rows without a gradient decay, and move with their momentum, as under the dense gradient.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.optim.adamw import adamw

# Elements of the matrix that AdamW takes at a time: 8 MB, which the processor's cache may hold.
PART = 1 << 21


class RowGradients:
    """For each weight (rows, columns) the sorted rows that have a gradient, and those gradients."""

    def __init__(self) -> None:
        self.found: dict[torch.nn.Parameter, tuple[torch.Tensor, torch.Tensor]] = {}

    def add(self, weight: torch.nn.Parameter, rows: torch.Tensor, sums: torch.Tensor) -> None:
        """Accumulate: ``rows`` are distinct and sorted, ``sums`` (rows, columns)."""
        if weight in self.found:
            earlier, before = self.found[weight]
            rows, places = torch.unique(torch.cat([earlier, rows]), return_inverse=True)
            sums = sums.new_zeros(len(rows), sums.shape[1]).index_add_(0, places, torch.cat([before, sums]))
        self.found[weight] = rows, sums

    def clip(self, model: torch.nn.Module, most: float) -> torch.Tensor:
        """Scale all gradients of the model so that their common norm is at most ``most``; returns what it was."""
        for weight in [weight for weight in self.found if weight.grad is not None]:
            # A weight that is used otherwise too, such as a tied output layer: it has a dense gradient anyway.
            rows, sums = self.found.pop(weight)
            assert weight.grad is not None
            weight.grad[rows] += sums
        gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
        gradients += [sums for _, sums in self.found.values()]
        norm = torch.nn.utils.get_total_norm(gradients)
        torch._foreach_mul_(gradients, torch.clamp(most / (norm + 1e-6), max=1.0))
        return norm

    @torch.no_grad()
    def step(self, optimizer: Any) -> None:
        """What ``optimizer``, an AdamW, would do for these weights with their dense gradients; then forget them."""
        for weight, (rows, sums) in self.found.items():
            group = next(g for g in optimizer.param_groups if any(p is weight for p in g["params"]))
            state = optimizer.state[weight]
            if not state:
                state["step"] = torch.zeros((), dtype=torch.float32)
                state["exp_avg"], state["exp_avg_sq"] = torch.zeros_like(weight), torch.zeros_like(weight)
            _adamw_in_parts(weight, rows, sums, state, group)
        self.found.clear()


def _adamw_in_parts(
    weight: torch.Tensor, rows: torch.Tensor, sums: torch.Tensor, state: dict[str, Any], group: dict[str, Any]
) -> None:  # fmt: skip
    size = max(1, PART // weight.shape[1])
    gradient = torch.zeros_like(weight[:size])
    starts = range(0, len(weight), size)
    cuts = torch.searchsorted(rows, torch.tensor([*starts, len(weight)])).tolist()
    for start, first, last in zip(starts, cuts, cuts[1:], strict=False):
        part = slice(start, start + size)
        inside = rows[first:last] - start
        gradient[inside] = sums[first:last]
        adamw(
            [weight[part]],
            [gradient[: len(weight) - start]],
            [state["exp_avg"][part]],
            [state["exp_avg_sq"][part]],
            [],
            [state["step"].clone()],  # counted up by each call
            fused=True,
            amsgrad=False,
            beta1=group["betas"][0],
            beta2=group["betas"][1],
            lr=group["lr"],
            weight_decay=group["weight_decay"],
            eps=group["eps"],
            maximize=False,
        )
        gradient[inside] = 0
    state["step"] += 1
