"""``halluc run``: train and evaluate, one experiment after the other, going on where an earlier call stopped, and then
report what came of it."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

from halluc.commands import evaluate, report, train
from halluc.commands.report import Wanted
from halluc.commands.terminal import Talk, is_main_process, say
from halluc.config.matrix import Cell, Study
from halluc.core import locks
from halluc.core.errors import EXIT_GATE, HallucError
from halluc.runs import directory, provenance
from halluc.workflows import cells, experiment, retention, run_state
from halluc.workflows.cell_selection import Selection


def run(config: Path, overrides: Sequence[str], *, selection: Selection, talk: Talk) -> None:
    study, chosen = cells.begin(config, overrides, selection)
    for cell in chosen:  # what `halluc eval` would refuse must not be told after hours of training
        evaluate.refuse_unscored(cell.loaded)
    # A shard ends while others still run: who started them calls `halluc report` when all are through.
    reports = selection.shard is None and is_main_process()
    try:
        whole = cells.each(chosen, lambda cell: _one(cell, overrides, talk, study), done=_is_done, talk=talk)
    except HallucError as error:
        _retain(study, chosen, talk)
        # A gate that is not met is no reason to withhold the page that shows why.
        if reports and (error.exit_code == EXIT_GATE or _are_evaluated(chosen)):
            _report(study, config, overrides, talk)
        raise
    _retain(study, chosen, talk)
    if not reports:
        return
    if whole or _are_evaluated(chosen):
        _report(study, config, overrides, talk)
    elif talk is not Talk.JSON:
        say("no report yet: the last `halluc run` of this study to finish writes it")


def _are_evaluated(chosen: Sequence[Cell]) -> bool:
    """Whether nothing is left to do in any cell; of several processes whoever evaluates the last cell finds it so."""
    return all(retention.evaluated(cell) is not None for cell in chosen)


def _report(study: Study, config: Path, overrides: Sequence[str], talk: Talk) -> None:
    """Of several processes that are through at the same moment, one after the other: the last has read all cells."""
    wanted = Wanted(talk=talk, tables=bool(study.axes))  # of a single experiment the evaluation has just told them
    with contextlib.ExitStack() as stack:
        if study.axes:
            stack.enter_context(locks.locked(study.home / ".report.lock", study.home, waits=True))
        report.make([config], overrides, wanted)


def _is_done(cell: Cell) -> bool:
    target = experiment.run_of(cell)
    return run_state.is_trained(target) and evaluate.is_done(cell.loaded, target, None)


def _retain(study: Study, chosen: Sequence[Cell], talk: Talk) -> None:
    if is_main_process():
        retention.apply(study, chosen, talk)


def _one(cell: Cell, overrides: Sequence[str], talk: Talk, study: Study) -> None:
    target = train.one(cell, overrides, run=None, resume=_goes_on(cell), talk=talk)
    # Several processes train together; the main one evaluates, and the others wait for it at the next training.
    if not is_main_process():
        return
    if evaluate.is_done(cell.loaded, target, None):
        say(f"{target.path} is evaluated: nothing is left to do")
    else:
        evaluate.one(cell, target, overrides, splits=None, talk=talk)
    if study.keep_models == "none":  # at once, so that no two models of a large study are on disk
        retention.apply(study, [cell], Talk.QUIET)


def _goes_on(cell: Cell) -> bool:
    """Whether the newest training may be continued, or taken as it is; on other data a new one begins."""
    settings = cell.loaded.experiment
    newest = directory.newest(Path(settings.runs_dir), settings.name, cell.loaded.sha256)
    return newest is None or not provenance.changed_inputs(newest.read().inputs)
