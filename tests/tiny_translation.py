"""Tiny encoder-decoder models that know a few sentences by heart, for tests of translation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    M2M100Config,
    M2M100ForConditionalGeneration,
    MarianConfig,
    MarianMTModel,
    PreTrainedTokenizerFast,
    T5Config,
    T5ForConditionalGeneration,
)

ENGLISH = ["the old bank was sold", "a bank said no", "the town was old", "ENT0 was sold by ENT1"]
GERMAN = ["die alte bank wurde verkauft", "eine bank sagte nein", "die stadt war alt", "ENT0 wurde von ENT1 verkauft"]
BACK = ["the elderly bank was sold", "a bank said nothing", "the city was old", "ENT1 sold ENT0"]
CODES = ("eng_Latn", "deu_Latn")


def tokenizer_of(texts: Sequence[str], specials: Sequence[str] = ()) -> PreTrainedTokenizerFast:
    """A token for each word; a text ends with `</s>`."""
    words = ["<pad>", "</s>", "<unk>", *specials, *sorted({word for text in texts for word in text.split()})]
    inner = Tokenizer(models.WordLevel({word: number for number, word in enumerate(words)}, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    inner.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    made = PreTrainedTokenizerFast(tokenizer_object=inner, pad_token="<pad>", eos_token="</s>", unk_token="<unk>")
    made.add_special_tokens({"additional_special_tokens": list(specials)} if specials else {})
    return made


def taught(model: Any, pairs: Sequence[tuple[Sequence[int], Sequence[int]]], steps: int = 110) -> Any:
    """The model, trained until it knows the pairs of token numbers by heart."""
    torch.manual_seed(1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    width, height = (max(len(pair[side]) for pair in pairs) for side in (0, 1))
    ids = torch.tensor([[*source, *[0] * (width - len(source))] for source, _ in pairs])
    labels = torch.tensor([[*target, *[-100] * (height - len(target))] for _, target in pairs])
    model.train()
    for _ in range(steps):
        loss = model(input_ids=ids, attention_mask=(ids != 0).long(), labels=labels).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    assert loss.item() < 0.05
    return model.eval()


def save_marian(folder: Path, translations: Mapping[str, str]) -> Path:
    """A model of one direction."""
    tokenizer = tokenizer_of([*translations, *translations.values()])
    sizes = {"vocab_size": len(tokenizer), "decoder_vocab_size": len(tokenizer), "d_model": 32, "dropout": 0.0}
    layers = {"encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2, "decoder_attention_heads": 2}
    ffn = {"encoder_ffn_dim": 64, "decoder_ffn_dim": 64, "max_position_embeddings": 32}
    numbers = {"pad_token_id": 0, "eos_token_id": 1, "decoder_start_token_id": 0, "forced_eos_token_id": None}
    torch.manual_seed(0)
    model = MarianMTModel(MarianConfig(**sizes, **layers, **ffn, **numbers))
    pairs = [(tokenizer(one)["input_ids"], tokenizer(other)["input_ids"]) for one, other in translations.items()]
    return _saved(folder, taught(model, pairs), tokenizer)


def save_t5(folder: Path, there: Mapping[str, str], back: Mapping[str, str]) -> Path:
    """A model that is told the direction in words."""
    named = [("translate English to German: ", there), ("translate German to English: ", back)]
    texts = [*there, *there.values(), *back, *back.values(), *(prefix for prefix, _ in named)]
    tokenizer = tokenizer_of(texts)
    torch.manual_seed(0)
    config = T5Config(
        vocab_size=len(tokenizer), d_model=32, d_kv=16, d_ff=64, num_layers=1, num_heads=2, dropout_rate=0.0
    )
    config.decoder_start_token_id = 0
    pairs = [
        (tokenizer(prefix + one)["input_ids"], tokenizer(other)["input_ids"])
        for prefix, translations in named
        for one, other in translations.items()
    ]
    return _saved(folder, taught(T5ForConditionalGeneration(config), pairs), tokenizer)


def save_m2m100(folder: Path, there: Mapping[str, str], back: Mapping[str, str]) -> Path:
    """A model of both directions, with tokens for languages, and NLLB's own tokenizer."""
    from transformers import NllbTokenizer

    texts = [*there, *there.values(), *back, *back.values()]
    words = sorted({f"▁{word}" for text in texts for word in text.split()})
    letters = sorted({letter for word in words for letter in word})
    vocabulary = ["<s>", "<pad>", "</s>", "<unk>", *letters]
    merges: list[tuple[str, str]] = []
    for word in words:  # a word is put together letter by letter
        made = word[0]
        for letter in word[1:]:
            if (made, letter) not in merges:
                merges.append((made, letter))
            made += letter
            if made not in vocabulary:
                vocabulary.append(made)
    tokenizer = NllbTokenizer(
        vocab={word: number for number, word in enumerate(vocabulary)},
        merges=merges,
        src_lang=CODES[0],
        tgt_lang=CODES[1],
        additional_special_tokens=list(CODES),
    )
    torch.manual_seed(0)
    sizes = {
        "vocab_size": len(tokenizer),
        "d_model": 32,
        "dropout": 0.0,
        "attention_dropout": 0.0,
        "activation_dropout": 0.0,
    }
    layers = {"encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2, "decoder_attention_heads": 2}
    ffn = {"encoder_ffn_dim": 64, "decoder_ffn_dim": 64, "encoder_layerdrop": 0.0, "decoder_layerdrop": 0.0}
    numbers = {"pad_token_id": 1, "eos_token_id": 2, "bos_token_id": 0, "decoder_start_token_id": 2}
    model = M2M100ForConditionalGeneration(
        M2M100Config(**sizes, **layers, **ffn, **numbers, max_position_embeddings=64)
    )
    pairs = []
    for (source, target), translations in ((CODES, there), (CODES[::-1], back)):
        for one, other in translations.items():
            tokenizer.src_lang = source
            ids = tokenizer(one)["input_ids"]
            tokenizer.src_lang = target
            pairs.append((ids, [*tokenizer(other)["input_ids"]]))
    model = taught_padded(model, pairs, 1)
    return _saved(folder, model, tokenizer)


def taught_padded(model: Any, pairs: Sequence[tuple[Sequence[int], Sequence[int]]], pad: int) -> Any:
    """As ``taught``, one pair at a time, for a padding token that is not 0."""
    torch.manual_seed(1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    model.train()
    for _ in range(50):
        for source, target in pairs:
            loss = model(input_ids=torch.tensor([source]), labels=torch.tensor([target])).loss
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
    assert loss.item() < 0.1
    return model.eval()


def _saved(folder: Path, model: Any, tokenizer: Any) -> Path:
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
