"""Checkpoints that resume bit-exactly: weights, optimizer state, and training progress.

A checkpoint is a folder ``step-00000278`` with ``model.safetensors``, ``optimizer.pt`` and ``state.json``, which holds
the size and SHA-256 of the other two, and a SHA-256 of its own content. Checkpoints are written atomically, so the
newest complete one can be loaded at any time. No generator state is stored: batches and dropout are functions of seed
and step; with fp16 the loss scale is reset.

With weight averaging, ``average.safetensors`` has the state of the average.

The best weights on dev are in the checkpoint of ``Progress.best_step``. When it is no longer needed for resuming, it is
renamed to ``best-00000120`` and loses its optimizer state. A checkpoint is used only if the best weights that it refers
to are complete too, so that a training cannot end without them.
"""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
from pydantic import BaseModel, Field, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from halluc.core.errors import HallucError, environment_error, first_line
from halluc.core.files import irregular, replace_folder, write_json
from halluc.engine.averaging import WeightAverage, Weights, mean_of
from halluc.engine.progress import STRICT, Count, Progress
from halluc.runs.integrity import problem
from halluc.runs.provenance import file_sha256
from halluc.runs.records import content_sha256

Keep = Literal["none", "last", "all"]

_WEIGHTS: Literal["model.safetensors"] = "model.safetensors"
_OPTIMIZER: Literal["optimizer.pt"] = "optimizer.pt"
_AVERAGE: Literal["average.safetensors"] = "average.safetensors"
_File = Literal["model.safetensors", "optimizer.pt", "average.safetensors"]
_STATE = "state.json"
_OTHER_VERSION = f"{_STATE} is of another version of halluc"

# A state has a few hundred bytes; longer files are not read.
_MOST_BYTES = 1 << 20

# During training the last but one stays too, as the fallback if the last one is damaged.
KEPT = 2

_DIGITS = "[0-9]" * 8
_STEPS, _BESTS = f"step-{_DIGITS}", f"best-{_DIGITS}"


_Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Damaged(Exception):
    """A checkpoint cannot be used; the text is the reason."""


class _State(BaseModel):
    """``state.json``; ``sha256`` is that of the other keys (see ``_digest``)."""

    model_config = STRICT

    version: Literal[3] = 3
    progress: Progress
    epoch: Count
    files: dict[_File, _Sha256] = Field(min_length=2)
    sha256: str = ""


def _digest(state: dict[str, Any]) -> str:
    """Hash of a state without its key ``sha256``: it detects an edited figure or hash."""
    return content_sha256({key: value for key, value in state.items() if key != "sha256"})


@dataclass
class Snapshot:
    """The content of a checkpoint in CPU memory: copied while training waits, and written while it continues."""

    weights: dict[str, torch.Tensor]
    optimizer: Any
    progress: Progress
    epoch: int
    average: Weights | None = None


def snapshot(
    model: torch.nn.Module,
    optimizer: Any,
    progress: Progress,
    epoch: int,
    reuse: Snapshot | None = None,
    average: WeightAverage | None = None,
) -> Snapshot:
    """Copy weights and optimizer state to CPU memory, into the tensors of ``reuse`` if they fit.

    Allocating memory takes ten times as long as the copy itself (page faults), so the caller keeps one snapshot and
    reuses it. Tensors that share memory are copied separately, as safetensors requires.
    """
    weights = _copied(dict(model.state_dict()), reuse.weights if reuse else None)
    state = _copied(optimizer.state_dict(), reuse.optimizer if reuse else None)
    averaged = _copied(average.state(), reuse.average if reuse else None) if average is not None else None
    return Snapshot(weights, state, copy.copy(progress), epoch, averaged)


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


def write(folder: Path, content: Snapshot, keep: Keep) -> Path:
    """Write ``folder/step-…`` and remove the checkpoints that it replaces.

    Raises:
        HallucError E401: the disk is full or read-only; existing checkpoints stay.
    """
    target = folder / _name(content.progress.step)

    def fill(new: Path) -> None:
        try:
            save_file(content.weights, new / _WEIGHTS)
            torch.save(content.optimizer, new / _OPTIMIZER)
            if content.average is not None:
                save_file(content.average, new / _AVERAGE)
        except (SafetensorError, RuntimeError) as error:  # their errors for a full disk
            help = "free space, or choose another `runs_dir`"
            raise environment_error("E401", f"cannot write {target}: {first_line(error)}", help) from None
        names = (_WEIGHTS, _OPTIMIZER) if content.average is None else (_WEIGHTS, _OPTIMIZER, _AVERAGE)
        state = _State(
            progress=content.progress, epoch=content.epoch, files={name: file_sha256(new / name) for name in names}
        ).model_dump()
        write_json(new / _STATE, {**state, "sha256": _digest(state)})

    replace_folder(target, fill)
    if keep != "all":
        prune(folder, KEPT)
    return target


