"""Weights in bf16: of a model that predicts on a CPU, and the frozen ones of a model with adapters.

Autocast computes only matrix products in bf16; embeddings and the residual stream between layers stay float32. With
embeddings and matrices in bf16 the stream is bf16 too, which saves about a fifth of the time for a small encoder
(docs/performance.md). Vectors stay float32: torch's normalisation accepts float32 weights for inputs of either
precision, but not bf16 weights for float32 inputs, and some models add positions in float32. The head stays unchanged,
so that a task's own layers need not support this.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch

from halluc.engine.runtime import Runtime


def reduce_weights(model: Any, runtime: Runtime) -> dict[torch.nn.Parameter, torch.Tensor]:
    """Convert the float32 matrices of the model's body to bf16, if ``runtime`` computes in bf16 on a CPU.

    Returns the original matrices, by parameter; empty if nothing was changed.
    """
    if runtime.device.type != "cpu" or runtime.precision != "bf16":
        return {}
    body = getattr(model, "base_model", model)
    full = {one: one.data for one in body.parameters() if one.dtype == torch.float32 and one.ndim > 1}
    for parameter, weights in full.items():
        parameter.data = weights.bfloat16()
    return full


@contextlib.contextmanager
def reduced_weights(model: Any, runtime: Runtime) -> Iterator[None]:
    """A context in which the model has the weights of ``reduce_weights``."""
    full = reduce_weights(model, runtime)
    try:
        yield
    finally:
        for parameter, weights in full.items():
            parameter.data = weights


def reduce_frozen(model: Any, runtime: Runtime) -> None:
    """Convert the frozen weights of a model with low-rank adapters to bf16, if ``runtime`` computes in bf16: autocast
    converts them for each product anyway.

    This halves their memory, and saves casts: a step of a causal model of 135 million weights takes a quarter less
    time on a CPU. Vectors stay float32, except those of RMS normalisation, which would return float32 activations.
    """
    if runtime.precision != "bf16" or not hasattr(model, "peft_config"):
        return
    for module in model.modules():
        for parameter in module.parameters(recurse=False):
            is_reduced = parameter.ndim > 1 or "RMSNorm" in type(module).__name__
            if is_reduced and not parameter.requires_grad and parameter.dtype == torch.float32:
                parameter.data = parameter.data.bfloat16()
        if hasattr(module, "cast_input_dtype_enabled"):
            module.cast_input_dtype_enabled = False  # peft would cast inputs to the precision of adapters
