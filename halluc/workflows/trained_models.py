"""Locates the trained model of a reference that the user gave, with the knowledge of its run."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from halluc import __version__
from halluc.components import TABLE
from halluc.config.hashing import sha256_of_tree
from halluc.config.loading import LoadedConfig
from halluc.config.models import ModelConfig
from halluc.config.schema import Experiment
from halluc.core import files, latest
from halluc.core.errors import HallucError, ManyErrors, environment_error
from halluc.engine.references import resolve_model
from halluc.gap.knowledge import TrainingKnowledge
from halluc.runs import directory, evaluations, provenance, records, schema
from halluc.runs.directory import CONFIG_FILE, RUN_FILE, RunDir
from halluc.task import task_class
from halluc.workflows import nearest_run, run_state, training_knowledge
from halluc.workflows.job import Job, load, load_run

# The default task of a model from elsewhere that does not declare its own.
_TASK = next(iter(TABLE["task"]))


@dataclass(frozen=True)
class Trained:
    """A trained model and the job for using it.

    A model from elsewhere has no run, and the config's defaults. ``confidence`` is None if dev was not evaluated, and
    ``knowledge`` if the training split is unknown.
    """

    job: Job
    reference: str
    confidence: schema.ConfidenceFile | None = None
    knowledge: TrainingKnowledge | None = None

    @property
    def run(self) -> RunDir | None:
        return self.job.run


def locate(reference: str, overrides: Sequence[str] = ()) -> Trained:
    """The model in a run (its folder, ``…/latest``, a cell, or the ``model/`` in it), or one from elsewhere.

    ``overrides`` change settings of the run's config that a trained model does not depend on.

    Raises:
        HallucError C011: overrides for a model without a run. R104: they describe another model.
        HallucError R101, R102, R115: neither a run nor a model, or a damaged run or ``latest``. R105, R118: a run
            without a model. R114: a damaged ``confidence.json``. R120, R121: damaged knowledge. E410: no such package
            or model.
    """
    reference = latest.resolve_text(reference)
    folder = _run_folder(reference)
    if folder is None:
        _refuse_neither(reference)
        resolve_model(reference)
        if overrides:
            raise HallucError("C011", "--set changes the config of a run, but this model has none", help="use its run")
        return Trained(Job(_defaults(reference)), reference)
    result = directory.open_run(folder)
    run_state.refuse_without_model(
        result, "its training did not finish (see `halluc train --resume`), or the folder was removed"
    )
    loaded, run = load_run(result.path, overrides)
    job = Job(loaded, run=run)
    return Trained(job, str(run.model), read_confidence(run), training_knowledge.of(job))


def _run_folder(reference: str) -> Path | None:
    """The folder of the run that the reference names; None if it is not a run."""
    if reference.startswith(("hub:", "package:")) or not reference:
        return None
    path = files.expanded(reference)
    if any((path / file).is_file() for file in (RUN_FILE, CONFIG_FILE)):
        return path
    inside = path.resolve()  # `.` has no name and no parent
    if inside.name == "model" and (inside.parent / RUN_FILE).is_file():
        return path.parent if path.name == "model" else inside.parent
    return None


def _refuse_neither(reference: str) -> None:
    """
    Raises:
        HallucError R101: the reference is neither a run nor a model; the message says what it is.
    """
    path = files.expanded(reference)
    if reference.startswith(("hub:", "package:")) or (path / "config.json").is_file():
        return
    if not reference:
        raise HallucError("R101", "the argument for the run or model is empty", help="a shell variable may be unset")
    if path.is_file():
        raise _config_error(path) if path.suffix in (".yaml", ".yml") else _file_error(path)
    help = "use a run directory, its `model/` folder, or a model: a folder, `hub:NAME` or `package:NAME/FOLDER`"
    newest = path / latest.LATEST
    if latest.is_pointer(newest):
        help = f"it contains runs: use one of them, or the newest, {newest}"
    elif any(path.glob(f"*/{RUN_FILE}")):
        help = "it holds runs: keep one of them"
    what = "is neither a run nor a model" if path.is_dir() else "does not exist"
    raise HallucError("R101", f"{path} {what}", help=help)


def _file_error(path: Path) -> HallucError:
    help = f"if it has the texts to predict: halluc predict RUN_OR_MODEL --input {path}"
    return HallucError("R101", f"{path} is a file, not a run or a model", help=help)


def _config_error(path: Path) -> HallucError:
    """The message for a config given instead of a run: its newest trained run, or how to make one."""
    what = f"{path} is a config, not a run or a model"
    try:
        loaded = load(path, [])
    except ManyErrors:
        return _file_error(path)  # a file of this name may contain texts
    except HallucError as error:
        if error.code != "C128":
            return _file_error(path)
        return HallucError("R101", what, help="it is a study: use the folder of one cell")
    home = loaded.home
    result = directory.newest(home, loaded.sha256, lambda run: run.model.is_dir())
    if result is not None:
        return HallucError("R101", what, help=f"use its run: halluc predict {result.path} --input TEXTS")
    nearest = nearest_run.description(loaded, lambda run: run.model.is_dir())
    help = f"train it first: halluc train {path}; then: halluc predict {home / latest.LATEST} --input TEXTS"
    return HallucError("R101", f"{what}; {home} has no trained run of it{nearest}", help=help)


def _defaults(reference: str) -> LoadedConfig:
    """Defaults for a model without a run."""
    config = _own_config(reference)
    name = _task_of(config)
    component = task_class(name, TABLE)
    try:
        task = component.Config.model_validate({"type": name, **component.settings_of(config)})
    except ValidationError as error:
        (first, *_) = error.errors()
        place = ".".join(map(str, (name, *first["loc"])))
        help = "restore config.json, or remove the key"
        raise environment_error("E411", f"{reference}: `{place}` in its config.json: {first['msg']}", help) from None
    settings = Experiment(name="predict", task=task, data=None, model=ModelConfig(name=reference))
    return LoadedConfig(settings, settings.model_dump(mode="json"), {}, ())


def _own_config(reference: str) -> dict[str, Any]:
    """The config.json of a model, empty if it cannot be read; models of the hub are not downloaded."""
    source = resolve_model(reference)
    if not source.local:
        return {}
    try:
        result = json.loads((Path(source.name) / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}  # problems are reported when it is loaded
    return result if isinstance(result, dict) else {}


def unnamed_outputs(trained: Trained) -> list[str]:
    """The outputs of a model from elsewhere, if they have only default names: ``LABEL_0``, ``LABEL_1``, …"""
    names = _own_config(trained.reference).get("id2label") if trained.run is None else None
    result = [str(name) for name in names.values()] if isinstance(names, dict) else []
    return result if all(re.fullmatch(r"LABEL_\d+", name) for name in result) else []


def _task_of(config: dict[str, Any]) -> str:
    """The task of a model's head."""
    architectures = config.get("architectures")
    heads = [str(head) for head in architectures] if isinstance(architectures, list) else []
    fits = [name for name in TABLE["task"] if any(h.endswith(task_class(name, TABLE).head) for h in heads)]
    # A task that shares a head with another one stores its settings in config.json, under its own name.
    return next((name for name in fits if name in config), next(iter(fits), _TASK))


