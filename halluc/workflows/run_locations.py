"""Creates run directories, and chooses the one that a training uses."""

from __future__ import annotations

from pathlib import Path

from halluc import __version__
from halluc.config.loading import LoadedConfig
from halluc.config.matrix import Cell
from halluc.config.rendering import annotated
from halluc.core import latest, messages
from halluc.core.errors import HallucError
from halluc.runs import directory, matrix, provenance, schema
from halluc.runs.directory import CONFIG_FILE, RUN_FILE, RunDir
from halluc.workflows import continuation
from halluc.workflows.job import Job


def _new_record(loaded: LoadedConfig, command: str, sha256: str | None = None) -> schema.RunFile:
    """The initial ``run.json``; ``sha256`` if the run's identity depends on more than the config."""
    return schema.RunFile(
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
    """A new run in the folder of its name, with its initial files."""
    return directory.create(loaded.home, _new_record(loaded, command, sha256), annotated(loaded), loaded.files)


def _fill(run: RunDir, loaded: LoadedConfig, command: str) -> RunDir:
    return directory.fill(run, _new_record(loaded, command), annotated(loaded), loaded.files)


def run_of(cell: Cell | Job) -> RunDir:
    """The run directory of a cell of a study."""
    return RunDir(cell.loaded.home / str(cell.slug))


def claim(path: Path, loaded: LoadedConfig, command: str, help: str = matrix.FRESH) -> RunDir:
    """The run in this folder, such as a cell's, created if it does not exist.

    Raises:
        HallucError R103: another process creates it. R104: it belongs to another config, and ``help`` is the advice.
    """
    target = matrix.cell(path, lambda run: _fill(run, loaded, command))
    if target.read().config_sha256 != loaded.sha256:
        raise HallucError("R104", f"{path} has a run of another config", help=help)
    return target


def place(job: Job, named: Path | None, resume: bool, *, to_new_total: bool = False) -> tuple[RunDir, bool]:
    """The run to write, and whether its training is continued.

    With ``to_new_total`` it may be a run that was trained to another number of epochs or steps.

    Raises:
        HallucError R103: another process writes the run. R119: a run that may be the one to resume cannot be read.
    """
    loaded = job.loaded
    if job.slug is not None:
        _refuse_without_record(run_of(job))
        return claim(run_of(job).path, loaded, "train"), True
    if named is not None:
        return _place_named(loaded, named, resume)
    newest = directory.newest(loaded.home, loaded.sha256)
    earlier = continuation.find(loaded) if newest is None and to_new_total else None
    if resume:
        # A newer run, possibly of this config, that cannot be read.
        damaged = directory.newest_unreadable(loaded.home, newest or earlier, lambda run: _may_be(run, loaded))
        if damaged is not None:
            raise _unreadable(*damaged)
    if earlier is not None:
        return earlier, True
    if newest is None or newest.is_trained():
        if resume and newest is not None:
            return newest, True  # finished: a requeued batch job has nothing left to do
        return create(loaded, "train"), False
    if set(newest.read().stages) <= {"augment"} and not newest.has_checkpoint():
        return newest, resume  # only its corpus is made
    if resume:
        return newest, True
    with newest.locked():
        pass  # raises if the run is being written, and was not interrupted
    if newest.has_checkpoint():
        messages.say(f"{newest.path} was interrupted (continue it with --resume); this is a new run")
        return create(loaded, "train"), False
    messages.say(f"{newest.path} was not finished and has no checkpoint: training starts again in it")
    return newest, False


def _may_be(run: RunDir, loaded: LoadedConfig) -> bool:
    """Whether a run is of this config or can continue to its total, as far as is known without ``run.json``."""
    if directory.is_named(run, loaded.sha256):
        return (run.path / RUN_FILE).exists() or run.is_begun()
    if not run.is_begun():
        return False
    stored_config = continuation.stored_config(run)
    if stored_config is None:  # a folder with another name may be the user's own, such as one with an exported model
        return run.has_checkpoint() and directory.RUN_NAME.fullmatch(run.path.name) is None
    return stored_config.sha256 == loaded.sha256 or continuation.is_other_total(run, loaded)


def _refuse_without_record(run: RunDir) -> None:
    """
    Raises:
        HallucError R119: a training was started in a folder without ``run.json``; its config is unknown.
    """
    if run.is_begun() and not (run.path / RUN_FILE).is_file():
        try:
            run.read()
        except HallucError as error:
            raise _unreadable(run, error) from None


def _unreadable(run: RunDir, error: HallucError) -> HallucError:
    message = f"the training in {run.path} cannot be resumed: {error.message}"
    help = f"restore {run.path / RUN_FILE} from a backup, or move the folder to train again"
    return HallucError("R119", message, error.where, help)


def _place_named(loaded: LoadedConfig, path: Path, resume: bool) -> tuple[RunDir, bool]:
    path = latest.resolve(path)
    initial = {".lock", "source", CONFIG_FILE}  # files of a run that was killed in its first moment
    if not path.exists() or (path.is_dir() and {entry.name for entry in path.iterdir()} <= initial):
        return _fill(RunDir(path), loaded, "train"), False
    _refuse_without_record(RunDir(path))
    result = directory.open_run(path)
    if result.read().config_sha256 != loaded.sha256:
        if resume and continuation.is_other_total(result, loaded):
            continuation.refuse_without_checkpoint(result)
            return result, True
        unknown = (
            "" if continuation.stored_config(result) is not None else f", and {result.config.name} in it cannot be read"
        )
        raise HallucError("R104", f"{path} has a run of another config{unknown}", help="use an empty folder")
    if not resume and (result.model.is_dir() or result.has_checkpoint()):
        finished = result.is_trained()
        state = "a finished training" if finished else "an interrupted training"
        help = "use an empty folder" if finished else "continue it with --resume, or use an empty folder"
        raise HallucError("R108", f"{path} has {state}", help=help)
    return result, resume
