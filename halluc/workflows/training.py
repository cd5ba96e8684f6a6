"""Training of experiments: first the data that is made for them, then their models."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from halluc.core.files import elsewhere
from halluc.runs.results import TrainResult
from halluc.workflows import augmentation, cells, distillation, model_training, run_locations, run_state
from halluc.workflows.cell_selection import EVERY_CELL, Selection
from halluc.workflows.job import Job, load


def train(
    config: Path,
    overrides: Sequence[str] = (),
    *,
    run: Path | None = None,
    resume: bool = False,
    selection: Selection = EVERY_CELL,
) -> list[TrainResult]:
    """Train an experiment, or the cells of a study; what is trained already is left unchanged.

    Raises:
        HallucError or ManyErrors: problems with config, data or run, or with cells.
    """
    if run is not None:
        selection.refuse("--run takes one run")
        with elsewhere("choose another path for `--run`"):
            return [train_job(Job(load(config, overrides)), overrides, run=run, resume=resume)]
    _, chosen = cells.begin(config, overrides, selection)
    return cells.for_each(
        chosen,
        lambda cell: train_job(Job.of(cell), overrides, resume=resume, to_new_total=resume),
        summary,
        done=lambda cell: run_state.is_trained(run_locations.run_of(cell)),
    )[0]


def summary(result: TrainResult) -> str:
    """A short summary of a training."""
    best = result.best or {}
    figure = best.get("chosen_by")
    return f"dev {figure} {best['dev'][figure]:.4f}" if figure in best.get("dev", ()) else "trained"


def train_job(
    job: Job, overrides: Sequence[str], *, run: Path | None = None, resume: bool, to_new_total: bool = False
) -> TrainResult:
    """Make the augmented corpus and the soft targets of one experiment, if its config has them, and train it."""
    augmentation.refuse_unfit(job.loaded, job.task)
    distillation.refuse_unfit(job)
    placed = model_training.begin(job, run, resume, to_new_total=to_new_total)
    prepares = job.settings.augment is not None or job.settings.train.teacher is not None
    if placed is not None and prepares and not model_training.is_done(job, placed[0]):
        # Before torch is loaded: processes that make candidates are forked from a small one.
        with placed[0].locked():
            job.run = placed[0]
            augmentation.ensure(job)
            distillation.ensure(job)
    return model_training.train(job, placed, overrides, moves_latest=run is None and job.slug is None)
