"""Pre-trained tokenizers and models, loaded by reference."""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from halluc.core.errors import environment_error, first_line
from halluc.core.files import irregular
from halluc.engine.references import ModelSource

_MOST_LAYERS = 1000


def load_tokenizer(source: ModelSource, trust_remote_code: bool = False, *, splits_words: bool = True) -> Any:
    """A fast tokenizer that neither truncates nor pads; without ``splits_words``, for whole texts, it may be slow.

    Raises:
        HallucError E411: it cannot be loaded, or is not a fast one.
    """
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(
            source.name,
            **load_options(source, trust_remote_code),
            # byte-level tokenizers need it for text that is split into words
            **({"add_prefix_space": True} if splits_words else {}),
        )
    except Exception as error:
        raise _unloadable(source, "tokenizer", error) from error
    is_fast = getattr(tokenizer, "is_fast", False)
    if splits_words and not is_fast:
        help = "halluc needs the word of each piece: use a model with a tokenizer.json"
        raise environment_error("E411", f"{source.name} has no fast tokenizer", help)
    if len(tokenizer.get_vocab()) <= len(tokenizer.all_special_ids):
        # transformers creates an empty tokenizer if its files are missing, and every word would be unknown.
        raise environment_error("E411", f"{source.name} has no vocabulary", "its tokenizer files are missing")
    if not isinstance(tokenizer.model_max_length, (int, float)) or tokenizer.model_max_length < 1:
        message = f"{source.name}: `model_max_length` in tokenizer_config.json is {tokenizer.model_max_length!r}"
        raise environment_error("E411", message, "restore the file, or set the number of word pieces")
    # Some packages ship tokenizer.json with both enabled: text would be lost silently.
    if is_fast:
        tokenizer.backend_tokenizer.no_truncation()
        tokenizer.backend_tokenizer.no_padding()
    return tokenizer


def load_settings(source: ModelSource, trust_remote_code: bool = False) -> Any:
    """The config of a model as an object of transformers.

    Raises:
        HallucError E411: its config.json cannot be read.
    """
    from transformers import AutoConfig

    try:
        return AutoConfig.from_pretrained(source.name, **load_options(source, trust_remote_code))
    except Exception as error:
        raise _unloadable(source, "config", error) from error


def load_options(source: ModelSource, trust_remote_code: bool) -> dict[str, Any]:
    """The keyword arguments of ``from_pretrained`` that locate a model."""
    options = {"revision": source.revision, "local_files_only": source.local, "trust_remote_code": trust_remote_code}
    return options if source.gguf is None else {**options, "gguf_file": source.gguf}


def check_model_files(folder: Path) -> None:
    """
    Raises:
        HallucError E411: something in a model folder is a pipe or a device, which would block loading.
    """
    for path in folder.iterdir() if folder.is_dir() else ():
        kind = irregular(path)
        if kind is not None and not path.is_dir():
            raise environment_error("E411", f"{path} is {kind}, not a regular file", "restore the model folder")


def load_model(
    auto_class: str,
    source: ModelSource,
    attention: str | None,
    head: dict[str, Any],
    *,
    dropout: float | None = None,
    trust_remote_code: bool = False,
) -> tuple[Any, Any, list[str]]:
    """``transformers.<auto_class>`` in fp32 with a new head for the labels in ``head``, or as it was trained.

    Returns the model, its settings, and the names of the weights that its files lack, or have in another shape.

    Raises:
        HallucError E411: it cannot be loaded.
    """
    import torch
    import transformers

    where = load_options(source, trust_remote_code)
    try:
        settings = transformers.AutoConfig.from_pretrained(source.name, **where, **head)
        if dropout is not None:
            set_dropout(settings, dropout)
        if (getattr(settings, "num_hidden_layers", None) or 0) > _MOST_LAYERS:  # creating them would take hours
            raise ValueError(f"`num_hidden_layers` in its config.json is {settings.num_hidden_layers:,}")
        with _without_bar(source):
            model, report = getattr(transformers, auto_class).from_pretrained(
                source.name,
                config=settings,
                attn_implementation=attention,
                dtype=torch.float32,
                output_loading_info=True,
                ignore_mismatched_sizes=bool(head),  # a new head may replace one for other labels
                **where,
            )
    except Exception as error:
        raise _unloadable(source, "model", error) from error
    quantizer = getattr(model, "hf_quantizer", None)
    if source.gguf is not None and quantizer is not None:  # its weights are fp32 now, but it could not be saved
        quantizer.remove_quantization_config(model)
    return model, settings, [*report["missing_keys"], *(name for name, *_ in report["mismatched_keys"])]


