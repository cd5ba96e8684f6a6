"""Heads of pre-trained models: kept if the labels are the same, otherwise initialised again."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

import torch

from halluc.engine.references import ModelSource

_TRAINED = re.compile(r"For(?:TokenClassification|SequenceClassification|QuestionAnswering)$")
_SHOWN = 5


def settle_head(model: Any, source: ModelSource, missing: Collection[str], labels: Mapping[int, str]) -> str | None:
    """Initialise the head of a loaded model unless it was trained for exactly these labels, in this order.

    A head for other labels may have the same shape by coincidence: its weights would be used for labels that they were
    not trained for. Weights that are random already (``missing``) stay.

    Returns a message about it; None if the model comes without a trained head.
    """
    from transformers import PretrainedConfig

    before, _ = PretrainedConfig.get_config_dict(
        source.name, revision=source.revision, local_files_only=source.local
    )  # fmt: skip
    architecture = str(next(iter(before.get("architectures") or []), ""))
    if _TRAINED.search(architecture) is None:
        return None
    named = {int(number): str(label) for number, label in (before.get("id2label") or {}).items()}
    if architecture == type(model).__name__ and named == dict(labels):
        return f"{source.name} was trained for the same labels: its head is kept"
    listed = ", ".join(list(named.values())[:_SHOWN]) + (", …" if len(named) > _SHOWN else "")
    std = getattr(model.config, "initializer_range", 0.02)
    for prefix, module in model.named_modules():
        own = [f"{prefix}.{name}" for name, _ in module.named_parameters(recurse=False)]
        if own and not prefix.startswith(f"{model.base_model_prefix}.") and not set(own) <= set(missing):
            _reinitialise(module, std)
    return f"{source.name} was trained for other outputs ({listed}): its encoder is kept, and a new head is initialised"


@torch.no_grad()
def _reinitialise(module: torch.nn.Module, std: float) -> None:
    """Random weights with standard deviation ``std``; normalizations and biases get their initial values."""
    for name, one in module.named_parameters(recurse=False):
        if one.ndim > 1:
            one.normal_(0.0, std)
        else:
            one.fill_(float(name == "weight"))