def refuse_other_task(trained: Trained, job: Job, help: str, code: str = "C103") -> None:
    """
    Raises:
        HallucError ``code``: the model was trained for another task than the job's.
    """
    if trained.job.task.name != job.task.name:
        message = f"{trained.reference} was trained for {trained.job.task.name}, not for {job.task.name}"
        raise HallucError(code, message, help=help)


def fingerprint(trained: Trained, **others: Any) -> str:
    """Hash of what the predictions of a model depend on: its files, the decoding, and ``others``."""
    eval_config = trained.job.settings.eval.model_dump(mode="json")
    return sha256_of_tree({"halluc": __version__, "model": _file_hashes(trained), "eval": eval_config, **others})


def _file_hashes(trained: Trained) -> dict[str, str] | str:
    """The SHA-256 of each file of a model, by name; for a model of the hub its reference."""
    paths = sorted(files.expanded(trained.reference).glob("*"))
    hashes = provenance.input_hashes(path for path in paths if path.is_file())
    return {Path(path).name: sha256 for path, sha256 in hashes.items()} or trained.reference


def read_confidence(run: RunDir) -> schema.ConfidenceFile | None:
    """The calibration of the model's confidence on dev; None if the run was not evaluated.

    Raises:
        HallucError R114: the file is damaged, or of another version of halluc.
    """
    file, help = run.confidence, evaluations.anew(run)
    try:
        return records.read_record(file, schema.ConfidenceFile, damaged="R114", other_version="R114", help=help)
    except FileNotFoundError:
        return None
