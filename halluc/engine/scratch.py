"""Models from scratch: tokenizers learned from texts, and small models with random weights."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from halluc.config.models import ScratchConfig
from halluc.engine.pretrained import set_dropout

_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
INSIDE = "##"
# The maximum length of BERT's input (Devlin et al. 2019).
POSITIONS = 512
# The maximum input and output length of a text-generating model, and its padding and end pieces.
TEXT_POSITIONS = 1024
PAD, END = "<pad>", "</s>"
# Longer words become the unknown piece, so they are excluded from learning, which takes time quadratic in their length.
LONGEST_WORD = 100


def make_tokenizer(texts: Iterable[Sequence[str]], most: int) -> Any:
    """A WordPiece tokenizer (Schuster & Nakajima 2012) of at most ``most`` pieces; deterministic for the same texts.

    Words are split like BERT does, Chinese characters are single tokens, and case is kept.
    """
    from transformers import PreTrainedTokenizerFast

    backend = _backend({piece: number for number, piece in enumerate(_SPECIAL)})
    words = _words(backend, texts)
    pieces = train_pieces(words, most - len(_SPECIAL))
    backend = _backend({piece: number for number, piece in enumerate((*_SPECIAL, *pieces))})
    begin, end = (("[CLS]", 2), ("[SEP]", 3))
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[begin, end]
    )
    names = {f"{name.strip('[]').lower()}_token": name for name in _SPECIAL}
    inputs = ["input_ids", "token_type_ids", "attention_mask"]
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, model_max_length=POSITIONS, model_input_names=inputs, **names
    )


def _backend(vocabulary: Mapping[str, int]) -> Tokenizer:
    backend = Tokenizer(
        models.WordPiece(
            dict(vocabulary), unk_token="[UNK]", max_input_chars_per_word=LONGEST_WORD, continuing_subword_prefix=INSIDE
        )
    )
    backend.normalizer = normalizers.BertNormalizer(lowercase=False, strip_accents=False)
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return backend


def _words(backend: Tokenizer, texts: Iterable[Sequence[str]]) -> Counter[str]:
    """The frequency of each word, as the tokenizer splits words."""
    tokens = Counter(token for text in texts for token in text)
    words: Counter[str] = Counter()
    for token, count in tokens.items():
        for word, _ in backend.pre_tokenizer.pre_tokenize_str(backend.normalizer.normalize_str(token)):
            if len(word) <= LONGEST_WORD:
                words[word] += count
    return words


def train_pieces(words: Mapping[str, int], most: int, inside: str = INSIDE) -> list[str]:
    """At most ``most`` WordPiece pieces of the words, which are given with their counts.

    The characters come first, at the beginning of a word and inside of words (with the prefix ``inside``), the most
    frequent first; then the merged pieces. The same words give the same pieces.
    """
    count: Counter[str] = Counter()
    for word, times in words.items():
        for position, character in enumerate(word):
            count[inside * bool(position) + character] += times
    characters = sorted(count, key=lambda piece: (-count[piece], piece))[:most]
    if len(characters) == most:
        return characters
    backend = Tokenizer(models.WordPiece({}, unk_token="[UNK]", continuing_subword_prefix=inside))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    # As special tokens they get their numbers first. The trainer would number them in hash order, which also decides
    # which of two equally frequent pairs is merged.
    trainer = trainers.WordPieceTrainer(
        vocab_size=most + 1,
        special_tokens=["[UNK]", *characters],
        limit_alphabet=len(characters),
        min_frequency=2,
        continuing_subword_prefix=inside,
        show_progress=False,
    )
    backend.train_from_iterator(_repeated(words), trainer)
    learned = backend.get_vocab()
    return sorted((piece for piece in learned if piece != "[UNK]"), key=lambda piece: learned[piece])


def _repeated(words: Mapping[str, int]) -> Iterable[str]:
    """Every word as often as it occurs in the texts, a thousand per line."""
    for word, times in sorted(words.items()):
        for start in range(0, times, 1000):
            yield " ".join([word] * min(1000, times - start))


def make_text_tokenizer(texts: Iterable[str], most: int) -> Any:
    """A byte-level BPE tokenizer (Sennrich et al. 2016; Radford et al. 2019) of at most ``most`` pieces.

    Every text decodes to exactly the original. An end piece follows each text. The same texts give the same pieces.
    """
    from transformers import PreTrainedTokenizerFast

    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=most,
        min_frequency=2,
        special_tokens=[PAD, END],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    backend.train_from_iterator(texts, trainer)
    backend.post_processor = processors.TemplateProcessing(single=f"$A {END}", special_tokens=[(END, 1)])
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        model_max_length=TEXT_POSITIONS,
        model_input_names=["input_ids", "attention_mask"],
        clean_up_tokenization_spaces=False,
        pad_token=PAD,
        eos_token=END,
    )


def make_encoder_decoder(size: int, *, layers: int, width: int, heads: int, dropout: float) -> Any:
    """A Transformer (Vaswani et al. 2017) with layer norm before each sublayer, sinusoidal positions and one matrix for
    both embeddings and the output layer: the architecture of M2M100. The weights are drawn from torch's generator.

    Args:
        size: the size of the vocabulary; 0 is padding, 1 ends a text and begins an output. Padding must not begin it:
            positions do not count padding, except with a key-value cache.
        layers: of the encoder, and as many of the decoder.
        dropout: of the embeddings and of the output of each sublayer.
    """
    import transformers

    settings = transformers.M2M100Config(
        vocab_size=size,
        d_model=width,
        encoder_layers=layers,
        decoder_layers=layers,
        encoder_attention_heads=heads,
        decoder_attention_heads=heads,
        encoder_ffn_dim=4 * width,
        decoder_ffn_dim=4 * width,
        max_position_embeddings=TEXT_POSITIONS,
        activation_function="relu",
        dropout=dropout,
        attention_dropout=0.0,
        activation_dropout=0.0,
        encoder_layerdrop=0.0,
        decoder_layerdrop=0.0,
        scale_embedding=True,
        init_std=width**-0.5,
        pad_token_id=0,
        bos_token_id=None,
        eos_token_id=1,
        decoder_start_token_id=1,
    )
    return transformers.AutoModelForSeq2SeqLM.from_config(settings, attn_implementation="eager", dtype=torch.float32)


def make_causal_model(size: int, positions: int, *, layers: int, width: int, heads: int, dropout: float) -> Any:
    """A causal language model with GPT-2's architecture (Radford et al. 2019); weights from torch's generator.

    Args:
        size: the size of the vocabulary.
        positions: the maximum input length.
    """
    import transformers

    settings = transformers.GPT2Config(
        vocab_size=size,
        n_positions=positions,
        n_embd=width,
        n_layer=layers,
        n_head=heads,
        activation_function="gelu_pytorch_tanh",
        resid_pdrop=dropout,
        embd_pdrop=dropout,
        attn_pdrop=dropout,
        bos_token_id=None,
        eos_token_id=None,
    )
    return transformers.AutoModelForCausalLM.from_config(settings, attn_implementation="eager", dtype=torch.float32)


def make_encoder(
    auto_class: str,
    config: ScratchConfig,
    dropout: float | None,
    attention: str | None,
    texts: Iterable[Sequence[str]],
    **head: Any,
) -> tuple[Any, Any]:
    """``transformers.<auto_class>`` with BERT's architecture, random weights, and its tokenizer."""
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
    return model, tokenizer
