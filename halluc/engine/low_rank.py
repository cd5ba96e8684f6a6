"""Low-rank adapters (LoRA; Hu et al. 2022) through peft."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from halluc.config.low_rank import LowRankConfig


def with_adapters(model: Any, config: LowRankConfig, new_rows: Sequence[int] = (), task: str = "CAUSAL_LM") -> Any:
    """The model with trainable adapters on all linear layers, all other weights frozen.

    Args:
        new_rows: the rows of the embeddings that stand for new tokens: they are trained whole.
        task: peft's name for what the model does.
    """
    import peft

    trained: dict[str, list[int]] = {}
    if new_rows:
        trained = {_name_of(model, model.get_input_embeddings()): list(new_rows)}
        if not model.config.tie_word_embeddings:
            trained[_name_of(model, model.get_output_embeddings())] = list(new_rows)
    settings = peft.LoraConfig(
        r=config.rank,
        lora_alpha=config.alpha if config.alpha is not None else 2 * config.rank,
        lora_dropout=config.dropout,
        target_modules="all-linear",
        trainable_token_indices=trained or None,
        task_type=task,
    )
    return peft.get_peft_model(model, settings)


def _name_of(model: Any, module: Any) -> str:
    return next(str(name) for name, one in model.named_modules() if one is module)
