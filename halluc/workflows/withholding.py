"""From a config's ``gap`` to the remaining training split, and from a run to its model's training knowledge."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from halluc.config.loading import LoadedConfig
from halluc.core.errors import HallucError
from halluc.core.examples import Corpus
from halluc.core.messages import warn
from halluc.gap import units
from halluc.gap import withhold as withholding
from halluc.gap.knowledge import TrainingKnowledge
from halluc.gap.withhold import Withheld
from halluc.task import AnyTask
from halluc.workflows import transfer

if TYPE_CHECKING:
    from halluc.data.corpora import Corpora
    from halluc.workflows.job import Job

# The keys of an error about withholding; the first one in the config is shown.
_KEYS = {"D132": ("labels",), "D133": ("fraction",), "D134": ("size",), "D135": ("fractions", "fraction")}


def withhold(loaded: LoadedConfig, task: AnyTask, train: Corpus[Any]) -> tuple[Corpus[Any], Withheld | None]:
    """The remaining training split, and what was withheld from it: the split unchanged, and None, without a ``gap``.

    Raises:
        HallucError D132 to D135: the configured withholding is impossible; reported at its key. C103: the task does not
            have these units.
    """
    config = loaded.experiment.gap
    if config is None:
        return train, None
    if config.unit not in task.knowledge.units:
        where = loaded.origins.get(("gap", "unit"))
        usual = "" if "unit" in config.model_fields_set else ", as it is where none is named"
        help = f"of {task.name} it is one of {', '.join(task.knowledge.units)}"
        raise HallucError("C103", f'`gap.unit` cannot be "{config.unit}"{usual}', where, help)
    try:
        strata, kinds = task.knowledge.strata(train.examples), task.knowledge.units
        withheld = withholding.withhold(train.examples, config, strata, kinds)
    except HallucError as error:
        places = [loaded.origins.get(("gap", key)) for key in _KEYS[error.code]]
        raise HallucError(
            error.code, error.message, next((place for place in places if place), None), error.help, error.exit_code
        ) from None
    return replace(train, examples=withheld.examples), withheld


def record(job: Job, remaining: Corpora) -> None:
    """Store in the run the coverage of its training split, and what was withheld from it."""
    job.task.knowledge.of(remaining.splits).save(job.target.coverage)
    if job.withheld is not None:
        job.withheld.units.save(job.target.withheld)


def knowledge(job: Job, *, anew: bool = False) -> TrainingKnowledge | None:
    """The training knowledge of a run's model: from the run's files, otherwise from the training split under the
    config's ``gap``; ``anew``: always from the split, and then stored in the run.

    None if the config has no training split, or it is missing (with a warning): a model from elsewhere, or a run of an
    older halluc, can be evaluated without it.

    Raises:
        HallucError R120, R121: a file of the run is damaged or of another version. D…: the training split is invalid.
    """
    known, target, gapped = job.task.knowledge, job.target, job.settings.gap is not None
    if not anew and target.coverage.is_file() and (target.withheld.is_file() or not gapped):
        own = known.asked(known.load(target.coverage), units.WithheldUnits.load(target.withheld) if gapped else None)
        return transfer.joined(own, job.task, target)
    if job.settings.data.train is None:
        return None
    try:
        remaining = job.remaining(known.covers)
    except HallucError as error:
        if error.code != "D101":
            raise
        warn(f"the coverage of the training split is not available: {error.message}")
        return None
    if anew:
        record(job, remaining)
    own = known.asked(known.of(remaining.splits), job.withheld.units if job.withheld else None)
    return transfer.joined(own, job.task, target)
