"""Checkpoints that resume to the bit: weights, optimizer, and where training stands.

A checkpoint is a folder ``step-00000278`` with ``model.safetensors``, ``optimizer.pt`` and ``state.json``, which holds
the size and hash of the other two. ``last`` and ``best`` are text files that name a folder and are replaced atomically,
so that at no moment the newest whole checkpoint is out of reach. Randomness needs no place in it: batches and dropout
are functions of seed and step; with fp16 the loss scale starts anew.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load as parse_safetensors
from safetensors.torch import save as render_safetensors

from halluc.core.errors import HallucError
from halluc.core.files import replace_folder, write_json, write_text

LAST, BEST = "last", "best"
_WEIGHTS, _OPTIMIZER, _STATE = "model.safetensors", "optimizer.pt", "state.json"
_VERSION = 1

# The one before the last stays too: it is what a damaged last one falls back to.
KEPT = 2


@dataclass
class Progress:
    """Where training stands beside weights and optimizer.

    ``step`` counts optimizer steps, ``evaluations`` those of dev that are done; ``best`` is the best figure so far and
    ``stale`` the evaluations since then. ``varied`` says whether the figure has had two values: one that is constant
    cannot tell checkpoints apart.
    """

    step: int = 0
    evaluations: int = 0
    best: float = -math.inf
    best_step: int = 0
    best_metrics: dict[str, float] | None = None
    stale: int = 0
    varied: bool = False

    @property
    def is_chosen(self) -> bool:
        """Whether dev chose the best checkpoint: by a figure that varied, or in the only evaluation."""
        return self.best_metrics is not None and (self.varied or self.evaluations == 1)


class Damaged(Exception):
    """A checkpoint that is not whole, and what is wrong with it."""


def save(folder: Path, model: torch.nn.Module, optimizer: Any, progress: Progress) -> Path:
    """Write ``folder/step-…``, point ``last`` to it, and prune older ones.

    Raises:
        HallucError E401: the disk is full or read-only; what was there stays.
    """
    target = folder / f"step-{progress.step:08d}"
    contents = {_WEIGHTS: _weights(model), _OPTIMIZER: _rendered(optimizer.state_dict())}

    def fill(beside: Path) -> None:
        for name, content in contents.items():
            (beside / name).write_bytes(content)
        files = {n: {"bytes": len(c), "sha256": hashlib.sha256(c).hexdigest()} for n, c in contents.items()}
        # JSON has no infinity: nothing evaluated yet is null.
        standing = {**vars(progress), "best": progress.best if math.isfinite(progress.best) else None}
        write_json(beside / _STATE, {"version": _VERSION, "progress": standing, "files": files})

    replace_folder(target, fill)
    write_text(folder / LAST, target.name + "\n")
    prune(folder)
    return target


def _weights(model: torch.nn.Module) -> bytes:
    """The state dict; of tensors that share memory each is written out."""
    state = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in model.state_dict().items()}
    return bytes(render_safetensors(state))


def _rendered(state: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


def prune(folder: Path) -> None:
    """Remove all but the newest step folders and the best that ``best`` names."""
    steps = sorted(folder.glob("step-*"))
    best = pointed(folder, BEST)
    for old in [*steps[:-KEPT], *(b for b in folder.glob("best-*") if b != best)]:
        shutil.rmtree(old, ignore_errors=True)


def pointed(folder: Path, pointer: str) -> Path | None:
    """The folder that ``last`` or ``best`` names, where it is there."""
    try:
        name = (folder / pointer).read_text(encoding="utf-8").strip()
    except OSError:
        return None
    return folder / name if name and (folder / name).is_dir() and "/" not in name else None


def keep_best(folder: Path, step: int, fill: Callable[[Path], object]) -> Path:
    """Fill ``folder/best-…`` and point ``best`` to it; the earlier best stays until then."""
    target, number = folder / f"best-{step:08d}", 1
    while target.exists():  # a resumed run reaches the same step again
        number += 1
        target = folder / f"best-{step:08d}-{number}"
    replace_folder(target, fill)
    write_text(folder / BEST, target.name + "\n")
    prune(folder)
    return target


def newest_whole(folder: Path, tell: Callable[[str], None]) -> Path | None:
    """The newest checkpoint that is whole; None where there is none at all.

    Raises:
        HallucError R107: checkpoints are there, and none of them is whole.
    """
    damaged = 0
    for path in _newest_first(folder):
        try:
            _read(path)
            return path
        except Damaged as error:
            tell(f"checkpoint {path} is damaged ({error}): the one before it is used")
            damaged += 1
    if damaged:
        raise HallucError("R107", f"no checkpoint in {folder} is whole", help="start anew without --resume")
    return None


def load(path: Path, model: torch.nn.Module, optimizer: Any) -> Progress:
    """Load a checkpoint into model and optimizer.

    Raises:
        HallucError R107: it cannot be read in this process. R110: it is of another model.
    """
    try:
        state, weights, optimizer_state = _read(path)
        model.load_state_dict(weights)
        optimizer.load_state_dict(optimizer_state)
    except Damaged as error:
        raise HallucError("R107", f"checkpoint {path} cannot be read here: {error}") from error
    except (RuntimeError, ValueError) as error:
        help = "did labels, model or `model.freeze` change? start a new run without --resume"
        raise HallucError("R110", f"checkpoint {path} is of another model", help=help) from error
    best = state.pop("best")
    return Progress(best=-math.inf if best is None else best, **state)


def _newest_first(folder: Path) -> Iterator[Path]:
    return iter(sorted(folder.glob("step-*"), reverse=True))


def _read(path: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor], Any]:
    try:
        state = json.loads((path / _STATE).read_text(encoding="utf-8"))
        contents = {name: (path / name).read_bytes() for name in (_WEIGHTS, _OPTIMIZER)}
        if state["version"] != _VERSION:
            raise Damaged(f"version {state['version']}, not {_VERSION}")
        for name, content in contents.items():
            if len(content) != state["files"][name]["bytes"]:
                raise Damaged(f"{name} has {len(content):,} bytes, not {state['files'][name]['bytes']:,}")
            if hashlib.sha256(content).hexdigest() != state["files"][name]["sha256"]:
                raise Damaged(f"{name} is not what was written")
        Progress(**state["progress"])
    except OSError as error:
        raise Damaged(f"{error.filename}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError) as error:
        raise Damaged(f"{_STATE}: {error}") from None
    optimizer = torch.load(io.BytesIO(contents[_OPTIMIZER]), map_location="cpu", weights_only=True)
    return state["progress"], parse_safetensors(contents[_WEIGHTS]), optimizer
