"""AdamW and the learning rate as a function of the step."""

from __future__ import annotations

import math
from typing import Literal

import torch


def adamw(model: torch.nn.Module, learning_rate: float, weight_decay: float) -> torch.optim.AdamW:
    """Fused AdamW (Loshchilov & Hutter 2019); no decay on biases and norms, the one-dimensional ones."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW([g for g in groups if g["params"]], lr=learning_rate, fused=True)


def usual_learning_rates(parameters: int) -> tuple[float, float]:
    """The range in which fine-tuning usually goes well, by the encoder's parameters without embeddings.

    Measured here for six layers of 384 (10.6 million); Devlin et al. 2019 for base size (85 million); their kin between
    and above.
    """
    known = ((20e6, (2e-4, 3e-4)), (60e6, (5e-5, 1e-4)), (150e6, (2e-5, 5e-5)))
    return next((rates for most, rates in known if parameters <= most), (1e-5, 3e-5))


def learning_rate_factor(
    step: int, steps: int, warmup: float, schedule: Literal["linear", "cosine", "constant"]
) -> float:
    """The share of the highest learning rate in ``step`` (from 0) of ``steps``."""
    rising = math.ceil(steps * warmup)
    if step < rising:
        return (step + 1) / rising
    if schedule == "constant":
        return 1.0
    done = (step - rising) / max(1, steps - rising)
    return 1.0 - done if schedule == "linear" else 0.5 * (1 + math.cos(math.pi * done))
