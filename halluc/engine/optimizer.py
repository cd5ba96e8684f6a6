"""AdamW and the learning rate as a function of the step."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Literal

import torch

from halluc.engine.layers import ranks


def adamw(
    model: torch.nn.Module, learning_rate: float, weight_decay: float, layer_decay: float | None = None
) -> torch.optim.AdamW:
    """Fused AdamW (Loshchilov & Hutter 2019); no weight decay on one-dimensional parameters (biases and norms).

    With ``layer_decay`` each group has a ``scale``, a factor of the learning rate: 1 for the head and the top layer,
    ``layer_decay`` for the next layer, and so on (Sun et al. 2019; Clark et al. 2020).

    Raises:
        HallucError C202: ``layer_decay`` for a model whose layers cannot be recognised.
    """
    trained = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    groups: list[dict[str, Any]] = []
    for scale, names in _by_scale(model, trained, layer_decay):
        matrices, vectors = ([trained[n] for n in names if (trained[n].ndim > 1) == large] for large in (True, False))
        scaled = {} if layer_decay is None else {"scale": scale}
        groups.append({"params": matrices, "weight_decay": weight_decay, **scaled})
        groups.append({"params": vectors, "weight_decay": 0.0, **scaled})
    return torch.optim.AdamW([g for g in groups if g["params"]], lr=learning_rate, fused=True)


def _by_scale(
    model: torch.nn.Module, trained: Iterable[str], layer_decay: float | None
) -> list[tuple[float, list[str]]]:  # fmt: skip
    """The names of parameters by the scale of their learning rate, largest first."""
    if layer_decay is None:
        return [(1.0, list(trained))]
    results: dict[int, list[str]] = {}
    of = ranks(model, "train.layer_decay")
    for name in trained:
        results.setdefault(max(0, of[name] - 1), []).append(name)
    return [(layer_decay**below, results[below]) for below in sorted(results)]


def usual_learning_rates(parameters: int) -> tuple[float, float]:
    """The usual range of fine-tuning learning rates, by the encoder's parameters without embeddings.

    Measured by us for six layers of width 384 (10.6 million); Devlin et al. 2019 for base size (85 million); similar
    models for sizes between and above.
    """
    known = ((20e6, (2e-4, 3e-4)), (60e6, (5e-5, 1e-4)), (150e6, (2e-5, 5e-5)))
    return next((rates for most, rates in known if parameters <= most), (1e-5, 3e-5))


def learning_rate_factor(
    step: int, steps: int, warmup: float, schedule: Literal["linear", "cosine", "constant"]
) -> float:
    """The share of the highest learning rate in ``step`` (from 0) of ``steps``."""
    warmup_steps = math.ceil(steps * warmup)
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    if schedule == "constant":
        return 1.0
    done = (step - warmup_steps) / max(1, steps - warmup_steps)
    return 1.0 - done if schedule == "linear" else 0.5 * (1 + math.cos(math.pi * done))
