"""From a config to its run directory and back: what train and eval share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from halluc import __version__
from halluc.components import TABLE
from halluc.config import hashing, loading
from halluc.config.loading import LoadedConfig
from halluc.config.matrix import Cell
from halluc.config.rendering import annotated, leaves
from halluc.config.yaml import dotted
from halluc.core.errors import HallucError, data_error, did_you_mean, refuse
from halluc.core.examples import Corpus
from halluc.runs import directory, matrix, provenance
from halluc.runs.directory import RunDir
from halluc.runs.schema import RunFile
from halluc.task import AnyTask, build


def load(config: Path, overrides: Sequence[str]) -> LoadedConfig:
    return loading.load(config, overrides, table=TABLE)


def load_run(run: Path, overrides: Sequence[str]) -> tuple[LoadedConfig, RunDir]:
    """A run that was named outright, with the config that it keeps.

    Raises:
        HallucError R104: an override would describe another model than the one in the run.
    """
    found = directory.open_run(run)
    if not found.config.is_file():
        raise HallucError("R101", f"{found.path} has no {found.config.name}", help="name the CONFIG beside --run")
    loaded = loading.load(found.config, overrides, table=TABLE, kept=True)
    if loaded.sha256 != found.read().config_sha256:
        keys = differences(loading.load(found.config, table=TABLE, kept=True).tree, loaded.tree)
        told = f" ({', '.join(keys)})" if keys else ""
        raise HallucError("R104", f"the model in {found.path} was made by another config than --set asks for{told}")
    return loaded, found


def differences(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """The keys of the sections that decide the model in which two configs differ."""
    first, second = (dict(leaves(hashing.model_sections(tree))) for tree in (one, other))
    return [f"`{dotted(path)}`" for path in first | second if first.get(path) != second.get(path)]


def run_differences(one: RunDir, other: RunDir) -> list[str]:
    """The same for the configs that two runs keep."""
    trees = [loading.load(run.config, table=TABLE, kept=True).tree for run in (one, other)]
    return differences(*trees)


def new_record(loaded: LoadedConfig, command: str, sha256: str | None = None) -> RunFile:
    """``run.json`` as it stands before anything is done; ``sha256`` where more than the config decides the run."""
    return RunFile(
        name=loaded.experiment.name,
        command=command,
        status="running",
        config_sha256=sha256 or loaded.sha256,
        halluc=__version__,
        git=provenance.git_state(Path.cwd()),
        versions=provenance.versions(),
        hardware=provenance.hardware(),
        seeds={"seed": loaded.experiment.seed},
    )


def create(loaded: LoadedConfig, command: str, sha256: str | None = None) -> RunDir:
    runs_dir = Path(loaded.experiment.runs_dir)
    record = new_record(loaded, command, sha256)
    return directory.create(runs_dir, record, annotated(loaded), loaded.files)


def run_of(cell: Cell) -> RunDir:
    """Where a cell of a study lives."""
    settings = cell.loaded.experiment
    return RunDir(Path(settings.runs_dir) / settings.name / str(cell.slug))


def claim(cell: Cell, command: str) -> RunDir:
    """The run of a cell, begun where it is not yet.

    Raises:
        HallucError R103: another process begins it. R104: it belongs to another config.
    """
    loaded, target = cell.loaded, run_of(cell)

    def fill(run: RunDir) -> None:
        directory.fill(run, new_record(loaded, command), annotated(loaded), loaded.files)

    target = matrix.cell(target.path, fill)
    if target.read().config_sha256 != loaded.sha256:
        raise HallucError("R104", f"{target.path} holds a run of another config", help=matrix.FRESH)
    return target


def task_of(loaded: LoadedConfig) -> AnyTask:
    """The task that the config names, made with its section."""
    return build(loaded.experiment.task)


def refuse_bare(task: AnyTask, train: Corpus[Any]) -> None:
    """
    Raises:
        HallucError D131: the training split shows nothing that could be learned.
    """
    lacking = task.examples.lacks(train)
    if lacking is not None:
        help = "is `data.train` the right file, and are its labels read from the right field or column?"
        raise data_error("D131", f"{train.source} has {lacking}: there is nothing to learn", help=help)


def refuse_unknown_classes(loaded: LoadedConfig, task: AnyTask, train: Corpus[Any]) -> None:
    """
    Raises:
        HallucError or ManyErrors C103: ``task.class_weights`` names what no example of the training split has.
    """
    given = getattr(loaded.experiment.task, "class_weights", None)
    if isinstance(given, dict):
        known = task.examples.classes(train)
        refuse(_unknown_class(loaded, name, known) for name in given if name not in known)


def _unknown_class(loaded: LoadedConfig, name: str, known: Sequence[str]) -> HallucError:
    near = did_you_mean(name, known)
    listed = ", ".join(f"`{one}`" for one in known[:20]) + (", …" if len(known) > 20 else "")
    help = f"did you mean `{near}`?" if near else f"it has {listed}"
    where = loaded.origins.get(("task", "class_weights", name))
    return HallucError("C103", f"`task.class_weights` names `{name}`, which no training example has", where, help)


def choose_by(loaded: LoadedConfig) -> str:
    """The dev metric that chooses the checkpoint."""
    task, asked = task_of(loaded), loaded.experiment.train.best
    known = tuple(name for family in task.figures.families for name in family)
    if asked is None or asked in known:
        return str(asked or task.figures.primary)
    near = did_you_mean(asked, known)
    help = f"did you mean `{near}`?" if near else f"one of {', '.join(known)}"
    where = loaded.origins.get(("train", "best"))
    raise HallucError("C103", f'`train.best` cannot be "{asked}"', where, help)
