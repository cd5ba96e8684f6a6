"""Loads text-generating models and their tokenizers: by reference, from a GGUF file, with adapters, or from scratch."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from halluc.config.models import LowRankConfig, ModelConfig
from halluc.core.errors import HallucError, environment_error, require_package
from halluc.engine.references import resolve_model
from halluc.tasks.text_generation.encoding import SequenceFraming


@dataclass(frozen=True)
class TextWriter:
    """A model that writes texts, and its tokenizer. ``first`` is the piece that an output must begin with, if any."""

    model: Any
    tokenizer: Any
    commit: str | None
    framing: SequenceFraming
    first: int | None = None
    outputs: tuple[str, ...] = ()


def load_writer(
    config: ModelConfig,
    attention: str | None,
    texts: Iterable[Sequence[str]] = (),
    *,
    lora: LowRankConfig | None = None,
    label_smoothing: float = 0.0,
) -> TextWriter:
    """The model of a config; for a model from scratch, a tokenizer is trained on ``texts``.

    Raises:
        HallucError C206: adapters for a model from scratch. E410 to E412: the reference cannot be resolved or loaded.
            E411: the tokenizer has no end token. E420: a package is missing.
    """
    if config.scratch is not None:
        if lora is not None:
            message = "`task.lora` requires `model.name`: a model from scratch has no weights to adapt"
            raise HallucError("C206", message, help="remove `task.lora`")
        return _build_from_scratch(config, texts, label_smoothing)
    from halluc.engine import pretrained

    assert config.name is not None, "a model has a name or is trained from scratch"
    source = resolve_model(config.name, gguf=True)
    if source.gguf is not None:
        require_package("gguf", "a model in a .gguf file", "gguf")
    if lora is not None:
        require_package("peft", "`task.lora`", "lora")
    if source.local and source.gguf is None:
        pretrained.check_model_files(Path(source.name))
    tokenizer = pretrained.load_tokenizer(source, config.trust_remote_code, splits_words=False)
    has_encoder = bool(pretrained.load_settings(source, config.trust_remote_code).is_encoder_decoder)
    auto_class = "AutoModelForSeq2SeqLM" if has_encoder else "AutoModelForCausalLM"
    if not has_encoder:
        attention = None  # prompts are long: SDPA decodes in 0.6 times the time of explicit products on a CPU
    model, settings, missing = pretrained.load_model(
        auto_class, source, attention, {}, dropout=config.dropout, trust_remote_code=config.trust_remote_code
    )
    pretrained.refuse_missing(model, missing, source, fresh_head=False)
    pretrained.complete_padding(model.config, tokenizer)
    framing = _framing(model, tokenizer, source.name, has_encoder, label_smoothing)
    if lora is not None:
        from halluc.engine.low_rank import with_adapters

        model = with_adapters(model, lora, task="SEQ_2_SEQ_LM" if has_encoder else "CAUSAL_LM")
    first = getattr(model.generation_config, "forced_bos_token_id", None) if has_encoder else None
    _read_special_tokens_as_text(tokenizer)
    return TextWriter(model, tokenizer, getattr(settings, "_commit_hash", None), framing, first)


def _build_from_scratch(config: ModelConfig, texts: Iterable[Sequence[str]], label_smoothing: float) -> TextWriter:
    from halluc.engine import scratch

    size = config.scratch
    assert size is not None
    tokenizer = scratch.make_text_tokenizer((" ".join(text) for text in texts), size.vocabulary)
    dropout = 0.1 if config.dropout is None else config.dropout
    model = scratch.make_encoder_decoder(
        len(tokenizer), layers=size.layers, width=size.width, heads=size.heads, dropout=dropout
    )
    _read_special_tokens_as_text(tokenizer)
    framing = _framing(model, tokenizer, "the model from scratch", True, label_smoothing)
    return TextWriter(model, tokenizer, None, framing)


def _framing(model: Any, tokenizer: Any, name: str, has_encoder: bool, label_smoothing: float) -> SequenceFraming:
    """
    Raises:
        HallucError E411: there is no end token, or no token to begin an output.
    """
    end = tokenizer.eos_token_id
    if end is None:
        raise environment_error(
            "E411",
            f"the tokenizer of {name} has no end token: generated texts would never end",
            "set `eos_token` in its tokenizer_config.json",
        )
    known = [getattr(model.config, key, None) for key in ("decoder_start_token_id", "bos_token_id")]
    start = next((one for one in known if one is not None), None)
    if has_encoder and start is None:
        raise environment_error(
            "E411",
            f"config.json of {name} has no `decoder_start_token_id`",
            "set it to the first token of an output",
        )
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else end
    # Chat models have a list, because a turn ends with another token than a text.
    ends = getattr(model.generation_config, "eos_token_id", None)
    more_ends = tuple(int(one) for one in ends if one != end) if isinstance(ends, list) else ()
    selects_logits = not has_encoder and "logits_to_keep" in inspect.signature(model.forward).parameters
    return SequenceFraming(has_encoder, int(pad), int(end), int(start or 0), label_smoothing, more_ends, selects_logits)


def _read_special_tokens_as_text(tokenizer: Any) -> None:
    """Make the tokenizer treat `</s>` and other special tokens in a text as plain text."""
    tokenizer.split_special_tokens = True
