"""Fitted GANs on disk: a folder for each fingerprint, valid once its last file is there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError

from halluc.augmentation.models.gan.training import Weights
from halluc.core.edits import Editable
from halluc.core.files import make_folder, replacing, write_json

_WEIGHTS, _FACTS, _CHECKPOINT = "weights.safetensors", "fitted.json", "training.pt"
# Rises where the same config and examples would give another model.
_VERSION = 1


@dataclass(frozen=True)
class FittedGan:
    """Weights by generator, and what the manifest says of them."""

    weights: dict[str, Weights]
    facts: dict[str, Any]


@dataclass(frozen=True)
class GanStore:
    """The folder of one fitted GAN. ``checkpoint`` is where its training keeps its state."""

    folder: Path

    @classmethod
    def of(cls, workspace: Path, keys: Any, examples: Iterable[Editable]) -> GanStore:
        """The folder for these examples and ``keys``: plain values, all that decides the weights."""
        digest = hashlib.sha256(json.dumps([_VERSION, torch.__version__, keys], sort_keys=True).encode())
        for example in examples:
            digest.update(json.dumps(example).encode())
        return cls(workspace / f"gan_synthesis-{digest.hexdigest()[:16]}")

    @property
    def checkpoint(self) -> Path:
        return self.folder / _CHECKPOINT

    def load(self) -> FittedGan | None:
        """What was stored; None where nothing whole is there."""
        try:
            stored = json.loads((self.folder / _FACTS).read_bytes())
            content = (self.folder / _WEIGHTS).read_bytes()
            if hashlib.sha256(content).hexdigest() != stored["sha256"]:
                return None
            tensors = safetensors.torch.load(content)
        except (OSError, ValueError, KeyError, TypeError, SafetensorError):
            return None
        weights: dict[str, Weights] = {}
        for name, tensor in tensors.items():
            generator, key = name.split("/", 1)
            weights.setdefault(generator, {})[key] = tensor
        return FittedGan(weights, stored["facts"])

    def save(self, fitted: FittedGan) -> None:
        """Write both files, the valid one last, and remove the checkpoint.

        Raises:
            HallucError E401: the disk is full or read-only.
        """
        make_folder(self.folder)
        named = {f"{name}/{key}": one for name, weights in fitted.weights.items() for key, one in weights.items()}
        content = safetensors.torch.save({name: tensor.cpu().contiguous() for name, tensor in named.items()})
        with replacing(self.folder / _WEIGHTS, "wb") as file:
            file.write(content)
        write_json(self.folder / _FACTS, {"sha256": hashlib.sha256(content).hexdigest(), "facts": fitted.facts})
        self.checkpoint.unlink(missing_ok=True)