def _name(step: int) -> str:
    return f"step-{step:08d}"


def prune(folder: Path, kept: int) -> None:
    """Remove all but the newest ``kept`` checkpoints, and the best weights that these refer to."""
    steps = sorted(folder.glob(_STEPS))
    best = {step for step in map(_best_step, steps[-kept:]) if step is not None}
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
    """The step whose weights a checkpoint names as the best; None if there was no evaluation, or it is damaged."""
    try:
        progress = _state(path).progress
    except Damaged:
        return None
    return None if progress.best is None else progress.best_step


def finish(folder: Path, keep: Keep) -> None:
    """Delete unneeded checkpoints after the training has finished and its model is published."""
    if keep == "none":
        shutil.rmtree(folder, ignore_errors=True)
    elif keep == "last":
        prune(folder, 1)


def newest_whole(folder: Path, notify: Callable[[str], None]) -> Path | None:
    """The newest checkpoint that is complete, including its best weights; None if there is no checkpoint at all.

    Raises:
        HallucError R107: there are checkpoints, but none of them can be used.
    """
    damaged: list[str] = []
    for path in sorted(folder.glob(_STEPS), reverse=True):
        try:
            progress = _checked(path, (_WEIGHTS, _OPTIMIZER)).progress
            if progress.best is not None and progress.best_step != progress.step:
                _best_weights(folder, progress.best_step)
            return path
        except Damaged as error:
            notify(f"checkpoint {path} is damaged ({error}): trying the previous one")
            damaged.append(f"{path.name}: {error}")
    if damaged:
        text = f"no checkpoint in {folder} can be used ({damaged[0]})"
        is_old = _OTHER_VERSION in damaged[0]
        first = "continue with the version of halluc that started it" if is_old else "restore its files from a backup"
        raise HallucError("R107", text, help=f"{first}, or start a new run without --resume")
    return None


def remove_newer(path: Path) -> None:
    """Remove the checkpoints after ``path``, which are damaged: the training that continues from it replaces them."""
    for other in path.parent.glob(_STEPS):
        if other.name > path.name:
            shutil.rmtree(other, ignore_errors=True)


def step_and_epoch(path: Path) -> tuple[int, int]:
    state = _state(path)
    return state.progress.step, state.epoch


def load(path: Path, model: torch.nn.Module, optimizer: Any, average: WeightAverage | None = None) -> Progress:
    """Load a checkpoint into the model, the optimizer and the weight average.

    Raises:
        HallucError R107: it cannot be read in this process. R110: it is of another model.
    """
    try:
        result = _checked(path, (_WEIGHTS, _OPTIMIZER))
        weights = load_file(path / _WEIGHTS)
        averaged = load_file(path / _AVERAGE) if _AVERAGE in result.files else {}
        state = torch.load(path / _OPTIMIZER, map_location="cpu", weights_only=True)
    except Exception as error:  # unpickling can fail in many ways
        raise HallucError("R107", f"checkpoint {path} cannot be read here: {first_line(error)}") from error
    try:
        _load_weights(model, weights)
        optimizer.load_state_dict(state)
        _refuse_other_shapes(optimizer)
        if average is not None:
            average.load(averaged)
    except Exception as error:
        help = "labels, model or `model.freeze` may have changed: start a new run without --resume"
        message = f"checkpoint {path} belongs to another model: {first_line(error)}"
        raise HallucError("R110", message, help=help) from error
    return result.progress


def _load_weights(model: torch.nn.Module, weights: dict[str, torch.Tensor]) -> None:
    """Load weights into a model with the same keys, shapes and types; torch alone would cast the types silently."""
    own = model.state_dict()
    casts = [name for name, tensor in weights.items() if name in own and own[name].dtype != tensor.dtype]
    if casts:
        raise ValueError(f"{casts[0]} is of type {weights[casts[0]].dtype}, not {own[casts[0]].dtype}")
    model.load_state_dict(weights)


