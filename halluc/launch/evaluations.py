"""``halluc eval``, in this process, or with each cell as a task of a Ray cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from halluc.core.messages import put, without_results
from halluc.launch import ray_tasks
from halluc.launch.studies import LaunchOptions
from halluc.workflows import cells, evaluation, run_locations
from halluc.workflows.cell_selection import Selection
from halluc.workflows.experiments import CellOutcome, StudyRun


def evaluate(
    config: Path | None,
    overrides: Sequence[str],
    where: LaunchOptions,
    *,
    splits: Sequence[str] | None,
    selection: Selection,
    **others: Any,
) -> None:
    """Like ``evaluation.evaluate``, which has ``others`` too.

    Raises:
        HallucError or ManyErrors C020: --on without a config, or with ``others``. Others: as ``evaluation.evaluate``
            and ``ray_tasks.launch``.
    """
    if where.on is None:
        evaluation.evaluate(config, overrides, splits=splits, selection=selection, **others)
        return
    if config is None or config.is_dir() or any(one not in (None, ()) for one in others.values()):
        where.refuse_cluster("evaluates the cells of a study, or the newest run of a CONFIG")
        return
    study, chosen = cells.begin(config, overrides, selection, trains=False)
    study_run = StudyRun(
        config, overrides, study, chosen, CellOutcome(),
        done=lambda cell: evaluation.is_done(cell.loaded, run_locations.run_of(cell), splits), trains=False,
        splits=splits,
    )  # fmt: skip
    if study.axes:
        ray_tasks.launch(study_run, where.address)
        return
    job, _ = evaluation.find(config, overrides)
    # As if it were a cell, in the folder of the run; it is evaluated again, as without a cluster.
    cell = replace(chosen[0], slug=job.target.path.name)
    try:
        with without_results():
            one = replace(study_run, study=replace(study, cells=(cell,)), cells=(cell,), done=lambda _: False)
            ray_tasks.launch(one, where.address)
    finally:  # also if a gate is not met
        for result in study_run.outcome.evaluations:
            put(result.model_copy(update={"cell": None}))
