"""Encoders that are not pre-trained: a tokenizer learned from the training split, and random weights."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch

from halluc.config.models import ScratchConfig
from halluc.engine.pretrained import set_dropout
from halluc.engine.scratch import POSITIONS, make_tokenizer
from halluc.tasks.encoders import Encoder


def make_encoder(
    auto_class: str,
    config: ScratchConfig,
    dropout: float | None,
    attention: str,
    texts: Iterable[Sequence[str]],
    **head: Any,
) -> Encoder:
    """``transformers.<auto_class>`` with BERT's architecture; weights are drawn from torch's generator."""
    import transformers

    tokenizer = make_tokenizer(texts, config.vocabulary)
    settings = transformers.BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=config.width,
        num_hidden_layers=config.layers,
        num_attention_heads=config.heads,
        intermediate_size=4 * config.width,
        max_position_embeddings=POSITIONS,
        pad_token_id=tokenizer.pad_token_id,
        **head,
    )
    if dropout is not None:
        set_dropout(settings, dropout)
    model = getattr(transformers, auto_class).from_config(settings, attn_implementation=attention, dtype=torch.float32)
    return Encoder(model, tokenizer, None, tuple(str(settings.id2label[index]) for index in range(settings.num_labels)))