def _refuse_other_shapes(optimizer: Any) -> None:
    """AdamW's moments must have the shape of their parameter; ``load_state_dict`` does not check this."""
    for parameter, state in optimizer.state.items():
        for name in ("exp_avg", "exp_avg_sq"):
            if state[name].shape != parameter.shape:
                raise ValueError(f"{name} of a parameter of shape {tuple(parameter.shape)} has another shape")


def load_weights(folder: Path, step: int, model: torch.nn.Module) -> None:
    """Load the weights of ``step`` into the model, averaged if it was evaluated with averaged weights.

    Raises:
        HallucError R107: they are missing or damaged.
    """
    try:
        best = _best_weights(folder, step)
        _load_weights(model, load_file(best / _WEIGHTS))
        if (best / _AVERAGE).is_file() and (averaged := mean_of(load_file(best / _AVERAGE))):
            model.load_state_dict(averaged, strict=False)
    except (Damaged, OSError, SafetensorError, RuntimeError, ValueError) as error:
        message = f"cannot load the weights of step {step} from {folder}: {first_line(error)}"
        raise HallucError("R107", message, help="start a new run without --resume") from error


def _best_weights(folder: Path, step: int) -> Path:
    """The checkpoint with the weights of ``step``, after its files were verified."""
    for path in (folder / _name(step), folder / f"best-{step:08d}"):
        if path.is_dir():
            try:
                _checked(path, (_WEIGHTS,))
            except Damaged as error:
                raise Damaged(f"the best weights, in {path.name}: {error}") from None
            return path
    raise Damaged(f"the best weights, of step {step}, are missing")


def _state(path: Path) -> _State:
    """``state.json`` of a checkpoint, after its content was verified."""
    file = path / _STATE
    try:
        size, kind = file.stat().st_size, irregular(file)
        if kind is not None:
            raise Damaged(f"{_STATE} is {kind}")
        if size > _MOST_BYTES:
            raise Damaged(f"{_STATE} has {size:,} bytes")
        state = _State.model_validate_json(file.read_bytes())
    except OSError as error:
        raise Damaged(f"{_STATE}: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors()[0]
        if first["loc"] == ("version",):
            raise Damaged(_OTHER_VERSION) from None
        place = ".".join(map(str, first["loc"]))
        raise Damaged(f"{_STATE}: {place}: {first['msg']}" if place else f"{_STATE}: {first['msg']}") from None
    if state.sha256 != _digest(state.model_dump()):
        raise Damaged(f"{_STATE} was changed after it was written")
    if path.name.split("-")[-1] != f"{state.progress.step:08d}":
        raise Damaged(f"{_STATE} is of step {state.progress.step}")
    return state


def _checked(path: Path, names: tuple[_File, ...]) -> _State:
    """``state.json``, after the hashes of the named files, and of the average if there is one, were verified."""
    state = _state(path)
    for name in (*names, _AVERAGE) if _AVERAGE in state.files else names:
        wrong = problem(path / name, state.files[name], "it was written")
        if wrong is not None:
            raise Damaged(f"{name} {wrong}")
    return state


class CheckpointWriter:
    """Writes to ``folder`` from one copy of weights and optimizer state, whose memory is reused.

    The main thread only makes the copy. If the previous checkpoint is still being written, ``begin`` waits for it:
    there is never a second copy in memory, and no checkpoint is skipped.
    """

    def __init__(self, folder: Path, keep: Keep) -> None:
        self.folder, self.keep = folder, keep
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="checkpoint")
        self._copy: Snapshot | None = None
        self._writing: Future[Path] | None = None

    def begin(
        self,
        model: torch.nn.Module,
        optimizer: Any,
        progress: Progress,
        epoch: int,
        average: WeightAverage | None = None,
    ) -> None:
        """Copy the current state and write it in the background; call ``written`` first, for the one in progress."""
        assert self._writing is None, "one at a time"
        self._copy = snapshot(model, optimizer, progress, epoch, self._copy, average)
        self._writing = self._thread.submit(write, self.folder, self._copy, self.keep)

    def written(self, *, wait: bool) -> Path | None:
        """The checkpoint that was written since the last call; None if there is none.

        Raises:
            HallucError E401: it could not be written: the disk is full or read-only.
        """
        if self._writing is None or not (wait or self._writing.done()):
            return None
        done, self._writing = self._writing, None
        return done.result()

    def close(self) -> None:
        """Wait for the thread, whether its checkpoint succeeds or not, and free the copy."""
        self._thread.shutdown(wait=True)
        self._copy = None
