"""Removes unneeded files of run directories: checkpoints of finished trainings, leftovers of atomic writes, empty runs.

Symbolic links are not followed, and nothing outside the given folder is touched. A run is inspected and cleaned under
its lock, so that a training or an evaluation is never disturbed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from halluc.core import files, latest, processes
from halluc.core.errors import HallucError, environment_error
from halluc.runs.directory import CONFIG_FILE, FITTED, FITTED_RECORD, LOCK_FILE, RUN_FILE, RUN_NAME, RunDir
from halluc.runs.matrix import MATRIX_FILE
from halluc.runs.schema import CleanItem, CleanResult, RunFile

# From the folder above runs_dir to a cell of a study: runs_dir/NAME/CELL.
_DEPTH = 3

# The minimum age (seconds) of leftovers: a process id is meaningless on another machine that shares the folder, and a
# run that is being created has no lock yet.
QUIET = 600
# How long (seconds) a model fitted by augmentation must be unused: cells of a study share it.
UNUSED = 86_400

_CHECKPOINT = re.compile(r"(?:step|best)-(?P<step>\d{8,})(?:-\d+)?")


@dataclass(frozen=True)
class _Find:
    path: Path
    reason: str
    delete: bool


def clean(root: Path, *, dry_run: bool) -> CleanResult:
    """Delete unneeded files of a run, a study, or a folder of runs; with ``dry_run`` only report them.

    Raises:
        HallucError R101: the folder does not exist, is a link, or contains no run. E401: something cannot be deleted.
    """
    root = latest.resolve(root)
    if root.is_symlink():
        help = f"use its target: {root.resolve()}"
        raise HallucError("R101", f"{root} is a symbolic link, which `halluc clean` does not follow", help=help)
    if not root.is_dir():
        raise HallucError("R101", f"{root} is not a folder", help="use a run, a study, or the folder of runs")
    folders = list(_folders(root, _DEPTH))
    runs = [folder for folder in folders if _is_run(folder) or _is_named_like_a_run(folder)]
    if not runs:
        raise HallucError("R101", f"{root} has no runs", help="use a run, a study, or the folder of runs (`runs_dir`)")
    result = CleanResult(root=str(root), dry_run=dry_run, runs=len(runs), bytes=0, deleted=[], left=[])
    for folder in runs:
        with _locked(folder) as free:
            busy = _Find(folder, "another process is writing it", delete=False)
            for find in list(_of_run(folder)) if free else [busy]:
                _note(find, result)
    for home in sorted({run.parent for run in runs if run != root}):
        for find in list(_leftovers(home, deep=False)):
            _note(find, result)
    for folder in folders:
        for find in _fitted(folder / FITTED):
            _note(find, result)
    return result


def _folders(folder: Path, depth: int) -> Iterator[Path]:
    """This folder and, if it is not a run itself, its subfolders."""
    yield folder
    if depth and not _is_run(folder):
        for entry in _entries(folder):
            if entry.is_dir(follow_symlinks=False) and not entry.name.startswith("."):
                yield from _folders(Path(entry.path), depth - 1)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """The entries of a folder, by name; empty if it is a link, or cannot be read."""
    if folder.is_symlink():
        return []
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return []


def _is_run(folder: Path) -> bool:
    file = folder / RUN_FILE
    return file.is_file() and not file.is_symlink()


def _is_named_like_a_run(folder: Path) -> bool:
    """Whether only `halluc` can have made this folder; a cell has an equals sign in its name and is in a study."""
    name = folder.resolve().name
    return bool(RUN_NAME.fullmatch(name)) or ("=" in name and (folder.parent / MATRIX_FILE).is_file())


@contextlib.contextmanager
def _locked(folder: Path, lock: Path | None = None) -> Iterator[bool]:
    """Whether no other process writes the run, or the object of ``lock``; none can start while the context is open.

    The lock of a run is that of ``RunDir.locked``. If a lock file is a link, it is not opened, and the run is not
    touched.
    """
    try:
        descriptor = os.open(lock or folder / LOCK_FILE, os.O_RDWR | os.O_NOFOLLOW)
    except FileNotFoundError:
        yield True  # every writer creates this file, so nothing has written here
        return
    except OSError:
        yield False
        return
    free = True
    with os.fdopen(descriptor):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            free = False
        yield free


def _of_run(folder: Path) -> Iterator[_Find]:
    """The files of a run that can be deleted, and files that only seem to be unneeded."""
    run, record = RunDir(folder), None
    if _is_run(folder):
        try:
            record = run.read()
        except HallucError as error:
            yield _Find(folder, f"its {RUN_FILE} cannot be read: {error.message}", delete=False)
            return
    if (record is None or not record.stages) and _is_begun(folder):
        yield _Find(folder, "an empty run: it was started, but nothing was done", delete=True)
    elif record is not None:
        yield from _leftovers(folder, deep=True)
        yield from _checkpoints(run, record)


def _is_begun(folder: Path) -> bool:
    """Whether a folder has only the initial files of a run, and has not changed for a while."""
    initial = {LOCK_FILE, "source", CONFIG_FILE, RUN_FILE}
    only_begun = all(entry.name in initial and not entry.is_symlink() for entry in _entries(folder))
    return only_begun and not folder.is_symlink() and _is_quiet(folder)


def _is_quiet(path: Path) -> bool:
    return time.time() - path.lstat().st_mtime > QUIET


def _leftovers(folder: Path, *, deep: bool) -> Iterator[_Find]:
    """Temporary files and folders (``.name.pid.tmp``) of processes that have ended, and files that they renamed."""
    for entry in _entries(folder):
        path, match = Path(entry.path), files.temporary_name(entry.name)
        if match is not None and not entry.is_symlink():
            if processes.is_running(int(match["process"])) or not _is_quiet(path):
                yield _Find(path, "it may still be written", delete=False)
            elif match["kind"] == "old" and not (folder / match["name"]).exists():
                yield _Find(path, f"it is all that is left of {match['name']}", delete=False)
            else:
                yield _Find(path, "left by a process that was killed", delete=True)
        elif deep and entry.is_dir(follow_symlinks=False):
            yield from _leftovers(path, deep=True)


def _fitted(folder: Path) -> Iterator[_Find]:
    """Models fitted by augmentation; one that is needed again is fitted again."""
    for entry in _entries(folder):
        path = Path(entry.path)
        if not entry.is_dir(follow_symlinks=False):
            continue
        if entry.name.endswith(".checkpoints"):
            yield _Find(path, "a fit was interrupted: the next one continues from it", delete=False)
        elif (path / FITTED_RECORD).is_file() or entry.name.startswith("cross-fit-"):
            with _locked(path, folder / f"{entry.name}.lock") as free:
                used = max((file.lstat().st_mtime for file in (path, *path.glob(f"*/{RUN_FILE}"))), default=0)
                if free and time.time() - used > UNUSED:
                    yield _Find(path, "a fitted model that was not used for a day", delete=True)
                else:
                    yield _Find(path, "a fitted model that was used within a day", delete=False)
        else:
            yield _Find(path, "cached model answers, which augmentation reads again", delete=False)


def _checkpoints(run: RunDir, record: RunFile) -> Iterator[_Find]:
    folder, stage = run.checkpoints, record.stages.get("train")
    entries = [entry for entry in _entries(folder) if not entry.is_symlink()]
    if not entries:
        return
    if stage is None or stage.status != "done" or not run.is_trained():
        yield _Find(folder, "the training is not finished: `--resume` needs them", delete=False)
        return
    if record.keep_checkpoints != "none":
        yield _Find(folder, f"`train.checkpoints.keep: {record.keep_checkpoints}` keeps them", delete=False)
        return
    for entry in entries:
        if _CHECKPOINT.fullmatch(entry.name):
            yield _Find(Path(entry.path), "the training is finished: nothing resumes from it", delete=True)


def _note(find: _Find, result: CleanResult) -> None:
    """Delete the marked files, and record the results."""
    path = find.path
    item = CleanItem(path=os.path.relpath(path, result.root), bytes=size_of(path), reason=find.reason)
    if not find.delete:
        result.left.append(item)
        return
    if not result.dry_run:
        try:
            _delete(path)
        except OSError as error:
            help = "delete it manually, or get permission to delete it"
            raise environment_error("E401", f"cannot delete {path}: {error.strerror or error}", help) from error
    result.deleted.append(item)
    result.bytes += item.bytes


def _delete(path: Path) -> None:
    """Delete a file, or a folder with its content; of a link only the link is deleted, not its target."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
        with contextlib.suppress(OSError):
            if path.parent.name == "checkpoints":
                path.parent.rmdir()  # if it is empty now
    else:
        path.unlink()


def size_of(path: Path) -> int:
    """Bytes of a file, or of the files in a folder; a link counts as itself."""
    try:
        size = path.lstat().st_size if path.is_symlink() or not path.is_dir() else 0
    except FileNotFoundError:  # a training running at the same time has deleted it
        return 0
    return size + sum(size_of(Path(entry.path)) for entry in _entries(path))
