"""An experiment with its task, corpora and withheld data, each created on first use."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from halluc.components import TABLE
from halluc.config import hashing, loading, matrix, rendering, schema
from halluc.core.errors import HallucError, data_error, refuse, suggestion
from halluc.core.examples import Corpus
from halluc.data.config import DataConfig
from halluc.data.corpora import Corpora, read_corpora
from halluc.data.rows.references import SPLITS, SplitName
from halluc.gap import withhold
from halluc.gap.withhold import Withheld
from halluc.runs import directory
from halluc.runs.events import Event
from halluc.task import AnyTask, build

# The keys of an error about withholding; the first one in the config is shown.
_KEYS = {"D132": ("labels",), "D133": ("fraction",), "D134": ("size",), "D135": ("fractions", "fraction")}


def load(config: Path, overrides: Sequence[str]) -> loading.LoadedConfig:
    """The config of one experiment; raises like ``config.loading.load``."""
    return loading.load(config, overrides, table=TABLE)


def is_config(target: Path) -> bool:
    """Whether a target of a command is a config, and not a run directory."""
    return target.suffix in (".yaml", ".yml") and not target.is_dir()


def configured_splits(data: DataConfig, requested: Sequence[str]) -> tuple[SplitName, ...]:
    """The requested splits, or all of the config if none is requested.

    Raises:
        HallucError C011: the config does not have one of them.
    """
    available = tuple(split for split in SPLITS if data.reference(split))
    for name in requested:
        if name not in available:
            raise HallucError("C011", f"the config has no `data.{name}`", help=f"it has {', '.join(available)}")
    return tuple(split for split in available if split in (requested or available))


def refuse_unknown_splits(names: Sequence[str]) -> None:
    """
    Raises:
        HallucError C011: one of the names is not ``train``, ``dev`` or ``test``.
    """
    for name in names:
        if name not in SPLITS:
            help = suggestion(name, SPLITS, f"one of {', '.join(SPLITS)}")
            raise HallucError("C011", f"no split `{name}`", help=help)


def identity_of(loaded: loading.LoadedConfig, identity: Mapping[str, Any]) -> str:
    """The hash of a run that has no model of its own: of the sections that decide a model, and its ``identity``."""
    return hashing.sha256_of_tree({**loaded.model_sections, **identity})


def load_run(
    run: Path, overrides: Sequence[str], identity: Mapping[str, Any] | None = None
) -> tuple[loading.LoadedConfig, directory.RunDir]:  # fmt: skip
    """A run that the user gave by path, and the config stored in it. A run without a model must have ``identity``.

    Raises:
        HallucError R104: an override would describe another model than the one in the run.
    """
    result = directory.open_run(run)
    if not result.config.is_file():
        raise HallucError(
            "R101", f"{result.path} has no {result.config.name}", help="pass the CONFIG in addition to --run"
        )
    loaded = loading.load(result.config, overrides, table=TABLE, stored=True)
    without_model = identity and result.read().config_sha256 == identity_of(loaded, identity)
    if not without_model and not is_run_of(loaded, result):
        keys = rendering.differences(loading.load(result.config, table=TABLE, stored=True).tree, loaded.tree)
        text = f" ({', '.join(keys)})" if keys else ""
        raise HallucError(
            "R104", f"the model in {result.path} was trained with another config than --set requests{text}"
        )
    return loaded, result


def is_run_of(loaded: loading.LoadedConfig, run: directory.RunDir) -> bool:
    """Whether a config describes the model in a run, possibly with other values of ``Section.replaceable_keys``."""
    trained = run.read().config_sha256
    if loaded.sha256 == trained:
        return True
    kept = loading.load(run.config, table=TABLE, stored=True) if run.config.is_file() else None
    return kept is not None and kept.sha256 == trained and hashing.is_usable(kept.tree, loaded.tree)


@dataclass
class Job:
    """An experiment, or the cell ``slug`` of a study; ``run`` is its directory, once it has one.

    ``listeners`` receive every event of its training, in addition to the loggers.
    """

    loaded: loading.LoadedConfig
    slug: str | None = None
    run: directory.RunDir | None = None
    listeners: Sequence[Callable[[Event], None]] = ()
    _read: dict[tuple[SplitName, ...], Corpora] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, cell: matrix.Cell) -> Job:
        return cls(cell.loaded, cell.slug)

    @property
    def settings(self) -> schema.Experiment:
        return self.loaded.experiment

    @property
    def target(self) -> directory.RunDir:
        assert self.run is not None, "the run is placed before anything is written"
        return self.run

    @cached_property
    def task(self) -> AnyTask:
        return build(self.settings.task)

    def corpora(self, splits: Sequence[SplitName] = SPLITS) -> Corpora:
        """The configured splits, as they are in their files.

        Raises:
            HallucError or ManyErrors, code D…: see ``data.corpora.read_corpora``; or what the task's ``refuse_unfit``
                raises.
        """
        key = tuple(splits)
        if key not in self._read:
            result = read_corpora(self.settings.data, TABLE, key)
            if self.settings.eval.consistency != "none" and not hasattr(self.task.model, "consistent"):
                where = self.loaded.origins.get(("eval", "consistency"))
                message = f"`eval.consistency` cannot be combined with `task.type: {self.task.name}`"
                raise HallucError("C103", message, where, "remove it")
            refuse_unfit = getattr(self.task, "refuse_unfit", None)
            if refuse_unfit is not None:
                refuse_unfit(result.splits.values(), self.settings.eval)
            self._read[key] = result
        return self._read[key]

    @cached_property
    def _train(self) -> tuple[Corpus[Any], Withheld | None]:
        read = (result.splits["train"] for result in self._read.values() if "train" in result.splits)
        train = next(read, None) or self.corpora(("train",)).splits["train"]
        return _withhold(self.loaded, self.task, train)

    def train(self) -> Corpus[Any]:
        """The training split without withheld data, read on first use.

        Raises:
            HallucError: as ``corpora`` and ``gap.withhold.withhold``.
        """
        return self._train[0]

    @property
    def withheld(self) -> Withheld | None:
        """The data that ``gap`` withholds from the training split; None without a ``gap`` or a training split."""
        return self._train[1] if self.settings.gap is not None and self.settings.data.train is not None else None

    def remaining(self, splits: Sequence[SplitName] = SPLITS) -> Corpora:
        """The corpora, without the data that ``gap`` withholds from the training split."""
        corpora = self.corpora(splits)
        if "train" not in corpora.splits:
            return corpora
        return replace(corpora, splits={**corpora.splits, "train": self.train()})

    @cached_property
    def choose_by(self) -> str:
        """The dev figure that selects the checkpoint.

        Raises:
            HallucError C103: ``train.best`` names a figure that the task does not have.
        """
        configured = self.settings.train.best
        known = tuple(name for family in self.task.figures.families for name in family)
        if configured is None or configured in known:
            return str(configured or self.task.figures.primary)
        help = suggestion(configured, known, f"one of {', '.join(known)}")
        raise HallucError(
            "C103", f'`train.best` cannot be "{configured}"', self.loaded.origins.get(("train", "best")), help
        )

    def refuse_bare(self, train: Corpus[Any]) -> None:
        """
        Raises:
            HallucError D131: the training split has nothing to learn from.
        """
        lacking = self.task.examples.untrainable_reason(train)
        if lacking is not None:
            help = "check that `data.train` is the right file, and that labels are read from the right field or column"
            raise data_error("D131", f"{train.source} has {lacking}, so there is nothing to learn", help=help)

    def training_warnings(self, train: Corpus[Any]) -> Iterator[str]:
        """Warnings before a training on this split that depend on the keys of the task.

        Raises:
            HallucError: a file named by these keys cannot be used.
        """
        warnings_of = getattr(self.task.model, "training_warnings", None)
        yield from warnings_of(train, self.task.examples.labels(train)) if warnings_of else ()

    def refuse_unknown_classes(self, train: Corpus[Any]) -> None:
        """
        Raises:
            HallucError or ManyErrors C103: ``task.class_weights`` names a class that no training example has.
        """
        weights = getattr(self.settings.task, "class_weights", None)
        if isinstance(weights, dict):
            known = self.task.examples.classes(train)
            refuse(self._unknown_class(name, known) for name in weights if name not in known)

    def _unknown_class(self, name: str, known: Sequence[str]) -> HallucError:
        listed = ", ".join(f"`{one}`" for one in known[:20]) + (", …" if len(known) > 20 else "")
        help = suggestion(name, known, f"it has {listed}")
        where = self.loaded.origins.get(("task", "class_weights", name))
        return HallucError("C103", f"`task.class_weights` has `{name}`, which does not occur in training", where, help)


def _withhold(loaded: loading.LoadedConfig, task: AnyTask, train: Corpus[Any]) -> tuple[Corpus[Any], Withheld | None]:
    """The remaining training split, and what was withheld from it; without a ``gap`` the whole split, and None.

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
        withheld = withhold.withhold(train.examples, config, strata, kinds)
    except HallucError as error:
        places = [loaded.origins.get(("gap", key)) for key in _KEYS[error.code]]
        raise HallucError(
            error.code, error.message, next((place for place in places if place), None), error.help, error.exit_code
        ) from None
    return replace(train, examples=withheld.examples), withheld
