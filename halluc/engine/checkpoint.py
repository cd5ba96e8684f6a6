"""Checkpoints that resume to the bit: weights, optimizer state, and where training stands.

A checkpoint is a folder ``step-00000278`` with ``model.safetensors``, ``optimizer.pt`` and ``state.json``, which holds
the size and SHA-256 of the other two. It is written beside and renamed, so at every moment the newest whole checkpoint
can be loaded. No generator state is stored: batches and dropout are functions of seed and step; with fp16 the loss
scale starts anew.

The weights that are best on dev are those of the checkpoint of ``Progress.best_step``. When that checkpoint is too old
to resume from, it is renamed to ``best-00000120`` and loses its optimizer state.
"""

from __future__ import annotations

import contextlib
import json
import math
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from halluc.core.errors import HallucError, environment_error
from halluc.core.files import replace_folder, sha256_of, write_json

Keep = Literal["none", "last", "all"]

_WEIGHTS, _OPTIMIZER, _STATE = "model.safetensors", "optimizer.pt", "state.json"
_VERSION = 2

# While training runs, the one before the last stays too: it is the fallback if the last one is damaged.
KEPT = 2

_DIGITS = "[0-9]" * 8
_STEPS, _BESTS = f"step-{_DIGITS}", f"best-{_DIGITS}"


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


@dataclass
class Snapshot:
    """A copy of what a checkpoint holds, in CPU memory; training goes on while it is written."""

    weights: dict[str, torch.Tensor]
    optimizer: Any
    progress: Progress
    epoch: int


class Damaged(Exception):
    """A checkpoint that is not whole, and what is wrong with it."""


def snapshot(
    model: torch.nn.Module, optimizer: Any, progress: Progress, epoch: int, reuse: Snapshot | None = None
) -> Snapshot:
    """Copy weights and optimizer state to CPU memory, into the tensors of ``reuse`` where they fit.

    Fresh memory costs ten times as long as the copy itself (page faults), so the caller keeps one snapshot and reuses
    it. Tensors that share memory are copied separately, as safetensors wants them.
    """
    weights = _copied(dict(model.state_dict()), reuse.weights if reuse else None)
    state = _copied(optimizer.state_dict(), reuse.optimizer if reuse else None)
    return Snapshot(weights, state, Progress(**vars(progress)), epoch)


def _copied(value: Any, into: Any) -> Any:
    if isinstance(value, torch.Tensor):
        fits = isinstance(into, torch.Tensor) and (into.shape, into.dtype) == (value.shape, value.dtype)
        target = into if fits else torch.empty(value.shape, dtype=value.dtype, device="cpu")
        return target.copy_(value.detach())
    if isinstance(value, dict):
        old = into if isinstance(into, dict) else {}
        return {key: _copied(one, old.get(key)) for key, one in value.items()}
    if isinstance(value, list):
        same = isinstance(into, list) and len(into) == len(value)
        return [_copied(one, into[index] if same else None) for index, one in enumerate(value)]
    return value


def write(folder: Path, taken: Snapshot, keep: Keep) -> Path:
    """Write ``folder/step-…`` and remove the checkpoints that it replaces.

    Raises:
        HallucError E401: the disk is full or read-only; what was there stays.
    """
    target = folder / _name(taken.progress.step)

    def fill(beside: Path) -> None:
        try:
            save_file(taken.weights, beside / _WEIGHTS)
            torch.save(taken.optimizer, beside / _OPTIMIZER)
        except (SafetensorError, RuntimeError) as error:  # their ways to say that the disk is full
            why = str(error).splitlines()[0]
            help = "free space, or choose another `runs_dir`"
            raise environment_error("E401", f"cannot write {target}: {why}", help) from None
        files = {name: _described(beside / name) for name in (_WEIGHTS, _OPTIMIZER)}
        # JSON has no infinity: nothing evaluated yet is null.
        best = taken.progress.best if math.isfinite(taken.progress.best) else None
        standing = {**vars(taken.progress), "best": best}
        write_json(
            beside / _STATE, {"version": _VERSION, "progress": standing, "epoch": taken.epoch, "files": files}
        )  # fmt: skip

    replace_folder(target, fill)
    if keep != "all":
        prune(folder, KEPT)
    return target


def _name(step: int) -> str:
    return f"step-{step:08d}"


def _described(file: Path) -> dict[str, Any]:
    return {"bytes": file.stat().st_size, "sha256": sha256_of(file)}


