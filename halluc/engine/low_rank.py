"""Low-rank adapters (LoRA; Hu et al. 2022) through peft."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from halluc.config.models import LowRankConfig
from halluc.core.errors import require_package


def with_adapters(model: Any, config: LowRankConfig, new_rows: Sequence[int] = (), task: str = "CAUSAL_LM") -> Any:
    """The model with trainable adapters on all linear layers, all other weights frozen.

    Args:
        new_rows: the embedding rows of new tokens: they are trained fully.
        task: peft's name for the task of the model.
    """
    trained: dict[str, list[int]] = {}
    if new_rows:
        trained = {_name_of(model, model.get_input_embeddings()): list(new_rows)}
        if not model.config.tie_word_embeddings:
            trained[_name_of(model, model.get_output_embeddings())] = list(new_rows)
    return _adapted(model, config, trained, target_modules="all-linear", task_type=task)


def encoder_with_adapters(model: Any, config: LowRankConfig, new_rows: Sequence[int] = ()) -> Any:
    """An encoder with trainable adapters on all its linear layers; head and pooler are trained fully.

    Args:
        new_rows: as in ``with_adapters``.

    Raises:
        HallucError E420: peft is not installed.
    """
    require_package("peft", "`model.lora`", "lora")
    body = model.base_model_prefix
    heads = [name for name, one in model.named_children() if name != body and next(one.parameters(), None) is not None]
    heads += [name for name, _ in model.named_modules() if name == f"{body}.pooler"]
    linear = [
        name
        for name, module in model.named_modules()
        if type(module).__name__ in ("Linear", "Conv1D") and not f"{name}.".startswith(tuple(f"{h}." for h in heads))
    ]
    trained = {_name_of(model, model.get_input_embeddings()): list(new_rows)} if new_rows else {}
    return _adapted(model, config, trained, target_modules=linear, modules_to_save=heads)


def _adapted(model: Any, config: LowRankConfig, rows: Mapping[str, list[int]], **settings: Any) -> Any:
    import peft

    lora = peft.LoraConfig(
        r=config.rank,
        lora_alpha=config.alpha if config.alpha is not None else 2 * config.rank,
        lora_dropout=config.dropout,
        trainable_token_indices=dict(rows) or None,
        **settings,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # peft calls functions that transformers has renamed
        return peft.get_peft_model(model, lora)


def _name_of(model: Any, module: Any) -> str:
    return next(str(name) for name, one in model.named_modules() if one is module)
