"""``halluc train --resume`` with more epochs or steps: continues a run to a new total.

A run whose config differs only in ``train.epochs`` and ``train.steps`` gets the new config. It continues from its last
checkpoint with the learning-rate schedule of the new total. That differs from a training with this total from the
start: the earlier steps followed the schedule of the old total.
"""

from __future__ import annotations

import itertools
from typing import Any

from halluc.components import TABLE
from halluc.config import hashing, loading, rendering
from halluc.config.loading import LoadedConfig
from halluc.config.training import TrainConfig
from halluc.core.errors import HallucError
from halluc.core.files import irregular, make_folder, unwritable, write_text
from halluc.core.messages import say, warn
from halluc.core.quantities import quantity
from halluc.runs import directory, provenance
from halluc.runs.directory import RunDir
from halluc.runs.schema import EarlierTotal

_TOTALS = ("epochs", "steps")

# Results of the earlier model; the model itself stays until the new one replaces it.
_OF_THE_MODEL = ("eval", "predictions", "ledger", "confidence.json", "report")


def find(loaded: LoadedConfig) -> RunDir | None:
    """The newest run of this name that can be continued to the total of this config; None if none was trained.

    Raises:
        HallucError R116: such a run was trained, but its checkpoints were deleted.
    """
    trained: RunDir | None = None
    for run, record in directory.newest_first(loaded.home):
        if "train" in record.stages and is_other_total(run, loaded):
            if run.has_checkpoint():
                return run
            if trained is None and run.is_trained():
                trained = run
    if trained is not None:
        refuse_without_checkpoint(trained)
    return None


def is_other_total(run: RunDir, loaded: LoadedConfig) -> bool:
    """Whether the config stored in the run differs from this one only in the number of epochs or steps."""
    before = stored_config(run)
    return before is not None and _drop_total(before.tree) == _drop_total(loaded.tree)


def stored_config(run: RunDir) -> LoadedConfig | None:
    """The config stored in the run; None if it cannot be read."""
    if irregular(run.config) is not None:  # a pipe would block the reader
        return None
    try:
        return loading.load(run.config, table=TABLE, stored=True)
    except HallucError:
        return None


def restore_config(run: RunDir, loaded: LoadedConfig) -> None:
    """Rewrite the ``config.yaml`` of a run of this config if it is missing, damaged or edited."""
    before = stored_config(run)
    if before is None or before.sha256 != loaded.sha256:
        what = "cannot be read" if before is None else "was changed after the run started"
        write_text(run.config, rendering.annotated(loaded))
        warn(f"{run.config} {what}: it is written again with the config of this command")


def _drop_total(tree: dict[str, Any]) -> dict[str, Any]:
    sections = hashing.model_sections(tree)
    return {**sections, "train": {key: value for key, value in sections["train"].items() if key not in _TOTALS}}


def refuse_without_checkpoint(run: RunDir) -> None:
    """
    Raises:
        HallucError R116: there is nothing to continue from.
    """
    if not run.has_checkpoint():
        message = f"{run.path} cannot be trained further: its checkpoint was deleted after training"
        help = "`train.checkpoints: {keep: last}` keeps it for the next training; without --resume, a new run starts"
        raise HallucError("R116", message, help=help)


def adopt(run: RunDir, loaded: LoadedConfig) -> None:
    """Set a new config for the run; call it as the run's only writer, before its training continues.

    Evaluations and reports of the earlier model move to ``earlier/<number>/``.

    Raises:
        HallucError R107: no checkpoint can be read. R109: the data changed. R117: more steps are done than requested.
    """
    from halluc.engine import checkpoint

    record, before = run.read(), stored_config(run)
    assert before is not None, "`is_other_total` has read it"
    # Before anything is changed; damage is reported when the training continues.
    newest = checkpoint.newest_whole(run.checkpoints, lambda text: None)
    if newest is None:
        raise HallucError("R107", f"{run.checkpoints} has no checkpoint", help="start a new run without --resume")
    changed = provenance.changed_inputs(record.inputs)
    if changed:
        help = "restore it, or start a new run without --resume"
        raise HallucError("R109", f"{', '.join(changed)} changed since this training started", help=help)
    step, epoch = checkpoint.step_and_epoch(newest)
    _refuse_fewer(run, loaded, step, epoch)
    old, new = before.experiment.train, loaded.experiment.train
    _set_aside(run)
    record.earlier_totals.append(
        EarlierTotal(config_sha256=record.config_sha256, epochs=old.epochs, steps=old.steps, resumed_step=step)
    )
    if run.model.is_dir() and record.model_sha256 is None:
        record.model_sha256 = record.config_sha256
    record.model_removed = None  # the removed model is not the one of this config
    record.config_sha256 = loaded.sha256
    record.stages.pop("eval", None)
    # First: if the process is killed in between, the same command finds the run again.
    write_text(run.config, rendering.annotated(loaded))
    run.write(record)
    say(f"{run.path} continues from step {step}, epoch {epoch}, to {_total(new)} (before: {_total(old)})")


def _total(train: TrainConfig) -> str:
    return quantity(train.epochs, "epochs") if train.steps is None else quantity(train.steps, "steps")


def _refuse_fewer(run: RunDir, loaded: LoadedConfig, step: int, epoch: int) -> None:
    train = loaded.experiment.train
    key, requested, done = ("epochs", train.epochs, epoch) if train.steps is None else ("steps", train.steps, step)
    if requested < done:
        message = f"`train.{key}: {requested}` is less than {run.path} has already done: step {step}, in epoch {epoch}"
        raise HallucError("R117", message, help="increase it, or train a new run without --resume")


def _set_aside(run: RunDir) -> None:
    existing = [path for name in _OF_THE_MODEL if (path := run.path / name).exists()]
    if not existing:
        return
    numbered = (run.path / "earlier" / str(number) for number in itertools.count(1))
    aside = next(path for path in numbered if not path.exists())
    make_folder(aside)
    try:
        for path in existing:
            path.rename(aside / path.name)
    except OSError as error:
        raise unwritable(aside, error) from error
    say(f"the evaluation of its earlier model is moved to {aside}")
