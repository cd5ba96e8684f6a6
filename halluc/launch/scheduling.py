"""Schedules the cells of a study in several processes, on any backend, and collects the results."""

from __future__ import annotations

import contextlib
import signal
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from halluc.config.matrix import Cell
from halluc.core.errors import EXIT_BUG, EXIT_ENVIRONMENT, EXIT_INTERRUPTED, HallucError
from halluc.core.files import make_folder
from halluc.core.messages import Level, hears, listener, listening, put, say, say_end_of, tell
from halluc.core.processes import commands_allowed
from halluc.engine.interrupt import Interruption
from halluc.launch.orders import CellAnswers, CellOrder
from halluc.runs.results import EvalResult, TrainResult
from halluc.workflows import gate_reports, run_locations
from halluc.workflows.cells import Brief, CellProgress
from halluc.workflows.experiments import StudyRun

_PAUSE = 0.1
# How many seconds a restarted cell waits until its first process has released the lock.
_PATIENCE = 60.0
LOG_FILE = "cell.log"


@dataclass(frozen=True)
class Ended:
    """A process that has ended: its exit code, negative for the signal that killed it, and its answers."""

    slug: str
    code: int
    answers: str


class Backend(Protocol):
    """Where processes run. ``at_once`` is how many run in parallel, if known, and ``retries`` how often a cell is
    restarted after its process was killed."""

    at_once: int
    retries: int

    def has_room(self) -> bool:
        """Whether another process may start now."""

    def start(self, order: CellOrder, log: Path) -> None:
        """Start the process of a cell; its output is appended to ``log``."""

    def ended(self) -> Sequence[Ended]:
        """The processes that have ended since the last call."""

    def stop(self) -> None:
        """Ask all processes to write a checkpoint and exit."""

    def kill(self) -> None:
        """Kill all processes at once."""


def in_parallel(study_run: StudyRun, backend: Backend) -> bool:
    """A launcher of cells with ``backend``; see ``experiments.Launcher``.

    A cell that another cell refers to starts before it. A process that was killed by a signal is restarted and resumes
    from its checkpoint.
    """
    schedule = _Schedule(study_run, backend)
    try:
        with Interruption() as interruption:
            schedule.run(interruption)
    finally:
        backend.kill()
        position = {str(cell.slug): number for number, cell in enumerate(study_run.cells)}
        for results in (study_run.outcome.trainings, study_run.outcome.evaluations):
            results.sort(key=lambda one: position[str(one.cell)])
    schedule.progress.conclude()
    return not schedule.progress.busy


class _Schedule:
    def __init__(self, study_run: StudyRun, backend: Backend) -> None:
        self.study_run, self.backend = study_run, backend
        self.progress = CellProgress(len(study_run.cells), backend.at_once)
        self.waiting: list[Cell] = []
        self.running: dict[str, Cell] = {}
        self.killed: Counter[str] = Counter()

    def run(self, interruption: Interruption) -> None:
        """
        Raises:
            KeyboardInterrupt: a signal arrived, and all processes have ended.
        """
        for cell in self.study_run.cells:
            self._enqueue(cell)
        stopping = False
        while self.running or (self.waiting and not stopping):
            if interruption.requested and not stopping:
                stopping = True
                action = "write a checkpoint" if self.study_run.trains else "end"
                say(f"interrupted: running cells {action} ({len(self.running)})")
                self.backend.stop()
            while not stopping and self.waiting and self.backend.has_room() and (ready := self._ready()) is not None:
                self._start(ready)
            for one in self.backend.ended():
                self._end(self.running.pop(one.slug), one, stopping)
            time.sleep(_PAUSE)
        if stopping:
            raise KeyboardInterrupt

    def _enqueue(self, cell: Cell) -> None:
        """Add a cell to ``waiting``, unless it is done or cannot be read."""
        try:
            if self.study_run.done(cell):
                self.progress.skip(cell, self.progress.head(cell), "done before")
            else:
                self.waiting.append(cell)
        except HallucError as error:
            self.progress.fail(cell, self.progress.head(cell), error)

    def _ready(self) -> Cell | None:
        """The first cell that does not wait for an unfinished cell; any cell if the references are circular."""
        before = {*(str(cell.slug) for cell in self.waiting), *self.running}
        named = self.study_run.study.named_by
        ready = (cell for cell in self.waiting if not named[str(cell.slug)] & before)
        return next(ready, None if self.running else self.waiting[0])

    def _start(self, cell: Cell) -> None:
        self.waiting.remove(cell)
        slug = str(cell.slug)
        order = CellOrder(
            str(self.study_run.config), tuple(self.study_run.overrides), slug, cell.loaded.sha256, commands_allowed(),
            gate_reports.kind(), hears(Level.VERBOSE), _PATIENCE if self.killed[slug] else 0.0, self.study_run.trains,
            self.study_run.splits,
        )  # fmt: skip
        log = self._log(cell)
        make_folder(log.parent)
        if not self.killed[slug]:
            log.unlink(missing_ok=True)  # the log of an earlier call
        self.running[slug] = cell
        self.backend.start(order, log)

    def _log(self, cell: Cell) -> Path:
        return run_locations.run_of(cell).path / LOG_FILE

    def _end(self, cell: Cell, ended: Ended, stopping: bool) -> None:
        answers = CellAnswers.read(ended.answers)
        by_signal = ended.code < 0 or ended.code == EXIT_INTERRUPTED
        if by_signal and stopping:
            return
        if by_signal and self.killed[ended.slug] < self.backend.retries:
            self.killed[ended.slug] += 1
            again = "it is restarted" + " and continues from its checkpoint" * self.study_run.trains
            again += f" ({self.killed[ended.slug]} of {self.backend.retries})"
            say(f"{ended.slug}: its process {_exit_reason(ended.code)}; {again}", style="yellow")
            self.waiting.insert(0, cell)
            return
        head = self.progress.head(cell)
        with contextlib.ExitStack() as stack:
            if hears(Level.VERBOSE):
                tell(head, style="bold")
            else:
                stack.enter_context(listening(Brief(listener(), head, self.progress.warned)))
            for text, style in answers.messages:
                say(text, style)
            for result in answers.results:
                put(result)
        outcome = self.study_run.outcome
        outcome.trainings += [one for one in answers.results if isinstance(one, TrainResult)]
        outcome.evaluations += [one for one in answers.results if isinstance(one, EvalResult)]
        if answers.error is None and ended.code == 0 and answers.end is not None:
            self.progress.end(head, *answers.end)
        else:
            self.progress.fail(cell, head, answers.error or self._crash(cell, ended))

    def _crash(self, cell: Cell, ended: Ended) -> HallucError:
        """The error of a process that could not report one, with the end of its log."""
        log = self._log(cell)
        say_end_of(log)
        if ended.code < 0 or ended.code == EXIT_INTERRUPTED:
            help = "there may be too little memory: use fewer --jobs; the same command continues"
            message = f"the process {_exit_reason(ended.code)} {self.backend.retries + 1} times ({log})"
            return HallucError("E480", message, help=help, exit_code=EXIT_ENVIRONMENT)
        help = f"this is a bug in halluc: report it with {log} and the config"
        return HallucError("E481", f"the process ended with exit code {ended.code}", help=help, exit_code=EXIT_BUG)


def _exit_reason(code: int) -> str:
    if code == EXIT_INTERRUPTED:
        return "was ended by a signal"
    with contextlib.suppress(ValueError):
        return f"was killed by {signal.Signals(-code).name}"
    return f"was killed by signal {-code}"