def _without_bar(source: ModelSource) -> contextlib.AbstractContextManager[Any]:
    """transformers shows a progress bar for GGUF files, which its setting does not disable."""
    return contextlib.nullcontext() if source.gguf is None else contextlib.redirect_stderr(io.StringIO())


def complete_padding(settings: Any, tokenizer: Any) -> None:
    """Give a model and its tokenizer a padding piece if one of them has none: the other's, or the end piece.

    Decoder models (GPT-2, Qwen2) often have none. They classify a text by its last piece that is not padding, so
    ``settings`` must name the padding piece. An id outside the vocabulary is ignored.
    """
    known = [settings.pad_token_id, tokenizer.pad_token_id, tokenizer.eos_token_id]
    size = getattr(settings, "vocab_size", len(tokenizer))
    piece = next((one for one in known if one is not None and 0 <= one < size), None)
    if piece is None:
        return
    if settings.pad_token_id != piece:
        settings.pad_token_id = piece
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.convert_ids_to_tokens(piece)


def refuse_missing(model: Any, missing: Iterable[str], source: ModelSource, *, fresh_head: bool) -> None:
    """transformers initialises missing weights at random: right for a new head and its pooler, but for nothing else."""
    body = f"{model.base_model_prefix}."
    head = f"{body}pooler."  # many encoders have no pooler: it is then trained together with the head on top of it
    unexpected = sorted(n for n in missing if not fresh_head or (n.startswith(body) and not n.startswith(head)))
    if unexpected:
        what = "an encoder without a trained head" if not any(n.startswith(body) for n in unexpected) else "not whole"
        message = f"{source.name} is {what}: it has no weights for {', '.join(unexpected[:3])}"
        help = "use a model that was trained for this task" if not fresh_head else "use the folder of a complete model"
        raise environment_error("E411", message, help)


def set_dropout(settings: Any, rate: float) -> None:
    for name in vars(settings):
        if ("dropout" in name or "pdrop" in name) and isinstance(getattr(settings, name), (int, float)):
            setattr(settings, name, rate)


def _unloadable(source: ModelSource, what: str, error: Exception) -> Exception:
    help = None if source.local else "check the network, name and revision"
    if isinstance(error, SafetensorError):
        help = "the file of the weights is incomplete or damaged: copy it again, or train again"
    return environment_error("E411", f"cannot load the {what} of {source.name}: {first_line(error)}", help)


def quiet_libraries(verbose: bool) -> None:
    """Suppress the libraries' progress bars and load reports."""
    import transformers

    if not verbose:
        transformers.logging.set_verbosity_error()
        transformers.logging.disable_progress_bar()
        for library in ("accelerate", "huggingface_hub", "httpx", "httpx2"):
            logging.getLogger(library).setLevel(logging.ERROR)


def save(model: Any, tokenizer: Any, folder: Path) -> None:
    """The Hugging Face layout: config.json, model.safetensors, tokenizer files; adapters are merged into weights.

    A part of the model with a method ``save_own_file(folder)`` writes its own file, which transformers ignores.
    """
    if hasattr(model, "merge_and_unload"):
        model = model.float().merge_and_unload()  # frozen weights may be in bf16, which would round the sum
    try:
        model.save_pretrained(folder)
        for module in model.modules():
            if hasattr(module, "save_own_file"):
                module.save_own_file(folder)
        tokenizer.save_pretrained(folder)
    except SafetensorError as error:  # its error for a full disk
        raise environment_error(
            "E401", f"cannot write {folder}: {error}", "free space, or choose another `runs_dir`"
        ) from None
