"""From a config's ``gap`` to what is trained on, and from a run to what its model was told: what commands share."""

from __future__ import annotations

from dataclasses import replace

from halluc.commands.terminal import say
from halluc.components import TABLE
from halluc.config.loading import LoadedConfig
from halluc.core.errors import HallucError
from halluc.core.examples import Tagged
from halluc.data.corpora import Corpora, read_corpora
from halluc.gap import withhold as withholding
from halluc.gap.coverage import Coverage
from halluc.gap.knowledge import Knowledge
from halluc.gap.units import WithheldUnits
from halluc.gap.withhold import Withheld
from halluc.runs.directory import RunDir

# The keys that an error of withholding is about; the first that the config gives is shown.
_KEYS = {"D132": ("labels",), "D133": ("fraction",), "D134": ("size",), "D135": ("fractions", "fraction")}


def withhold(loaded: LoadedConfig, corpora: Corpora) -> tuple[Corpora, Withheld | None]:
    """The corpora with the training split that remains, and what was withheld from it.

    They come back as they are, with None, where the config has no ``gap`` or no training split was read.

    Raises:
        HallucError D132 to D135: what is asked for cannot be done, at the key that asks for it.
    """
    config, train = loaded.experiment.gap, corpora.splits.get("train")
    if config is None or train is None:
        return corpora, None
    try:
        withheld = withholding.withhold(train.examples, config)
    except HallucError as error:
        places = [loaded.origins.get(("gap", key)) for key in _KEYS[error.code]]
        where = next((place for place in places if place), None)
        raise HallucError(error.code, error.message, where, error.help, error.exit_code) from None
    return replace(corpora, splits={**corpora.splits, "train": replace(train, examples=withheld.examples)}), withheld


def record(target: RunDir, trained_on: tuple[Tagged, ...], withheld: Withheld | None) -> None:
    """Keep in the run what its training split knows, and what was withheld from it."""
    Coverage.of(trained_on).save(target.coverage)
    if withheld is not None:
        withheld.save(target.withheld)


def knowledge(target: RunDir, loaded: LoadedConfig) -> Knowledge | None:
    """What the model of a run was told: from the run's files, else from the training split under the config's ``gap``.

    None where the config names no training split, or one that is not here (said as a warning): a model from elsewhere,
    or a run of an older halluc, can be evaluated without it.

    Raises:
        HallucError R120, R121: a file of the run is damaged or of another version. D…: the training split is broken.
    """
    gapped = loaded.experiment.gap is not None
    if target.coverage.is_file() and (target.withheld.is_file() or not gapped):
        units = WithheldUnits.load(target.withheld) if gapped else None
        return Knowledge(Coverage.load(target.coverage), units)
    if loaded.experiment.data.train is None:
        return None
    try:
        corpora = read_corpora(loaded.experiment.data, TABLE, ("train",))
    except HallucError as error:
        if error.code != "D101":
            raise
        say(f"warning: what the training split knows cannot be told: {error.message}", style="yellow")
        return None
    remaining, withheld = withhold(loaded, corpora)
    return Knowledge(Coverage.of(remaining.splits["train"]), withheld.units if withheld else None)
