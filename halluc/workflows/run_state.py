"""The state of a run: whether it is trained, and evaluated with the current settings."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from halluc import __version__
from halluc.config.hashing import section_in_hash, sha256_of_tree
from halluc.config.loading import LoadedConfig
from halluc.core import latest
from halluc.core.errors import HallucError
from halluc.core.files import expanded
from halluc.core.messages import warn
from halluc.data.rows.references import SPLITS
from halluc.runs import evaluations, integrity, provenance
from halluc.runs.directory import RUN_FILE, RunDir

REQUESTED = "asked"


def is_trained(run: RunDir) -> bool:
    """Whether the training is done.

    Raises:
        HallucError R109: it was trained on files that have changed since.
    """
    if not run.is_trained():
        return False
    changed = provenance.changed_inputs(run.read().inputs)
    if changed:
        help = "restore it, or start again with --fresh"
        raise HallucError("R109", f"{', '.join(changed)} changed since {run.path} was trained", help=help)
    return True


def refuse_without_model(run: RunDir, help: str) -> None:
    """
    Raises:
        HallucError R118: the model was removed by ``keep_models``. R105: there is none, and ``help`` is the advice.
    """
    if run.model.is_dir():
        return
    refuse_without_own_model(run)
    removed = run.read().model_removed if (run.path / RUN_FILE).is_file() else None
    if removed is None:
        raise HallucError("R105", f"{run.path} has no model/", help=help)
    help = f"train it again: {_train_command(run)}"
    raise HallucError("R118", f"the model of {run.path} was removed by `keep_models: {removed}`", help=help)


def refuse_without_own_model(run: RunDir) -> None:
    """
    Raises:
        HallucError R105: the run evaluates predictions of another tool, or of an ensemble.
    """
    record = run.read() if (run.path / RUN_FILE).is_file() else None
    if record is not None and (record.predictions is not None or record.ensemble):
        source = record.predictions.name if record.predictions else f"an ensemble of {len(record.ensemble)} models"
        raise HallucError(
            "R105", f"{run.path} has no model: it evaluates predictions of {source}", help=evaluations.anew(run)
        )


def refuse_untrained(run: RunDir, help: str) -> None:
    """
    Raises:
        HallucError R105, R118: as ``refuse_without_model``; and R105 where ``model/`` is of an earlier total of epochs.
    """
    refuse_without_model(run, help)
    if not run.is_trained():
        message = f"the training of {run.path} is being continued, and its model/ is still the earlier one"
        raise HallucError("R105", message, help=f"finish it: {_train_command(run)}")


def warn_changed_model(run: RunDir) -> list[str]:
    """Warn if files of ``model/`` differ from those that the training published; returns their names."""
    changed = integrity.changed_model_files(run, run.read())
    if changed:
        text = ", ".join(f"{name} {what}" for name, what in changed.items())
        warn(f"{run.model} is not the model that training wrote: {text}; results are those of the present model")
    return list(changed)


def warn_changed_confidence(run: RunDir) -> None:
    """Warn if ``confidence.json``, which calibrates and withdraws claims, was changed after the evaluation."""
    text = integrity.confidence_problem(run, run.read())
    if text is not None:
        warn(f"{run.confidence} {text} ({evaluations.anew(run)})")


def _train_command(run: RunDir) -> str:
    return shlex.join(["halluc", "train", str(run.config), "--run", str(run.path), "--resume"])


def is_evaluated(run: RunDir, loaded: LoadedConfig, splits: Sequence[str]) -> bool:
    """Whether these splits are evaluated with the same model, settings, data and version of halluc, and every file is
    unchanged."""
    record = run.read()
    stage = record.stages.get("eval")
    recorded = stage.detail.get(REQUESTED) if stage is not None and stage.status == "done" else None
    if not isinstance(recorded, dict) or not set(splits) <= set(recorded.get("splits") or ()):
        return False
    if recorded.get("fingerprint") != _fingerprint(run, loaded):
        return False
    exist = all(run.evaluation(split).is_file() for split in splits)  # earlier versions recorded no hashes
    return exist and not any(evaluations.problems(run, record, split) for split in splits)


def record_for(run: RunDir, loaded: LoadedConfig, splits: Sequence[str], earlier: dict[str, Any]) -> dict[str, Any]:
    """The record of an evaluation that ``is_evaluated`` compares; it includes ``earlier`` splits that are still
    valid."""
    fingerprint = _fingerprint(run, loaded)
    recorded = earlier.get(REQUESTED)
    is_same = isinstance(recorded, dict) and recorded.get("fingerprint") == fingerprint
    earlier_splits = earlier[REQUESTED].get("splits") or [] if is_same else []
    return {"fingerprint": fingerprint, "splits": [split for split in SPLITS if split in {*earlier_splits, *splits}]}


def model_folder(reference: str) -> Path:
    """The folder of the model for the name of a run or a model; it may not exist."""
    folder = expanded(latest.resolve_text(reference))
    return folder / "model" if (folder / "model").is_dir() else folder


def _fingerprint(run: RunDir, loaded: LoadedConfig) -> str:
    """Hash of everything that an evaluation depends on, except the set of requested splits."""
    data, record = loaded.experiment.data, run.read()
    trained = record.stages.get("train")
    # The other models of an ensemble may have been trained again.
    digests = [integrity.model_digest(model_folder(one)) for one in loaded.experiment.eval.ensemble or ()]
    return sha256_of_tree(
        {
            "halluc": __version__,
            "model": [record.config_sha256, trained.started if trained else None],
            "data": section_in_hash(loaded.tree, "data"),
            "task": section_in_hash(loaded.tree, "task", undeciding=True),
            "inputs": provenance.input_hashes([*data.paths(), *loaded.experiment.task.training_files()]),
            "eval": {key: value for key, value in section_in_hash(loaded.tree, "eval").items() if key != "splits"},
            **({"ensemble": digests} if digests else {}),
        }
    )
