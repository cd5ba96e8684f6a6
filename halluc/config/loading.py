"""From a config file to a validated ``Experiment``: extends, --set, environment, and all errors at once."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from halluc.config import merging, problems, schema, yaml
from halluc.config.augmentation import augment_type
from halluc.config.hashing import model_sections, sha256_of_tree
from halluc.config.overrides import apply_all
from halluc.config.section import Section
from halluc.config.yaml import Located
from halluc.core import latest, registry
from halluc.core.errors import HallucError, Location, refuse


@dataclass(frozen=True)
class LoadedConfig:
    """A config and the origin of each of its values.

    ``tree`` is the whole config as plain JSON values, including defaults; ``origins`` has an entry for every leaf that
    was set by a file or ``--set``.
    """

    experiment: schema.Experiment
    tree: dict[str, Any]
    origins: dict[yaml.Path, Location]
    files: tuple[Path, ...]
    overrides: tuple[str, ...] = ()

    @property
    def sha256(self) -> str:
        """Hash of everything that affects the model."""
        return sha256_of_tree(self.model_sections)

    @property
    def model_sections(self) -> dict[str, Any]:
        """The sections that affect the model, without the test split."""
        return model_sections(self.tree)

    @property
    def home(self) -> Path:
        """The folder of all runs of this name."""
        return Path(self.experiment.runs_dir) / self.experiment.name


@dataclass(frozen=True)
class Merged:
    """The merged values of files and ``--set``, not validated yet, and the mistakes found so far.

    ``stored``: see ``load``.
    """

    located: Located
    files: tuple[Path, ...]
    overrides: tuple[str, ...]
    errors: list[HallucError]
    stored: bool = False


def load(
    path: str | os.PathLike[str],
    overrides: Sequence[str] = (),
    *,
    table: registry.Table,
    environ: Mapping[str, str] | None = None,
    stored: bool = False,
) -> LoadedConfig:
    """Read, merge and check the config of one experiment.

    Args:
        stored: the config is stored in a run: variables and ``latest`` were resolved when it was written.

    Raises:
        HallucError or ManyErrors, code C…: every mistake found, with its location.
    """
    merged = replace(read(path, overrides, {} if stored else environ), stored=stored)
    if merged.located.value.pop("matrix", None):
        help = "select a cell by its folder with --run, or remove the matrix with --set matrix=null"
        raise HallucError(
            "C128", "this config has a `matrix`, so it is several experiments; this command needs one", help=help
        )
    merged.located.forget(("matrix",))
    loaded, errors = finish(merged, merged.located, table)
    refuse(merged.errors + errors)
    assert loaded is not None, "otherwise there are errors"
    refuse_keep_models(loaded)
    return loaded


def refuse_keep_models(loaded: LoadedConfig) -> None:
    """
    Raises:
        HallucError C129: ``keep_models`` is set in the config of a single experiment.
    """
    keep_models = loaded.experiment.keep_models
    if keep_models not in (None, "all"):
        message = f"`keep_models: {keep_models}` requires a `matrix`: a single experiment always keeps its model"
        help = "remove it, or use --set keep_models=null"
        raise HallucError("C129", message, loaded.origins.get(("keep_models",)), help)


_EMPTY_HELP = "see configs/ for examples; required are `name`, `task`, `data` and `model`"


def read(path: str | os.PathLike[str], overrides: Sequence[str], environ: Mapping[str, str] | None) -> Merged:
    """The config with the files it extends, overrides and environment variables resolved; it still contains ``matrix``.

    Raises:
        HallucError C001 to C008: a file or a variable that cannot be read at all.
    """
    files = merging.Files(os.environ if environ is None else environ)
    located = files.read(Path(path), None)
    if not isinstance(located.value, dict):
        raise HallucError("C004", "a config must be a mapping of keys to values", Location(str(path), 1), _EMPTY_HELP)
    errors = apply_all(located, overrides)
    # After merging: a variable in a value that another file replaces need not be set.
    merging.interpolate(located, files.environ)
    located.value.pop("extends", None)
    return Merged(located, tuple(files.files), tuple(overrides), errors)


def finish(merged: Merged, located: Located, table: registry.Table) -> tuple[LoadedConfig | None, list[HallucError]]:
    """Validate the tree of one experiment: ``merged``'s own or that of a cell."""
    try:
        if not merged.stored:
            _name_runs(located)
        elif isinstance(located.value.get("data"), dict):  # runs trained before the tokenizer changed
            located.value["data"].setdefault("tokenizer_version", 1)
    except HallucError as error:
        return None, [error]
    experiment, errors = check(located, table)
    if experiment is None or errors:
        return None, errors
    tree = experiment.model_dump(mode="json")
    origins = {key: where for key, where in located.values.items() if key}
    return LoadedConfig(experiment, tree, origins, merged.files, merged.overrides), []


def _name_runs(located: Located) -> None:
    """Replace ``latest`` by the run that it points to now, so that the config records which run was used.

    Raises:
        HallucError R115: ``latest`` is damaged.
    """
    for *above, key in (*latest.KEYS, *latest.LIST_KEYS):
        section: Any = located.value
        for part in above:
            section = section.get(part) if isinstance(section, dict) else None
        value = section.get(key) if isinstance(section, dict) else None
        path = (*above, key)
        if isinstance(value, str):
            section[key] = _resolve(value, path, path, located)
        elif isinstance(value, list):
            section[key] = [
                _resolve(item, path, (*path, number), located) if isinstance(item, str) else item
                for number, item in enumerate(value)
            ]


def _resolve(reference: str, path: tuple[str, ...], place: yaml.Path, located: Located) -> str:
    try:
        return latest.resolve_text(reference)
    except HallucError as error:
        message = f"`{'.'.join(path)}`: {error.message}"
        raise HallucError(error.code, message, located.values.get(place), error.help) from None


def check(located: Located, table: registry.Table) -> tuple[schema.Experiment | None, list[HallucError]]:
    """Validate a merged tree against the schema of the components that it names."""
    errors: list[HallucError] = []
    chosen: dict[str, type[Section]] = {}
    undecided: set[str] = set()
    for section, kind in schema.COMPONENT_SECTIONS.items():
        component = problems.component(located, table, section, kind)
        if isinstance(component, HallucError):
            errors.append(component)
            undecided.add(section)
        elif component is not None:
            chosen[section] = component
    if "task" not in chosen:
        undecided.add("data")
    if located.value.get("augment") is not None:  # the modules of methods are imported only if they are used
        chosen["augment"] = augment_type(table)
    kind_of_config = _experiment_type(tuple(chosen.items()))
    try:
        return kind_of_config.model_validate(located.value), errors
    except ValidationError as error:
        for one in problems.decisive(error.errors(include_url=False), located):
            if one["loc"] and one["loc"][0] in undecided:
                continue  # reported already
            errors.append(problems.explain(one, located, kind_of_config))
        return None, sorted(errors, key=reading_order)


@cache  # every cell of a study needs it
def _experiment_type(chosen: tuple[tuple[str, type[Section]], ...]) -> type[schema.Experiment]:
    return schema.experiment_type(dict(chosen))


def reading_order(error: HallucError) -> tuple[str, int, int]:
    """Sort key of errors: file, line and column; errors without a location come first."""
    where = error.where
    return (where.file, where.line or 0, where.column or 0) if where else ("", 0, 0)
