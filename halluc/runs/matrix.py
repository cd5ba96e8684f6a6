"""The folder of a study: its definition, its cells, and how it makes room for a new one."""

from __future__ import annotations

import contextlib
import datetime
import json
from collections.abc import Callable
from pathlib import Path

from halluc.core import locks
from halluc.core.errors import HallucError, environment_error
from halluc.core.files import make_folder, remedy, write_json
from halluc.runs.directory import LOCK_FILE, RUN_FILE, RunDir, folders
from halluc.runs.records import read_record
from halluc.runs.schema import MatrixFile

MATRIX_FILE = "matrix.json"
FRESH = "use --fresh to move the old study and start again; or give this study another `name`"


def read(home: Path) -> MatrixFile | None:
    """The record of the study in this folder; None if there is none.

    Raises:
        HallucError R101, R102: ``matrix.json`` is damaged, or of another version.
    """
    file, help = home / MATRIX_FILE, "remove it, and `halluc run` of the study's config writes it again"
    try:
        return read_record(file, MatrixFile, damaged="R101", other_version="R102", help=help)
    except FileNotFoundError:
        return None


def note(home: Path, wanted: MatrixFile) -> None:
    """Add the cells of a command to the record; jobs that each run some values make one study together.

    Raises:
        HallucError R104: the folder has a study with other axes.
    """
    make_folder(home)
    with locks.locked(home / LOCK_FILE, home, waits=True):  # it takes only milliseconds
        known = read(home)
        if known is not None:
            wanted = _merged(home, known, wanted)
        if wanted != known:
            write_json(home / MATRIX_FILE, wanted.model_dump(mode="json"))


def _merged(home: Path, known: MatrixFile, wanted: MatrixFile) -> MatrixFile:
    if set(known.axes) != set(wanted.axes):
        old, new = (", ".join(f"`{axis}`" for axis in file.axes) for file in (known, wanted))
        raise HallucError("R104", f"{home} has a study over {old}, but this one is over {new}", help=FRESH)
    axes = {axis: [*values, *(v for v in known.axes[axis] if v not in values)] for axis, values in wanted.axes.items()}
    cells = {cell.slug: cell for cell in [*known.cells, *wanted.cells]}
    # As JSON, since in Python `True` equals 1.
    position = {axis: {json.dumps(value): i for i, value in enumerate(values)} for axis, values in axes.items()}
    order = sorted(cells.values(), key=lambda cell: [position[axis][json.dumps(cell.choice[axis])] for axis in axes])
    return MatrixFile(name=wanted.name, axes=axes, cells=order)


def cell(path: Path, fill: Callable[[RunDir], object]) -> RunDir:
    """The run of a cell; if it does not exist it is created with ``fill``, by only one of several processes.

    Raises:
        HallucError R103: another process is writing it.
    """
    target = RunDir(path)
    if not (path / RUN_FILE).is_file():
        make_folder(path)
        with target.locked():
            if not (path / RUN_FILE).is_file():
                fill(target)
    return target


def set_aside(home: Path) -> Path | None:
    """Move a study with all its runs to ``<name>.old-<time>``, and return the new path; None if there is none.

    Raises:
        HallucError R103: a run of it is being written.
    """
    if not home.is_dir():
        return None
    with contextlib.ExitStack() as stack:
        for folder in sorted(folders(home)):
            stack.enter_context(RunDir(folder).locked())
        stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
        names = [f"{home.name}.old-{stamp}", *(f"{home.name}.old-{stamp}-{number}" for number in range(2, 1000))]
        aside = next(path for name in names if not (path := home.with_name(name)).exists())
        try:
            home.rename(aside)
        except OSError as error:
            raise environment_error(
                "E401", f"cannot move {home} to {aside}: {error.strerror}", remedy(aside, error)
            ) from error
    return aside
