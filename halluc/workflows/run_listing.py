"""The runs and studies of a folder: their state, main figures, size and age."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from halluc.core import figures, latest, locks
from halluc.core.errors import HallucError
from halluc.core.messages import put
from halluc.runs import directory, evaluations, matrix
from halluc.runs.cleaning import size_of
from halluc.runs.directory import LOCK_FILE, RUN_FILE, RunDir
from halluc.runs.results import ListedRun
from halluc.runs.schema import RunFile
from halluc.runs.tuning import JOURNAL_FILE

# The state of a run is the last of these stages that is done.
_STATES = {"eval": "evaluated", "train": "trained", "augment": "augmented"}


def list_runs(folder: Path) -> list[ListedRun]:
    """Runs and studies in ``folder``: a ``runs_dir``, the runs of one config, or one run or study. Newest first.

    Raises:
        HallucError R101: the folder does not exist, or has no run.
    """
    folder = latest.resolve(folder)
    if not folder.is_dir():
        raise HallucError("R101", f"{folder} is not a folder", help="use the folder of runs (`runs_dir`)")
    results = sorted(_runs_below(folder), key=lambda run: run.created, reverse=True)
    if not results:
        raise HallucError("R101", f"{folder} has no run", help="start one with `halluc run CONFIG`")
    for one in results:
        put(one)
    return results


def _runs_below(folder: Path) -> Iterator[ListedRun]:
    """A run or a study is listed itself; any other folder is searched two levels deep."""
    if (folder / RUN_FILE).is_file():
        yield _run(folder)
    elif (folder / matrix.MATRIX_FILE).is_file():
        yield _study(folder)
    elif (folder / JOURNAL_FILE).is_file():
        yield _tuning(folder)
    else:
        for home in sorted(path for path in folder.iterdir() if path.is_dir() and not path.is_symlink()):
            if any((home / name).is_file() for name in (RUN_FILE, matrix.MATRIX_FILE, JOURNAL_FILE)):
                yield from _runs_below(home)
            if not (home / RUN_FILE).is_file():  # next to a study there may be runs of single experiments of its name
                yield from (_run(path) for path in directory.folders(home) if directory.RUN_NAME.fullmatch(path.name))


def _common(folder: Path, file: str) -> dict[str, Any]:
    return {"path": str(folder), "bytes": size_of(folder.resolve()), "created": _created(folder / file)}


def _run(path: Path) -> ListedRun:
    run = RunDir(path)
    common = _common(path, RUN_FILE)
    try:
        record = run.read()
    except HallucError as error:
        return ListedRun(name=path.parent.name, kind="run", state=f"unreadable ({error.code})", **common)
    split, shown = _figures(run, record)
    state = _state(run, record)
    tool, task = record.predictions.name if record.predictions else None, evaluations.task_of(run)
    return ListedRun(
        name=record.name, kind="run", task=task, tool=tool, state=state, split=split, figures=shown, **common
    )


def _study(home: Path) -> ListedRun:
    common = _common(home, matrix.MATRIX_FILE)
    try:
        known = matrix.read(home)
    except HallucError as error:
        return ListedRun(name=home.name, kind="study", state=f"unreadable ({error.code})", **common)
    assert known is not None, "the caller saw the file"
    task, state = _progress([RunDir(home / cell.slug) for cell in known.cells], "cells")
    return ListedRun(name=known.name, kind="study", task=task, state=state, **common)


def _tuning(home: Path) -> ListedRun:
    task, state = _progress([RunDir(path) for path in directory.folders(home)], "trials")
    return ListedRun(name=home.name, kind="tuning", task=task, state=state, **_common(home, JOURNAL_FILE))


def _progress(runs: Sequence[RunDir], noun: str) -> tuple[str | None, str]:
    """The task of some runs, and how many of them are evaluated."""
    done = sum(any(run.path.glob("eval/*.json")) for run in runs)
    task = next(filter(None, map(evaluations.task_of, runs)), None)
    return task, f"{done} of {len(runs)} {noun} evaluated"


def _state(run: RunDir, record: RunFile) -> str:
    """The last finished stage; and whether a later command failed, was interrupted, or is running."""
    finished = {name for name, stage in record.stages.items() if stage.status == "done"}
    done = next((state for stage, state in _STATES.items() if stage in finished), "")
    if record.status == "done":
        return done or record.command
    status = record.status
    if status == "running" and not locks.is_held(run.path / LOCK_FILE):
        status = "interrupted"  # the process was killed before it could record that
    return f"{record.command} {status}" + (f", {done}" if done else "")


def _figures(run: RunDir, record: RunFile) -> tuple[str | None, dict[str, float | None]]:
    for split in evaluations.on_record(record):
        try:
            values = {(one.name, tuple(one.by.items())): one.value for one in evaluations.read(run, split).metrics}
        except HallucError:
            continue  # missing or damaged: `halluc report` names it
        columns = figures.shown("head", {name for name, _ in values})
        return split, {column.row.name: values[column.key] for column in columns if column.key in values}
    return None, {}


def _created(file: Path) -> str:
    """When the folder was created, ISO 8601 in UTC: from its name, otherwise the time of ``file``."""
    name = file.parent.name
    if directory.RUN_NAME.fullmatch(name):
        return datetime.strptime(name[:15], "%Y%m%d-%H%M%S").astimezone(UTC).isoformat()
    return datetime.fromtimestamp(int(file.stat().st_mtime), UTC).isoformat()
