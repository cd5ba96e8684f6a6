"""Causal language models for the labelled stream: from scratch, pre-trained, with LoRA, or from a GGUF file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from halluc.augmentation.methods.base import errors_of_key
from halluc.augmentation.models.labelled_stream import StreamCodec
from halluc.core.edits import Editable
from halluc.core.errors import require_package
from halluc.engine.low_rank import with_adapters
from halluc.engine.pretrained import (
    check_model_files,
    load_model,
    load_tokenizer,
    quiet_libraries,
    refuse_missing,
)
from halluc.engine.references import ModelSource, resolve_model
from halluc.engine.runtime import attention_for, default_device
from halluc.engine.scratch import make_causal_model

if TYPE_CHECKING:
    from halluc.augmentation.models.causal_config import LmSynthesisConfig

_AUTO = "AutoModelForCausalLM"


class StreamModel(NamedTuple):
    """A causal model and the codec of its sequences."""

    model: Any
    codec: StreamCodec


def make(config: LmSynthesisConfig, examples: Iterable[Editable]) -> StreamModel:
    """The model to be trained; random weights are drawn from torch's generator.

    Raises:
        OptionError E410, E411, E412, E420: a pre-trained model, or a required package, is missing.
    """
    if config.model is None:
        small = config.scratch
        codec = StreamCodec.of(examples, small.vocabulary)
        model = make_causal_model(
            codec.size,
            config.longest,
            layers=small.layers,
            width=small.width,
            heads=small.heads,
            dropout=small.dropout,
        )
        return StreamModel(model, codec)
    source = pretrained_source(config)
    quiet_libraries(verbose=False)
    tokenizer = load_tokenizer(source)
    model, _, missing = load_model(_AUTO, source, attention_for(default_device().type), {})
    refuse_missing(model, missing, source, fresh_head=False)
    rows = model.get_input_embeddings().num_embeddings
    codec = StreamCodec.with_tokenizer(examples, tokenizer, rows)
    model.resize_token_embeddings(codec.size)
    if config.lora is not None:
        model = with_adapters(model, config.lora, range(rows, codec.size))
    return StreamModel(model, codec)


def pretrained_source(config: LmSynthesisConfig) -> ModelSource:
    """The location of a config's pre-trained model; checks that all required packages are installed.

    Raises:
        OptionError E410, E412: it is missing. E420: a package is not installed.
    """
    assert config.model is not None
    source = resolve_model(config.model, gguf=True)
    if source.gguf is not None:
        with errors_of_key("model"):
            require_package("gguf", "a model in a .gguf file", "gguf")
    elif source.local:
        check_model_files(Path(source.name))
    if config.lora is not None:
        with errors_of_key("lora"):
            require_package("peft", "`lora`", "lora")
    return source


def read(folder: Path) -> StreamModel:
    """Load a saved model and codec for sampling, on the available device."""
    device = default_device()
    quiet_libraries(verbose=False)
    codec = StreamCodec.load(folder)
    source = ModelSource(str(folder))
    model, _, missing = load_model(_AUTO, source, attention_for(device.type), {})
    refuse_missing(model, missing, source, fresh_head=False)
    return StreamModel(model.to(device).eval(), codec)
