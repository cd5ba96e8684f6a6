"""From a config to its run directory and back: what train and eval share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from halluc import __version__
from halluc.components import TABLE
from halluc.config import loading
from halluc.config.loading import LoadedConfig
from halluc.config.rendering import annotated
from halluc.core import registry
from halluc.core.errors import HallucError
from halluc.runs import directory, provenance
from halluc.runs.directory import RunDir
from halluc.runs.schema import RunFile


def load(config: Path, overrides: Sequence[str]) -> LoadedConfig:
    return loading.load(config, overrides, table=TABLE)


def load_run(run: Path, overrides: Sequence[str]) -> tuple[LoadedConfig, RunDir]:
    """A run that was named outright, with the config that it keeps.

    Raises:
        HallucError R104: an override would describe another model than the one in the run.
    """
    found = directory.open_run(run)
    loaded = loading.load(found.config, overrides, table=TABLE, environ={})
    if loaded.sha256 != found.read().config_sha256:
        raise HallucError("R104", f"the model in {run} was made by another config than --set asks for")
    return loaded, found


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
    return directory.create(runs_dir, new_record(loaded, command, sha256), annotated(loaded), loaded.files)


def task_of(loaded: LoadedConfig):  # type: ignore[no-untyped-def]
    """The task that the config names, made with its section."""
    section = loaded.experiment.task
    return registry.load(TABLE, "task", section.type)(section)
