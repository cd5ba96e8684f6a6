"""Train and evaluate experiments one by one, resuming where an earlier call stopped, and then report."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from halluc.config.matrix import Cell, Study
from halluc.core import locks, processes
from halluc.core.errors import EXIT_GATE, HallucError
from halluc.core.messages import Listener, conclude, listening, tell
from halluc.runs import directory, provenance
from halluc.runs.reports import AnyReport
from halluc.runs.results import EvalResult, TrainResult
from halluc.workflows import cells, evaluation, reports, retention, run_locations, run_state, training
from halluc.workflows.cell_selection import EVERY_CELL, Selection
from halluc.workflows.job import Job


@dataclass
class CellOutcome:
    """What this call trained and evaluated, and the report; None if other processes still run."""

    trainings: list[TrainResult] = field(default_factory=list)
    evaluations: list[EvalResult] = field(default_factory=list)
    report: AnyReport | None = None


@dataclass(frozen=True)
class StudyRun:
    """The cells of a call of ``run``, for its launcher; the results are collected in ``outcome``.

    Without ``trains`` the cells are only evaluated, on ``splits`` (None: those of the config), unless ``done``.
    """

    config: Path
    overrides: Sequence[str]
    study: Study
    cells: Sequence[Cell]
    outcome: CellOutcome
    done: Callable[[Cell], bool]
    trains: bool = True
    splits: Sequence[str] | None = None


# Runs the cells; returns whether all are finished, False if another process runs one. Raises like ``cells.for_each``.
Launcher = Callable[[StudyRun], bool]


def in_this_process(call: StudyRun) -> bool:
    """The launcher that runs cells one by one."""
    _, finished = cells.for_each(
        call.cells, lambda cell: run_cell(cell, call.overrides, call.study, call.outcome), str, done=call.done
    )
    return finished


def run(
    config: Path,
    overrides: Sequence[str] = (),
    *,
    selection: Selection = EVERY_CELL,
    launcher: Launcher = in_this_process,
) -> CellOutcome:
    """Train, evaluate and report an experiment or a study; finished work is not repeated.

    Raises:
        HallucError or ManyErrors: as ``training.train``, ``evaluation.evaluate`` and ``reports.report``.
    """
    outcome = CellOutcome()
    study, chosen = cells.begin(config, overrides, selection)
    for cell in chosen:  # errors of `halluc eval` must be reported before hours of training
        evaluation.refuse_unscored(cell.loaded)
    # Other shards may still be running: the user calls `halluc report` when all have ended.
    reporting = selection.shard is None and processes.is_main_process()
    try:
        finished = launcher(StudyRun(config, overrides, study, chosen, outcome, is_done))
    except HallucError as error:
        _retain(study, chosen)
        # The report is written even if a gate is not met, since it shows why.
        if reporting and (error.exit_code == EXIT_GATE or _are_evaluated(chosen)):
            outcome.report = _report(study, config, overrides)
        raise
    _retain(study, chosen)
    if not reporting:
        return outcome
    if finished or _are_evaluated(chosen):
        outcome.report = _report(study, config, overrides)
    else:
        conclude("no report yet: the last `halluc run` process of this study writes it")
    return outcome


def _are_evaluated(chosen: Sequence[Cell]) -> bool:
    """Whether every cell is finished, also by other processes."""
    return all(retention.evaluated_run(cell) is not None for cell in chosen)


def _report(study: Study, config: Path, overrides: Sequence[str]) -> AnyReport:
    """Write the report; processes that end at the same time write it one after the other."""
    with contextlib.ExitStack() as stack:
        if study.axes:
            stack.enter_context(locks.locked(study.home / ".report.lock", study.home, waits=True))
        return reports.report([config], overrides).record


def is_done(cell: Cell) -> bool:
    """Whether a cell is trained and evaluated; raises G100 if it is, and a gate is not met."""
    target = run_locations.run_of(cell)
    return run_state.is_trained(target) and evaluation.is_done(cell.loaded, target, None)


def is_trained(cell: Cell) -> bool:
    return run_state.is_trained(run_locations.run_of(cell))


def _retain(study: Study, chosen: Sequence[Cell]) -> None:
    if processes.is_main_process():
        retention.apply(study, chosen)


def run_cell(cell: Cell, overrides: Sequence[str], study: Study, outcome: CellOutcome) -> str:
    """Train and evaluate one cell; returns a short summary."""
    job = Job.of(cell)
    outcome.trainings.append(training.train_job(job, overrides, resume=_may_resume(cell)))
    text = training.summary(outcome.trainings[-1])
    # Several processes train together; the main one evaluates, and the others wait for it at the next training.
    if not processes.is_main_process():
        return text
    if evaluation.is_done(cell.loaded, job.target, None):
        tell(f"{job.target.path} is already evaluated: nothing to do")
    else:
        result = evaluation.evaluate_job(job, overrides)
        outcome.evaluations.extend(result)
        text += f", {evaluation.summary(result)}"
    if study.keep_models == "none":  # at once, so that a large study never has two models on disk
        with listening(Listener()):
            retention.apply(study, [cell])
    return text


def _may_resume(cell: Cell) -> bool:
    """Whether the newest training may be continued, or reused; with other data a new one begins."""
    newest = directory.newest(cell.loaded.home, cell.loaded.sha256)
    return newest is None or not provenance.changed_inputs(newest.read().inputs)
