"""Faster versions of operations that are slow in training on a CPU, active while the loop runs.

Dropout: torch draws Bernoulli numbers sequentially in one thread, which takes a seventh of a step. Here a pool of masks
is drawn once and each call takes a slice of it at a random position. Each unit is dropped with the same marginal
probability; the masks of two calls may overlap, since the pool has only 16 million elements.

Embeddings: the gradient of a vocabulary's matrix is dense, tens to hundreds of megabytes of zeros allocated in every
step, although only few rows are used. Here only those rows are stored, and AdamW processes the matrix in parts, with
the dense gradient of one part at a time. The arithmetic is that of torch: rows without a gradient decay, and move with
their momentum, as with a dense gradient.

Residual stream: autocast leaves the output of embeddings in float32, and so all sums and normalisations between layers.
Here embeddings return bf16 if matrix products are computed in bf16. Weights and their gradients stay float32.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from typing import Any

import numpy
import torch
from torch.optim.adamw import adamw
from torch.overrides import TorchFunctionMode

from halluc.core.rng import keyed_generator, keyed_seed

POOL = 1 << 24
# For smaller embeddings a sparse gradient saves too little.
LARGE_EMBEDDING = 1 << 20


class Shortcuts(TorchFunctionMode):
    """While active, ``functional.dropout`` and ``functional.embedding`` use the methods above.

    For one process on a CPU: these gradients bypass the hooks with which several processes exchange gradients. Dropout
    is a pure function of (seed, step) and of the order of calls in a step; ``begin`` sets them.
    """

    def __init__(self, seed: int, dtype: torch.dtype = torch.float32) -> None:
        """``dtype`` is that of activations: embeddings return it, and the pool is stored in it."""
        super().__init__()
        self.seed, self.dtype = seed, dtype
        self.places = random.Random(seed)
        self.pools: dict[float, torch.Tensor] = {}
        self.rows = RowGradients()

    def begin(self, step: int) -> None:
        self.places = random.Random(keyed_seed("dropout places", self.seed, step))

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if func is torch.nn.functional.dropout:
            return self._dropout(func, *args, **kwargs)
        if func is torch.nn.functional.embedding:
            return self._embedding(func, *args, **kwargs)
        return func(*args, **kwargs)

    def _dropout(
        self,
        func: Callable[..., Any],
        input: torch.Tensor,
        p: float = 0.5,
        training: bool = True,
        inplace: bool = False,
    ) -> Any:
        if not training or p == 0:
            return input
        count = input.numel()
        if p >= 1 or inplace or count > POOL // 4:
            return func(input, p, training, inplace)
        start = self.places.randrange(POOL - count)
        mask = self._pool(p)[start : start + count].view(input.shape)
        return input * (mask if input.dtype == self.dtype else (mask != 0).to(input.dtype).div_(1 - p))

    def _pool(self, p: float) -> torch.Tensor:
        """Zero with probability ``p``, otherwise ``1 / (1 - p)``, so that the expectation is unchanged."""
        result = self.pools.get(p)
        if result is None:
            kept = keyed_generator("dropout pool", self.seed, p).random(POOL, dtype=numpy.float32) >= p
            result = self.pools[p] = torch.from_numpy(kept).to(self.dtype).div_(1 - p)
        return result

    def _embedding(
        self,
        func: Callable[..., Any],
        input: torch.Tensor,
        weight: Any,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> Any:
        large = isinstance(weight, torch.nn.Parameter) and weight.requires_grad and weight.numel() >= LARGE_EMBEDDING
        if not large or max_norm is not None or scale_grad_by_freq or sparse or not torch.is_grad_enabled():
            embedded = func(input, weight, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse)
        else:
            padding = -1 if padding_idx is None else padding_idx
            embedded = _RowGradient.apply(weight, input, padding, self.rows)  # type: ignore[no-untyped-call]
        return embedded.to(self.dtype) if embedded.dtype == torch.float32 else embedded


class _RowGradient(torch.autograd.Function):
    """``embedding`` whose backward adds to ``gradients`` and creates no dense gradient."""

    @staticmethod
    def forward(
        ctx: Any, weight: torch.nn.Parameter, ids: torch.Tensor, padding: int, gradients: RowGradients
    ) -> torch.Tensor:  # fmt: skip
        ctx.weight, ctx.ids, ctx.padding, ctx.gradients = weight, ids, padding, gradients
        return torch.nn.functional.embedding(ids, weight.detach())

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[None, None, None, None]:
        rows, places = ctx.ids.unique(return_inverse=True)
        sums = torch.ops.aten.embedding_dense_backward(gradient.to(ctx.weight.dtype), places, len(rows), -1, False)
        sums[rows == ctx.padding] = 0  # torch ignores the padding row too
        ctx.gradients.add(ctx.weight, rows, sums)
        return None, None, None, None


# Elements of the matrix that AdamW processes at a time: 8 MB, which may fit into the processor's cache.
PART = 1 << 21


class RowGradients:
    """For each weight (rows, columns) the sorted rows that have a gradient, and those gradients."""

    def __init__(self) -> None:
        self.gradients: dict[torch.nn.Parameter, tuple[torch.Tensor, torch.Tensor]] = {}

    def add(self, weight: torch.nn.Parameter, rows: torch.Tensor, sums: torch.Tensor) -> None:
        """Accumulate: ``rows`` are distinct and sorted, ``sums`` (rows, columns)."""
        if weight in self.gradients:
            earlier, before = self.gradients[weight]
            rows, places = torch.unique(torch.cat([earlier, rows]), return_inverse=True)
            sums = sums.new_zeros(len(rows), sums.shape[1]).index_add_(0, places, torch.cat([before, sums]))
        self.gradients[weight] = rows, sums

    def clear(self) -> None:
        self.gradients.clear()

    def clip(self, model: torch.nn.Module, most: float) -> torch.Tensor:
        """Clip all gradients of the model to a total norm of at most ``most``; returns the norm before."""
        for weight in [weight for weight in self.gradients if weight.grad is not None]:
            # A weight with another use, such as a tied output layer: it has a dense gradient anyway.
            rows, sums = self.gradients.pop(weight)
            assert weight.grad is not None
            weight.grad[rows] += sums
        gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
        gradients += [sums for _, sums in self.gradients.values()]
        norm = torch.nn.utils.get_total_norm(gradients)
        if norm + 1e-6 > most:
            torch._foreach_mul_(gradients, most / (norm + 1e-6))
        return norm

    @torch.no_grad()
    def step(self, optimizer: Any) -> None:
        """The update of ``optimizer``, an AdamW, for these weights with their dense gradients; then forget the
        gradients."""
        for weight, (rows, sums) in self.gradients.items():
            group = next(g for g in optimizer.param_groups if any(p is weight for p in g["params"]))
            state = optimizer.state[weight]
            if not state:
                state["step"] = torch.zeros((), dtype=torch.float32)
                state["exp_avg"], state["exp_avg_sq"] = torch.zeros_like(weight), torch.zeros_like(weight)
            _adamw_in_parts(weight, rows, sums, state, group)
        self.clear()


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
            [state["step"].clone()],  # each call increments it
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
