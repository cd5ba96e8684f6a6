"""From a config's ``gap`` to what is trained on, and from a run to what its model was told: what commands share."""

from __future__ import annotations

from dataclasses import replace

from halluc.commands.terminal import say
from halluc.components import TABLE
from halluc.config.loading import LoadedConfig
from halluc.core.errors import HallucError
from halluc.data.corpora import Corpora, read_corpora
from halluc.gap import withhold as withholding
from halluc.gap.units import WithheldUnits
from halluc.gap.withhold import Withheld
from halluc.runs.directory import RunDir
from halluc.task import AnyTask, TrainingKnowledge
from halluc.workflows import experiment

# The keys that an error of withholding is about; the first that the config gives is shown.
_KEYS = {"D132": ("labels",), "D133": ("fraction",), "D134": ("size",), "D135": ("fractions", "fraction")}


def withhold(loaded: LoadedConfig, corpora: Corpora) -> tuple[Corpora, Withheld | None]:
    """The corpora with the training split that remains, and what was withheld from it.

    They come back as they are, with None, where the config has no ``gap`` or no training split was read.

    Raises:
        HallucError D132 to D135: what is asked for cannot be done, at the key that asks for it. C103: the task has no
            such units.
    """
    config, train = loaded.experiment.gap, corpora.splits.get("train")
    if config is None or train is None:
        return corpora, None
    task = experiment.task_of(loaded)
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
        where = next((place for place in places if place), None)
        raise HallucError(error.code, error.message, where, error.help, error.exit_code) from None
    return replace(corpora, splits={**corpora.splits, "train": replace(train, examples=withheld.examples)}), withheld


def record(target: RunDir, task: AnyTask, corpora: Corpora, withheld: Withheld | None) -> None:
    """Keep in the run what its training split knows, and what was withheld from it."""
    task.knowledge.of(corpora.splits).save(target.coverage)
    if withheld is not None:
        withheld.save(target.withheld)


def knowledge(target: RunDir, loaded: LoadedConfig, *, anew: bool = False) -> TrainingKnowledge | None:
    """What the model of a run was told: from the run's files, else from the training split under the config's ``gap``;
    ``anew``: always from the latter, which is then kept in the run.

    None where the config names no training split, or one that is not here (said as a warning): a model from elsewhere,
    or a run of an older halluc, can be evaluated without it.

    Raises:
        HallucError R120, R121: a file of the run is damaged or of another version. D…: the training split is broken.
    """
    task, gapped = experiment.task_of(loaded), loaded.experiment.gap is not None
    if not anew and target.coverage.is_file() and (target.withheld.is_file() or not gapped):
        units = WithheldUnits.load(target.withheld) if gapped else None
        found: TrainingKnowledge = task.knowledge.asked(task.knowledge.load(target.coverage), units)
        return found
    if loaded.experiment.data.train is None:
        return None
    try:
        corpora = read_corpora(loaded.experiment.data, TABLE, task.knowledge.covers)
    except HallucError as error:
        if error.code != "D101":
            raise
        say(f"warning: what the training split knows cannot be told: {error.message}", style="yellow")
        return None
    remaining, withheld = withhold(loaded, corpora)
    if anew:
        record(target, task, remaining, withheld)
    known: TrainingKnowledge = task.knowledge.asked(
        task.knowledge.of(remaining.splits), withheld.units if withheld else None
    )
    return known
