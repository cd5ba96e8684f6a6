"""The training knowledge of a run's model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from halluc.core.errors import HallucError
from halluc.core.files import make_folder, write_text
from halluc.core.messages import warn
from halluc.gap import units
from halluc.gap.knowledge import TrainingKnowledge
from halluc.workflows import transfer

if TYPE_CHECKING:
    from halluc.data.corpora import Corpora
    from halluc.runs.directory import RunDir
    from halluc.workflows.job import Job


def record(job: Job, remaining: Corpora) -> None:
    """Store in the run the coverage of its training split, and the withheld units."""
    job.task.knowledge.of(remaining.splits).save(job.target.coverage)
    if job.withheld is not None:
        job.withheld.units.save(job.target.withheld)


def copy(source: RunDir, target: RunDir) -> None:
    """Copy to another run what is known about the training data of the first, including earlier trainings."""
    bases = [(path, target.base(number)) for number, path in enumerate(source.bases, 1)]
    for path, new in [(source.coverage, target.coverage), (source.withheld, target.withheld), *bases]:
        if path.is_file():
            make_folder(new.parent)
            write_text(new, path.read_text(encoding="utf-8"))


def of(job: Job, *, anew: bool = False) -> TrainingKnowledge | None:
    """The training knowledge of a run's model: from the run's files, otherwise from the training split under the
    config's ``gap``; ``anew``: always from the split, and then stored in the run.

    None if the config has no training split, or it is missing (with a warning): a model from elsewhere, or a run of an
    older halluc, can be evaluated without it.

    Raises:
        HallucError R120, R121: a file of the run is damaged or of another version. D…: the training split is invalid.
    """
    known, target, has_gap = job.task.knowledge, job.target, job.settings.gap is not None
    if not anew and target.coverage.is_file() and (target.withheld.is_file() or not has_gap):
        own = known.from_coverage(
            known.load(target.coverage), units.WithheldUnits.load(target.withheld) if has_gap else None
        )
        return transfer.join_knowledge(own, job.task, target)
    if job.settings.data.train is None:
        return None
    try:
        remaining = job.remaining(known.splits_read)
    except HallucError as error:
        if error.code != "D101":
            raise
        warn(f"the coverage of the training split is not available: {error.message}")
        return None
    if anew:
        record(job, remaining)
    own = known.from_coverage(known.of(remaining.splits), job.withheld.units if job.withheld else None)
    return transfer.join_knowledge(own, job.task, target)
