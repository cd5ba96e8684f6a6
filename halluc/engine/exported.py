"""Exported models: run by onnxruntime, or as a program of torch.export, on arrays, without transformers.

Nothing here imports torch, unless the export is a program of torch.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Protocol

import numpy

from halluc.core.errors import environment_error, first_line
from halluc.engine.batching import ArrayRows, sorted_batches
from halluc.runs import exports

_EXTRA = 'install it: pip install "halluc[onnx]"'
Arrays = Sequence[numpy.ndarray]


class ArrayFeatures(Protocol):
    """Examples as arrays; ``inputs`` are the keyword arguments of the model."""

    @property
    def lengths(self) -> Sequence[int]: ...
    def inputs(self, indexes: Sequence[int]) -> dict[str, numpy.ndarray]: ...


@dataclass(frozen=True)
class ExportedRuntime:
    """Replaces ``runtime.Runtime``: an export runs on the CPU, in the precision of its file."""

    precision: str

    @property
    def device(self) -> Any:
        return SimpleNamespace(type="cpu")

    @classmethod
    def of(cls, folder: Path) -> ExportedRuntime:
        """
        Raises:
            HallucError R140: the export is damaged.
        """
        result = exports.read(folder)
        return cls(f"{result.format} {result.quantization or 'fp32'}")


class ExportedTokenizer:
    """A tokenizer of the library tokenizers, with the methods of a transformers tokenizer that halluc uses."""

    def __init__(self, backend: Any, pieces: exports.SpecialPieces) -> None:
        self.backend_tokenizer = backend
        self.unk_token_id, self.sep_token_id = pieces.unk_token_id, pieces.sep_token_id
        self.mask_token_id, self.model_max_length = pieces.mask_token_id, pieces.model_max_length

    def get_vocab(self) -> dict[str, int]:
        vocabulary: dict[str, int] = self.backend_tokenizer.get_vocab()
        return vocabulary

    def convert_tokens_to_ids(self, tokens: Sequence[str]) -> list[int | None]:
        return [self.backend_tokenizer.token_to_id(token) for token in tokens]


class ExportedModel:
    """Maps arrays to logits. ``config`` is the content of the model's ``config.json``, ``names`` are its inputs.

    A task stores the decoder of its logits in ``crf``, if it has one.
    """

    def __init__(self, config: Any, names: Sequence[str], compute: Callable[[Arrays], numpy.ndarray]) -> None:
        self.config, self.names, self._compute = config, tuple(names), compute
        self.crf: Any = None

    def forward(self, features: ArrayFeatures, budget: int) -> Iterator[tuple[ArrayRows, numpy.ndarray]]:
        """Each batch with its logits; ``budget`` is padded word pieces per pass."""
        for indexes in sorted_batches(features.lengths, budget):
            inputs = features.inputs(indexes)
            assert inputs.keys() <= {*self.names}, "the export has every input that its task may give"
            missing = numpy.zeros_like(inputs["input_ids"])  # token types, if each input is one text
            try:
                logits = self._compute([inputs.get(name, missing) for name in self.names])
            except Exception as error:
                message = f"the exported model cannot be computed: {first_line(error)}"
                help = "lower `eval.batch_tokens` if there is too little memory; else export the run again"
                raise environment_error("E411", message, help) from error
            yield ArrayRows(inputs, tuple(indexes)), logits


def load(folder: Path) -> tuple[ExportedModel, ExportedTokenizer]:
    """The model and the tokenizer of an export.

    Raises:
        HallucError R140: the export is damaged. E420: onnxruntime is not installed. E411: it cannot load the file.
    """
    result, model = exports.read(folder), folder / "model"
    settings = json.loads((model / "config.json").read_text(encoding="utf-8"))
    names = {int(number): name for number, name in settings["id2label"].items()}
    config = SimpleNamespace(**{**settings, "id2label": names, "num_labels": len(names)})
    open_model = {"onnx": _onnx_session, "torch": _torch_program}[result.format]
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
    compute = open_model(model / exports.MODEL_FILES[result.format])
    return ExportedModel(config, result.inputs, compute), ExportedTokenizer(tokenizer, result.special_pieces)


def _onnx_session(path: Path) -> Callable[[Arrays], numpy.ndarray]:
    try:
        import onnxruntime
    except ImportError:
        raise environment_error("E420", "exported models need onnxruntime, which is not installed", _EXTRA) from None
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # only errors: they are raised too
    options.intra_op_num_threads = _threads(os.environ)
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise _unloadable(path, error) from error
    names = [one.name for one in session.get_inputs()]

    def compute(arrays: Arrays) -> numpy.ndarray:
        (logits,) = session.run(None, dict(zip(names, arrays, strict=True)))
        return numpy.asarray(logits)

    return compute


def _threads(environ: Mapping[str, str]) -> int:
    """The number of threads of onnxruntime: OMP_NUM_THREADS; 0, one per core, if it is not set."""
    value = environ.get("OMP_NUM_THREADS", "")
    return int(value) if value.isdecimal() else 0


def _torch_program(path: Path) -> Callable[[Arrays], numpy.ndarray]:
    import torch

    try:
        module = torch.export.load(path).module()
    except Exception as error:
        raise _unloadable(path, error) from error

    def compute(arrays: Arrays) -> numpy.ndarray:
        with torch.inference_mode():
            logits: numpy.ndarray = module(*map(torch.from_numpy, arrays)).numpy()
        return logits

    return compute


def _unloadable(path: Path, error: Exception) -> Exception:
    help = "another version of the library may have written it: see the versions in export.json"
    return environment_error("E411", f"cannot load {path}: {first_line(error)}", help)
