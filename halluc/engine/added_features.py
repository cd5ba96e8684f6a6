"""Additional features of word pieces, which a trained matrix maps to vectors added to the word embeddings.

The matrix is part of the model in training, so that optimizer and checkpoints include it. A model folder has it in a
separate file, ``added_features.safetensors``; transformers loads the rest.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from halluc.core.errors import environment_error, first_line
from halluc.engine.references import ModelSource

FILE = "added_features.safetensors"
# The name of the model's input with the features, and of the model's attribute with the module.
NAME = "added_features"
# The learning rate of the matrix is this many times that of other weights: it is initialised to 0, and in a short
# training it would not reach the size of word embeddings. A power of two, so that dividing and multiplying are exact.
RATE = 4.0


class AddedFeatures(torch.nn.Module):
    """Maps features, (…, features), to vectors that are added to word embeddings, (…, width). Its matrix is initialised
    to 0, so that a model initially behaves as without it. ``weight`` is the matrix divided by ``RATE``."""

    def __init__(self, features: int, width: int) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(features, width))

    def save_own_file(self, folder: Path) -> None:
        save_file({"weight": (self.weight.detach() * RATE).cpu().contiguous()}, folder / FILE)

    def insert(
        self, model: Any, args: tuple[Any, ...], inputs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
        """A forward pre-hook: replaces piece ids and ``added_features``, (rows, pieces, features), by embeddings."""
        features = inputs.get(NAME)
        if features is None:
            return None
        embedded = model.get_input_embeddings()(inputs["input_ids"])
        others = {name: value for name, value in inputs.items() if name not in (NAME, "input_ids")}
        return args, {**others, "inputs_embeds": embedded + features.to(self.weight.dtype) @ self.weight * RATE}


def attach(model: Any, features: int) -> None:
    """Make a model of transformers accept this many features per piece."""
    added = AddedFeatures(features, model.get_input_embeddings().embedding_dim)
    model.add_module(NAME, added)
    model._keys_to_ignore_on_save = {*(model._keys_to_ignore_on_save or ()), f"{NAME}.weight"}
    model.register_forward_pre_hook(added.insert, with_kwargs=True)


def load(model: Any, features: int, source: ModelSource) -> None:
    """``attach`` with the matrix from the folder of the model.

    Raises:
        HallucError E411: it is missing, damaged, or has another number of features.
    """
    from transformers.utils import cached_file

    attach(model, features)
    try:
        path = cached_file(source.name, FILE, revision=source.revision, local_files_only=source.local)
        matrix = {name: value / RATE for name, value in load_file(str(path)).items()}
        getattr(model, NAME).load_state_dict(matrix)
    except (OSError, RuntimeError, SafetensorError) as error:
        help = "restore the model folder: the file belongs to it"
        raise environment_error("E411", f"cannot load {FILE} of {source.name}: {first_line(error)}", help) from error
