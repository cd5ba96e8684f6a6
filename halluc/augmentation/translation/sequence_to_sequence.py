"""Encoder-decoder translation models of transformers: Marian, M2M100, NLLB, mBART, T5 and others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import torch

from halluc.augmentation.methods.base import OptionError
from halluc.augmentation.translation.config import TransformersConfig
from halluc.augmentation.translation.engine import TranslationEngine, engine_error
from halluc.core.errors import environment_error, first_line
from halluc.core.rng import Draws
from halluc.engine.generation import Decoding, SpecialTokens, generate
from halluc.engine.language_codes import code_number, tokenizer_codes
from halluc.engine.pretrained import check_model_files, load_model, refuse_missing
from halluc.engine.references import ModelSource, resolve_model

# The maximum length of a translation is twice the word pieces of the source plus this, in case a model repeats itself.
_SPARE_TOKENS = 16
_LONGEST_INPUT = 4_096
# Models whose input begins with an instruction.
_PREFIXED = frozenset({"t5", "mt5", "umt5", "longt5", "switch_transformers"})


class LoadedTranslator:
    """A model with its tokenizer; several directions may share it."""

    def __init__(self, reference: str, precision: Literal["fp32", "bf16"], device: torch.device) -> None:
        """
        Raises:
            HallucError E410 to E412: it cannot be found or loaded. OptionError E441: it is not a model that translates.
        """
        source = resolve_model(reference)
        if source.local:
            check_model_files(Path(source.name))
        self.reference, self.tokenizer = reference, _tokenizer(source, reference)
        model, settings, missing = load_model("AutoModelForSeq2SeqLM", source, "eager", {})
        refuse_missing(model, missing, source, fresh_head=False)
        self.type, self.commit = str(settings.model_type), getattr(settings, "_commit_hash", None)
        if not settings.is_encoder_decoder:
            raise engine_error(f"{reference} is not an encoder-decoder model", None, "E441")
        model = model.to(device=device, dtype=torch.bfloat16 if precision == "bf16" else torch.float32)
        self.model = model.eval()
        self.longest = _longest(settings, self.tokenizer)

    @property
    def end(self) -> int:
        known = (self.tokenizer.eos_token_id, self.model.config.eos_token_id)
        return next(int(one) for one in known if isinstance(one, int))

    @property
    def pad(self) -> int:
        known = (self.tokenizer.pad_token_id, self.model.config.pad_token_id, self.end)
        return next(int(one) for one in known if one is not None)


def _tokenizer(source: ModelSource, reference: str) -> Any:
    """
    Raises:
        OptionError E441: sentencepiece, which it needs, is missing. HallucError E411: it cannot be loaded.
    """
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(source.name, revision=source.revision, local_files_only=source.local)
    except Exception as error:
        if "sentencepiece" in str(error).lower():
            help = "pip install 'halluc[translation]'"
            raise engine_error(f"the tokenizer of {reference} needs the package sentencepiece", help, "E441") from error
        raise environment_error("E411", f"cannot load the tokenizer of {reference}: {first_line(error)}") from error


def _longest(settings: Any, tokenizer: Any) -> int:
    """The maximum input length of the model."""
    known = [
        getattr(settings, "max_position_embeddings", None),
        getattr(settings, "n_positions", None),
        tokenizer.model_max_length,
    ]
    return int(min([_LONGEST_INPUT, *(one for one in known if isinstance(one, (int, float)) and one > 0)]))


class SequenceToSequence:
    """One direction of a model.

    ``source`` and ``target`` are language codes of the model; None if it has a single direction.
    """

    def __init__(
        self, loaded: LoadedTranslator, config: TransformersConfig, source: str | None, target: str | None
    ) -> None:
        self._loaded, self._config = loaded, config
        self._source, self._prefix, self._first = source, "", None
        self._sets_source = source is not None and hasattr(loaded.tokenizer, "src_lang")
        if source is None or target is None:
            return
        if loaded.type in _PREFIXED:
            self._prefix = f"translate {source} to {target}: "
        elif self._sets_source:
            for code in (source, target):
                self._refuse_unknown(code)
            self._first = code_number(loaded.tokenizer, target)
        elif f">>{target}<<" in loaded.tokenizer.get_vocab():  # Marian with several targets
            self._prefix = f">>{target}<< "
        else:
            help = "remove `source` and `pivot` for a model with one direction"
            raise engine_error(f"{loaded.reference} does not support the language `{target}`", help, "E441")

    def _refuse_unknown(self, code: str) -> None:
        if code_number(self._loaded.tokenizer, code) is None:
            known = ", ".join(tokenizer_codes(self._loaded.tokenizer)[:20])
            raise engine_error(
                f"{self._loaded.reference} does not support the language `{code}`", f"supported are {known}", "E441"
            )

    def translate(self, lines: Sequence[str], draws: Sequence[Draws]) -> list[str]:
        tokenizer, config = self._loaded.tokenizer, self._config
        if self._sets_source:
            tokenizer.src_lang = self._source
        encoded = [list(tokenizer(self._prefix + line)["input_ids"]) for line in lines]
        going = [number for number, ids in enumerate(encoded) if 0 < len(ids) <= self._loaded.longest]
        results = [""] * len(lines)
        if not going:
            return results
        longest = 2 * max(len(encoded[number]) for number in going) + _SPARE_TOKENS
        decoding = Decoding(
            max_new_tokens=min(config.max_new_tokens, longest, self._loaded.longest),
            strategy=config.decoding,
            temperature=config.temperature,
            top_k=config.top_k,
            top_p=config.top_p,
            beams=config.beams,
            batch_tokens=config.batch_tokens,
        )
        end, pad = self._loaded.end, self._loaded.pad
        special = SpecialTokens(end, pad, (pad,) if pad != end else (), self._first)
        prompts, streams = [encoded[number] for number in going], [draws[number] for number in going]
        for number, ids in zip(going, generate(self._loaded.model, prompts, decoding, special, streams), strict=True):
            if ids and ids[-1] == end:  # otherwise it was truncated
                results[number] = tokenizer.decode(ids, skip_special_tokens=True)
        return results

    def close(self) -> None:
        """Nothing runs outside of this process."""


def _device(requested: str) -> torch.device:
    """
    Raises:
        OptionError E441: there is no GPU.
    """
    has_gpu = torch.cuda.is_available()
    if requested == "cuda" and not has_gpu:
        message = "`device: cuda` needs a GPU, but PyTorch finds none"
        raise engine_error(message, "remove `device`, or install PyTorch with CUDA", "E441")
    return torch.device("cuda" if has_gpu and requested != "cpu" else "cpu")


def open_engine(config: TransformersConfig, allow_commands: bool) -> TranslationEngine:
    device = _device(config.device)
    try:
        forward = LoadedTranslator(config.forward, config.precision, device)
        backward = forward if config.backward is None else LoadedTranslator(config.backward, config.precision, device)
    except torch.OutOfMemoryError as error:
        raise OptionError("engine", "T102", "out of memory while models were loaded", "use a smaller model") from error
    facts = {
        "engine": "transformers",
        "forward": config.forward,
        "backward": config.backward or config.forward,
        "commits": [forward.commit, backward.commit],
        "decoding": config.decoding,
        "device": device.type,
        "precision": config.precision,
    }
    return TranslationEngine(
        SequenceToSequence(forward, config, config.source, config.pivot),
        SequenceToSequence(backward, config, config.pivot, config.source),
        facts,
    )