def prune(folder: Path, kept: int) -> None:
    """Remove all but the newest ``kept`` checkpoints, and the best weights that these refer to."""
    steps = sorted(folder.glob(_STEPS))
    newest = steps[-kept:]
    best = {step for step in map(_best_step, newest) if step is not None}
    for old in steps[:-kept]:
        step = int(old.name.removeprefix("step-"))
        if step in best:
            weights_only = folder / f"best-{step:08d}"
            shutil.rmtree(weights_only, ignore_errors=True)
            old.rename(weights_only)
        else:
            shutil.rmtree(old, ignore_errors=True)
    for old in folder.glob(_BESTS):
        if int(old.name.removeprefix("best-")) in best:
            (old / _OPTIMIZER).unlink(missing_ok=True)
        else:
            shutil.rmtree(old, ignore_errors=True)


def _best_step(path: Path) -> int | None:
    """The step whose weights a checkpoint names as the best; None where nothing was evaluated, or it is damaged."""
    try:
        progress = _state(path)["progress"]
    except Damaged:
        return None
    return int(progress["best_step"]) if progress["best"] is not None else None


def finish(folder: Path, keep: Keep) -> None:
    """Delete what nobody needs after the training has ended well and its model is published."""
    if keep == "none":
        shutil.rmtree(folder, ignore_errors=True)
    elif keep == "last":
        prune(folder, 1)


def newest_whole(folder: Path, tell: Callable[[str], None]) -> Path | None:
    """The newest checkpoint that is whole; None where there is none at all.

    Raises:
        HallucError R107: checkpoints are there, and none of them is whole.
    """
    damaged = 0
    for path in sorted(folder.glob(_STEPS), reverse=True):
        try:
            _checked(path, (_WEIGHTS, _OPTIMIZER))
            return path
        except Damaged as error:
            tell(f"checkpoint {path} is damaged ({error}): the one before it is used")
            damaged += 1
    if damaged:
        raise HallucError("R107", f"no checkpoint in {folder} is whole", help="start anew without --resume")
    return None


def stands_at(folder: Path) -> tuple[int, int] | None:
    """Step and epoch of the newest checkpoint; None where there is none that can be read."""
    for path in sorted(folder.glob(_STEPS), reverse=True):
        with contextlib.suppress(Damaged):
            state = _state(path)
            return state["progress"]["step"], state["epoch"]
    return None


def load(path: Path, model: torch.nn.Module, optimizer: Any) -> Progress:
    """Load a checkpoint into model and optimizer.

    Raises:
        HallucError R107: it cannot be read in this process. R110: it is of another model.
    """
    try:
        state = _checked(path, (_WEIGHTS, _OPTIMIZER))
        model.load_state_dict(load_file(path / _WEIGHTS))
        optimizer.load_state_dict(torch.load(path / _OPTIMIZER, map_location="cpu", weights_only=True))
    except (Damaged, OSError, SafetensorError) as error:
        raise HallucError("R107", f"checkpoint {path} cannot be read here: {error}") from error
    except (RuntimeError, ValueError) as error:
        help = "did labels, model or `model.freeze` change? start a new run without --resume"
        raise HallucError("R110", f"checkpoint {path} is of another model", help=help) from error
    best = state["progress"].pop("best")
    return Progress(best=-math.inf if best is None else best, **state["progress"])


def load_weights(folder: Path, step: int, model: torch.nn.Module) -> None:
    """Load the weights of ``step`` into the model.

    Raises:
        HallucError R107: they are not there, or damaged.
    """
    found = [path for path in (folder / _name(step), folder / f"best-{step:08d}") if path.is_dir()]
    try:
        if not found:
            raise Damaged("it was removed")
        _checked(found[0], (_WEIGHTS,))
        model.load_state_dict(load_file(found[0] / _WEIGHTS))
    except (Damaged, OSError, SafetensorError) as error:
        message = f"the best weights, those of step {step} in {folder}, cannot be read: {error}"
        raise HallucError("R107", message, help="train again without --resume") from error


def _state(path: Path) -> dict[str, Any]:
    """``state.json`` of a checkpoint, its shape checked."""
    try:
        state: dict[str, Any] = json.loads((path / _STATE).read_text(encoding="utf-8"))
        if state["version"] != _VERSION:
            raise Damaged(f"version {state['version']}, not {_VERSION}")
        Progress(**state["progress"])
        int(state["epoch"])
    except OSError as error:
        raise Damaged(f"{error.filename}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError) as error:
        raise Damaged(f"{_STATE}: {error}") from None
    return state


def _checked(path: Path, names: tuple[str, ...]) -> dict[str, Any]:
    """``state.json``, after the named files were found to be what was written."""
    state = _state(path)
    try:
        for name in names:
            size, expected = (path / name).stat().st_size, state["files"][name]
            if size != expected["bytes"]:
                raise Damaged(f"{name} has {size:,} bytes, not {expected['bytes']:,}")
            if sha256_of(path / name) != expected["sha256"]:
                raise Damaged(f"{name} is not what was written")
    except OSError as error:
        raise Damaged(f"{error.filename}: {error.strerror}") from None
    except (KeyError, TypeError) as error:
        raise Damaged(f"{_STATE}: {error}") from None
    return state
