"""Runs a command for the cells of a study: finished cells are skipped, and failed ones do not stop the others."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from halluc.components import TABLE
from halluc.config.loading import load
from halluc.config.matrix import Cell, Study, load_study
from halluc.config.rendering import differences
from halluc.core.errors import HallucError, ManyErrors, render
from halluc.core.messages import Level, Listener, Tick, conclude, hears, listener, listening, put, say, tell
from halluc.core.processes import is_main_process
from halluc.runs import matrix
from halluc.runs.directory import RUN_FILE, RunDir
from halluc.runs.results import SkippedCell
from halluc.runs.schema import MatrixCell, MatrixFile
from halluc.wording import formats
from halluc.workflows.cell_selection import Selection, choose
from halluc.workflows.job import is_run_of
from halluc.workflows.run_locations import run_of

ResultT = TypeVar("ResultT")
BUSY = "R103"  # another process is writing there


def begin(
    config: Path, overrides: Sequence[str], selection: Selection, *, trains: bool = True
) -> tuple[Study, tuple[Cell, ...]]:
    """Load a study and the selected cells, and record the study in its folder.

    A config without a matrix is returned as one cell without a slug, without a record.

    Args:
        trains: False: trained cells may be used with other values of ``Section.replaceable_keys``.

    Raises:
        HallucError R104: the folder has cells of another config; names the keys.
    """
    study = load_study(config, overrides, table=TABLE)
    chosen = choose(study, selection)
    if study.axes and is_main_process():
        if selection.fresh:
            moved = matrix.set_aside(study.home)
            if moved is not None:
                say(f"the old study is moved to {moved}")
        if _is_changed(study, trains):
            return study, chosen
        cells = [MatrixCell(slug=str(c.slug), choice=c.choice, config_sha256=c.loaded.sha256) for c in study.cells]
        axes = {axis: list(values) for axis, values in study.axes.items()}
        matrix.note(study.home, MatrixFile(name=study.name, axes=axes, cells=cells))
    return study, chosen


def _is_changed(study: Study, trains: bool) -> bool:
    """Whether the folder has cells that were trained with another config, all usable with this one.

    Raises:
        HallucError R104: they are not usable; lists all differences, before anything is done.
    """
    keys: dict[str, None] = {}
    changed = usable = 0
    for cell in study.cells:
        run = run_of(cell)
        if (run.path / RUN_FILE).is_file():
            differing = _differences(run, cell)
            if differing is not None and not trains and is_run_of(cell.loaded, run):
                usable += 1
                continue
            changed += differing is not None
            keys.update(dict.fromkeys(differing or ()))
    if changed:
        what = f" in {', '.join(keys)}" if keys else ""
        message = f"{study.home} has {changed} cells of another config, which differs{what}"
        raise HallucError("R104", message, help=matrix.FRESH)
    return usable > 0


def _differences(run: RunDir, cell: Cell) -> list[str] | None:
    """The keys in which the cell's run differs from its config; None if it does not."""
    try:
        if run.read().config_sha256 == cell.loaded.sha256:
            return None
        kept = load(run.config, table=TABLE, stored=True)
    except HallucError:
        return None  # damaged, or of another version: reported when the cell is run
    return differences(kept.tree, cell.loaded.tree)


def for_each(
    cells: Sequence[Cell],
    do: Callable[[Cell], ResultT],
    summary: Callable[[ResultT], str],
    *,
    done: Callable[[Cell], bool],
    brief: bool = True,
) -> tuple[list[ResultT], bool]:
    """Call ``do`` for every cell that is not ``done``, in order; a config without matrix always runs its only cell.

    Returns the results, and whether all cells are finished; False if another process runs one.

    If several processes train together (torchrun), an error ends them all: otherwise the others would wait for the one
    that continued.

    Args:
        summary: describes a result in a few words.
        brief: report each cell in one line, unless everything is to be reported.

    Raises:
        ManyErrors: the errors of failed cells, after all others are finished; with the exit code of the first.
    """
    if len(cells) == 1 and cells[0].slug is None:
        return [do(cells[0])], True
    is_distributed = int(os.environ.get("WORLD_SIZE", "1")) > 1
    results: list[ResultT] = []
    progress = CellProgress(len(cells))
    for cell in cells:
        head, clock = progress.head(cell), time.monotonic()
        try:
            if not is_distributed and done(cell):
                progress.skip(cell, head, "done before")
            elif not brief or hears(Level.VERBOSE):
                tell(head, style="bold")
                results.append(do(cell))
            else:
                with listening(Brief(listener(), head, progress.warned)):
                    results.append(do(cell))
                progress.end(head, summary(results[-1]), time.monotonic() - clock)
        except HallucError as error:
            if is_distributed:
                raise
            progress.fail(cell, head, error)
    progress.conclude()
    return results, not progress.busy


