"""Exports a trained model for other runtimes: ONNX, or a program of torch.export."""

from __future__ import annotations

import contextlib
import inspect
import io
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy
import torch

from halluc.engine.inference import logits_of
from halluc.runs.exports import OPSET, Format


class LogitsOf(torch.nn.Module):
    """A model with positional inputs that returns only logits."""

    def __init__(self, model: torch.nn.Module, names: Sequence[str]) -> None:
        super().__init__()
        self.model, self.names = model, tuple(names)

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        return logits_of(self.model(**dict(zip(self.names, inputs, strict=True)))).float()


def write(model: Any, inputs: Mapping[str, numpy.ndarray], path: Path, format: Format) -> list[str]:
    """Write the model to ``path``, for any number of rows and pieces; returns the names of its inputs, in order.

    Args:
        inputs: example inputs of the model: at least two rows and two pieces, as a size of 1 would be exported as
            constant.

    Raises:
        Exception: from torch, if a part of the model cannot be exported.
    """
    tensors = {name: torch.from_numpy(array) for name, array in inputs.items()}
    takes_types = "token_type_ids" in inspect.signature(model.forward).parameters
    if takes_types and getattr(model.config, "type_vocab_size", 0) > 1:
        tensors.setdefault("token_type_ids", torch.zeros_like(tensors["input_ids"]))
    arrays = tuple(tensors.values())
    of_input = {0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC}
    shapes = {"inputs": tuple(of_input for _ in arrays)}
    wrapped = LogitsOf(model.eval(), list(tensors)).eval()
    if format == "torch":
        # Exported to memory first: on a full disk torch would abort the process.
        content = io.BytesIO()
        with torch.no_grad():
            torch.export.save(torch.export.export(wrapped, arrays, dynamic_shapes=shapes), content)
        path.write_bytes(content.getbuffer())
        return list(tensors)
    with _quiet(), torch.no_grad():
        program = torch.onnx.export(
            wrapped, arrays, input_names=list(tensors), output_names=["logits"], dynamo=True, dynamic_shapes=shapes,
            opset_version=OPSET, verbose=False,
        )  # fmt: skip
    assert program is not None, "an export with dynamo returns the program"
    program.save(path)
    return list(tensors)


def quantize(path: Path) -> None:
    """Replace an ONNX model by one whose weights are 8-bit integers with a scale for each channel; activations are
    quantised at run time (dynamic quantisation)."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    small = path.with_suffix(".int8")
    with _quiet():
        quantize_dynamic(path, small, per_channel=True, weight_type=QuantType.QInt8)
    small.replace(path)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)
