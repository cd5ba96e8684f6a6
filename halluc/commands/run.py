"""``halluc run``: train and evaluate, one experiment after the other, going on where an earlier call stopped; a study
is reported at the end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from halluc.commands import cells, evaluate, experiment, report, standing, train
from halluc.commands.choosing import Selection
from halluc.commands.terminal import Talk, is_main_process, say
from halluc.config.matrix import Cell
from halluc.runs import directory, provenance


def run(config: Path, overrides: Sequence[str], *, selection: Selection, talk: Talk) -> None:
    study, chosen = cells.begin(config, overrides, selection)
    whole = cells.each(chosen, lambda cell: _one(cell, overrides, talk), done=_is_done, talk=talk)
    # A shard ends while others still run: who started them calls `halluc report` when all are through.
    if study.axes and whole and selection.shard is None and talk is not Talk.QUIET and is_main_process():
        report.run([config], overrides, split=None, as_json=talk is Talk.JSON)


def _is_done(cell: Cell) -> bool:
    target = experiment.run_of(cell)
    return standing.is_trained(target) and evaluate.is_done(cell.loaded, target, None)


def _one(cell: Cell, overrides: Sequence[str], talk: Talk) -> None:
    target = train.one(cell, overrides, run=None, resume=_goes_on(cell), talk=talk)
    # Several processes train together; the main one evaluates, and the others wait for it at the next training.
    if not is_main_process():
        return
    if evaluate.is_done(cell.loaded, target, None):
        say(f"{target.path} is evaluated: nothing is left to do")
    else:
        evaluate.one(cell, target, overrides, splits=None, talk=talk)


def _goes_on(cell: Cell) -> bool:
    """Whether the newest training may be continued, or taken as it is; on other data a new one begins."""
    settings = cell.loaded.experiment
    newest = directory.newest(Path(settings.runs_dir), settings.name, cell.loaded.sha256)
    return newest is None or not provenance.changed_inputs(newest.read().inputs)