@dataclass
class CellProgress:
    """The progress of a command over cells: a line for each cell, each warning once, and the errors at the end.

    ``at_once`` is how many cells run in parallel.
    """

    cells: int
    at_once: int = 1
    begun: int = 0
    busy: list[str] = field(default_factory=list)
    errors: list[HallucError] = field(default_factory=list)
    warned: set[str] = field(default_factory=set)
    seconds: list[float] = field(default_factory=list)

    def head(self, cell: Cell) -> str:
        """The start of the line of the next cell."""
        self.begun += 1
        return f"[{self.begun}/{self.cells}] {cell.slug}"

    def skip(self, cell: Cell, head: str, why: str) -> None:
        put(SkippedCell(cell=str(cell.slug), skipped=why))
        tell(f"{head}: {why}", style="dim")

    def end(self, head: str, summary: str, seconds: float) -> None:
        """Report a finished cell, and the estimated time for the others."""
        self.seconds.append(seconds)
        left = sum(self.seconds) / len(self.seconds) * (self.cells - self.begun) / self.at_once
        tell(f"{head}: {summary}, {formats.seconds(seconds)}" + (f"; {formats.seconds(left)} left" if left else ""))

    def fail(self, cell: Cell, head: str, error: HallucError) -> None:
        """Report a cell that failed, or is left to another process."""
        if error.code == BUSY:
            self.skip(cell, head, "skipped, because another process is writing it")
            self.busy.append(str(cell.slug))
            return
        for line in render(error).split("\n"):
            say(line)
        self.errors += _errors_with_cell(cell, error)

    def conclude(self) -> None:
        """
        Raises:
            ManyErrors: cells failed.
        """
        if not self.cells:
            conclude("no cells are left for this shard")
        if self.busy:
            left = f"{len(self.busy)} of {self.cells} cells are run by other processes"
            conclude(f"{left}; run the same command again to check them")
        if self.errors:
            count = len({error.message.split(": ", 1)[0] for error in self.errors})
            say()
            others = "" if count == self.cells else "; the other cells were run"
            say(f"{count} of {self.cells} cells failed{others}:")
            raise ManyErrors(self.errors)


class Brief(Listener):
    """Forwards the progress of a cell, and warnings that no earlier cell had; results only in machine-readable form."""

    level = Level.WARNINGS

    def __init__(self, to: Listener, head: str, warned: set[str]) -> None:
        self.to, self.head, self.warned = to, head, warned

    def say(self, text: str, style: str | None = None) -> None:
        if text not in self.warned:
            self.warned.add(text)
            self.to.say(text, style)

    @contextlib.contextmanager
    def bar(self, what: str, unit: str, logged: bool) -> Iterator[Tick]:
        with self.to.bar(f"{self.head}: {what}", unit, False) as tick:
            yield lambda done, total, now=None: tick(done, total, f"{self.head}: {now or what}")

    def put(self, result: object) -> None:
        if self.to.level < Level.OUTCOMES:
            self.to.put(result)


def _errors_with_cell(cell: Cell, error: HallucError) -> list[HallucError]:
    """The error, or each of several, with the cell in its message."""
    errors = error.errors if isinstance(error, ManyErrors) else (error,)
    return [HallucError(one.code, f"{cell.slug}: {one.message}", one.where, one.help, one.exit_code) for one in errors]
