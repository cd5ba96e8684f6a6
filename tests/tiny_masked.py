"""Tiny language models with random weights, written as their makers write them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    BertConfig,
    BertForMaskedLM,
    BertModel,
    DistilBertConfig,
    DistilBertForMaskedLM,
    GPT2Config,
    GPT2LMHeadModel,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaForMaskedLM,
)

_SIZE = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2}


def write_masked(
    folder: Path, texts: Sequence[Sequence[str]], kind: str = "bert", *, uncased: bool = False, head: bool = True
) -> Path:  # fmt: skip
    """A model in ``folder``: ``bert``, ``distilbert`` or ``roberta`` (byte-level BPE); ``head``: with its LM head."""
    tokenizer = _byte_level(texts) if kind == "roberta" else _word_pieces(texts, uncased)
    tokenizer.save_pretrained(folder)
    torch.manual_seed(3)
    size: dict[str, Any] = {"vocab_size": len(tokenizer), "pad_token_id": tokenizer.pad_token_id}
    if kind == "roberta":
        model: Any = RobertaForMaskedLM(RobertaConfig(**size, **_SIZE, max_position_embeddings=66))
    elif kind == "distilbert":
        settings = {"dim": 32, "hidden_dim": 64, "n_layers": 1, "n_heads": 2, "max_position_embeddings": 64}
        model = DistilBertForMaskedLM(DistilBertConfig(**size, **settings))
    else:
        settings = BertConfig(**size, **_SIZE, max_position_embeddings=64)
        model = BertForMaskedLM(settings) if head else BertModel(settings)
    model.save_pretrained(folder)
    return folder


def _word_pieces(texts: Sequence[Sequence[str]], uncased: bool) -> Any:
    """The words of the texts as pieces, and their characters for all others."""
    words = sorted({word.lower() if uncased else word for text in texts for word in text})
    characters = sorted({character for word in words for character in word})
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces = dict.fromkeys([*special, *characters, *(f"##{one}" for one in characters), *words])
    backend = Tokenizer(models.WordPiece({piece: n for n, piece in enumerate(pieces)}, unk_token="[UNK]"))
    backend.normalizer = normalizers.BertNormalizer(lowercase=uncased)
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    names = {f"{name.strip('[]').lower()}_token": name for name in special}
    return PreTrainedTokenizerFast(tokenizer_object=backend, model_max_length=64, **names)


def _byte_level(texts: Sequence[Sequence[str]]) -> Any:
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    backend.decoder = decoders.ByteLevel()
    names = {
        "bos_token": "<s>",
        "pad_token": "<pad>",
        "eos_token": "</s>",
        "unk_token": "<unk>",
        "mask_token": "<mask>",
    }
    trainer = trainers.BpeTrainer(
        vocab_size=600,
        special_tokens=list(names.values()),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator([" ".join(text) for text in texts], trainer)
    return PreTrainedTokenizerFast(tokenizer_object=backend, model_max_length=64, **names)


def write_causal(folder: Path, texts: Sequence[Sequence[str]]) -> Path:
    """A GPT-2 of one layer with a byte-level tokenizer."""
    tokenizer = _byte_level(texts)
    tokenizer.save_pretrained(folder)
    torch.manual_seed(3)
    size = {"n_positions": 64, "n_embd": 32, "n_layer": 1, "n_head": 2}
    GPT2LMHeadModel(GPT2Config(vocab_size=len(tokenizer), **size)).save_pretrained(folder)
    return folder
