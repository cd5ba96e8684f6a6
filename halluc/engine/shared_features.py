"""Features of large corpora, encoded by one process of each machine for all of its processes."""

from __future__ import annotations

import io
import pickle
import socket
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import torch
from accelerate.utils import gather_object

from halluc.core.mapped import MappedArray, Reference
from halluc.core.packed import Packed
from halluc.engine.runtime import Runtime

FeaturesT = TypeVar("FeaturesT")


def encoded_once(
    encode: Callable[[Sequence[Any], Any], FeaturesT], examples: Sequence[Any], encoder: Any, runtime: Runtime
) -> FeaturesT:
    """``encode(examples, encoder)`` in every process.

    If the examples are ``Packed``, the first process of each machine encodes them, and the others map its files; a
    process that cannot open them encodes the examples itself. Parts of the model in the features, such as a layer, are
    those of the model of each process.
    """
    if runtime.ranks == 1 or not isinstance(examples, Packed):
        return encode(examples, encoder)
    modules = dict(encoder.model.named_modules())
    is_first = bool(runtime.accelerator.is_local_main_process)
    features = encode(examples, encoder) if is_first else None
    sent = [(socket.gethostname(), _dumped(features, modules))] if is_first else []
    by_host = dict(gather_object(sent))
    if features is None:
        try:
            features = _Unpickler(io.BytesIO(by_host[socket.gethostname()]), modules).load()
        except (OSError, KeyError):
            features = encode(examples, encoder)
    runtime.wait()  # the first process keeps its files open until the others have opened them
    return features


def _dumped(features: object, modules: Mapping[str, torch.nn.Module]) -> bytes:
    """Pickled, without the numbers in files and the parts of the model."""
    content = io.BytesIO()
    _Pickler(content, modules).dump(features)
    return content.getvalue()


class _Pickler(pickle.Pickler):
    def __init__(self, content: io.BytesIO, modules: Mapping[str, torch.nn.Module]) -> None:
        super().__init__(content)
        self._names = {id(module): name for name, module in modules.items()}

    def persistent_id(self, value: Any) -> Reference | str | None:
        return value.reference() if isinstance(value, MappedArray) else self._names.get(id(value))


class _Unpickler(pickle.Unpickler):  # only of bytes that a process of the same training has sent
    def __init__(self, content: io.BytesIO, modules: Mapping[str, torch.nn.Module]) -> None:
        super().__init__(content)
        self._modules = modules

    def persistent_load(self, stored: Any) -> MappedArray | torch.nn.Module:
        return self._modules[stored] if isinstance(stored, str) else MappedArray.of(stored)
