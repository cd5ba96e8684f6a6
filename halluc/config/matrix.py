"""A config with ``matrix:`` is many experiments: the product of its axes, each cell a validated config."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from halluc.config import loading
from halluc.config.axes import MOST_CELLS, Axis, Option, read_axes
from halluc.config.loading import LoadedConfig
from halluc.config.merging import merge
from halluc.config.slugs import Plain, slug_of
from halluc.config.yaml import Located, texts
from halluc.core import registry
from halluc.core.errors import HallucError, refuse
from halluc.core.files import expanded


@dataclass(frozen=True)
class Cell:
    """One experiment of a study.

    ``slug`` names its folder, and is None if the config has no matrix; ``choice`` has the value, or the name of the
    arm, on each axis.
    """

    slug: str | None
    choice: dict[str, Plain]
    loaded: LoadedConfig


@dataclass(frozen=True)
class Study:
    """A config as a list of experiments: a single one if it has no matrix.

    ``keep_models`` says which models are kept on disk: ``all``, ``best`` or ``none``. ``located`` has the values set by
    files and ``--set``, including the matrix, with locations and without defaults.
    """

    name: str
    runs_dir: Path
    axes: dict[str, tuple[Plain, ...]]
    cells: tuple[Cell, ...]
    keep_models: str
    located: Located

    @property
    def home(self) -> Path:
        """The folder of all runs of this name; each cell has a subfolder named by its slug."""
        return self.runs_dir / self.name

    @cached_property
    def named_by(self) -> dict[str, frozenset[str]]:
        """For each cell, by slug, the cells whose run or ``model/`` its config names, such as a teacher."""
        here = Path.cwd()
        slugs = {here / cell.loaded.home / str(cell.slug): str(cell.slug) for cell in self.cells}
        named: dict[str, frozenset[str]] = {}
        for cell in self.cells:
            paths = {here / (expanded(text) if text.startswith("~/") else text) for text in texts(cell.loaded.tree)}
            paths |= {path.parent for path in paths}
            named[str(cell.slug)] = frozenset(slugs[path] for path in paths & slugs.keys()) - {str(cell.slug)}
        return named

    @property
    def named_cells(self) -> frozenset[str]:
        """The slugs of the cells that another cell names."""
        return frozenset().union(*self.named_by.values())


def load_study(
    path: str | os.PathLike[str],
    overrides: Sequence[str] = (),
    *,
    table: registry.Table,
    environ: Mapping[str, str] | None = None,
) -> Study:
    """Read a config and validate each of its cells, in the order of the written product.

    Raises:
        HallucError or ManyErrors, code C…: every mistake found, with its location; a mistake shared by many cells is
            reported once.
    """
    merged = loading.read(path, overrides, environ)
    base, matrix = _split_matrix(merged.located)
    axes, wrong = read_axes(matrix) if matrix else ((), [])
    cells: list[Cell] = []
    errors: list[HallucError] = []
    for options in _choices(axes, some=bool(wrong)):
        loaded, errors_of_cell = loading.finish(merged, _cell(base, options, axes), table)
        errors += errors_of_cell
        if loaded is not None:
            choice = {axis.name: _value(axis, one, loaded.tree) for axis, one in zip(axes, options, strict=True)}
            cells.append(Cell(slug_of(choice) if choice else None, choice, loaded))
    errors += _hidden_mistakes(base, table) if matrix else []
    if wrong:  # a skipped axis may be the one that sets a missing key
        errors = [error for error in errors if error.code not in ("C102", "C106")]
    refuse(merged.errors + sorted(_distinct(wrong + errors), key=loading.reading_order))
    _refuse_shared_folders(cells)
    values = {axis.name: tuple(dict.fromkeys(cell.choice[axis.name] for cell in cells)) for axis in axes}
    shared = cells[0].loaded.experiment
    if not axes:
        loading.refuse_keep_models(cells[0].loaded)
    kept = shared.keep_models or "all"
    return Study(
        shared.name, Path(shared.runs_dir), values, tuple(map(_single_experiment, cells)), kept, merged.located
    )


def _hidden_mistakes(base: Located, table: registry.Table) -> list[HallucError]:
    """Mistakes in the base config that no cell shows, because every cell overrides the wrong value.

    Missing keys and conflicts are ignored, since an axis may fix them, and so are nulls and empty lists.
    """
    _, errors = loading.check(Located(_drop_blanks(base.value), base.keys, base.values), table)
    return [error for error in errors if error.code in ("C103", "C104", "C105")]


def _drop_blanks(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    return {key: _drop_blanks(value) for key, value in node.items() if value not in (None, [])}


def _single_experiment(cell: Cell) -> Cell:
    """The cell with the config of a single experiment, which has no ``keep_models``."""
    loaded = cell.loaded
    experiment = loaded.experiment.model_copy(update={"keep_models": None})
    origins = {path: where for path, where in loaded.origins.items() if path != ("keep_models",)}
    return replace(cell, loaded=replace(
        loaded, experiment=experiment, tree={**loaded.tree, "keep_models": None}, origins=origins))  # fmt: skip


def _split_matrix(located: Located) -> tuple[Located, Located | None]:
    """The base config without cells, and the matrix; None if there is no matrix, or an empty one."""
    base = located.below(())
    matrix = base.value.pop("matrix", None)
    base.forget(("matrix",))
    return base, None if matrix is None or matrix == {} else located.below(("matrix",))


def _choices(axes: Sequence[Axis], *, some: bool) -> Iterable[tuple[Option, ...]]:
    """Every cell; with ``some``, a subset that contains each option: enough to find the mistakes of each."""
    if not some:
        return itertools.product(*(axis.options for axis in axes))
    longest = min(MOST_CELLS, max((len(axis.options) for axis in axes), default=1))
    return [tuple(axis.options[min(row, len(axis.options) - 1)] for axis in axes) for row in range(longest)]


def _cell(base: Located, options: Iterable[Option], axes: Iterable[Axis]) -> Located:
    cell = base.below(())
    for option in options:
        merge(cell, option.part.below(()))
    gap = cell.value.get("gap")
    by_place = {axis.where: set(_fractions(axis)) for axis in axes}
    fractions = sorted(set().union(*by_place.values()))
    # Matched sizes depend on every fraction of the study (DEFINITIONS, section 2), so each cell gets all fractions.
    if fractions and isinstance(gap, dict) and gap.get("fractions") is None and gap.get("size") is None:
        gap["fractions"] = fractions
        where = next(place for place, some in by_place.items() if some)
        if where is not None:
            cell.values["gap", "fractions"] = where
    return cell


def _fractions(axis: Axis) -> Iterable[float]:
    """The fractions that an axis, by key or by arms, withholds; invalid values are left to validation."""
    for option in axis.options:
        gap = option.part.value.get("gap")
        fraction = gap.get("fraction") if isinstance(gap, dict) else None
        if isinstance(fraction, (int, float)) and not isinstance(fraction, bool) and 0 <= fraction <= 1:
            yield float(fraction)


def _value(axis: Axis, option: Option, tree: Any) -> Plain:
    """The option's value as the schema parses it, so that 0 and 0.0 give the same folder name for a float."""
    if not isinstance(option.name, int) or isinstance(option.name, bool):
        return option.name
    for part in axis.name.split("."):
        tree = tree[part]
    return tree if isinstance(tree, float) else option.name


def _distinct(errors: Iterable[HallucError]) -> list[HallucError]:
    """Each error once, since cells share most of their config."""
    return list({(error.code, error.message, error.where, error.help): error for error in errors}.values())


def _refuse_shared_folders(cells: Iterable[Cell]) -> None:
    """Refuse two different choices with the same slug, which only a hash collision can cause."""
    first: dict[str, Cell] = {}
    for cell in cells:
        folder = (cell.slug or "").casefold()
        if folder in first:
            message = f"two cells would have the same folder `{cell.slug}`: {first[folder].choice} and {cell.choice}"
            raise HallucError("C127", message, help="rename an arm")
        first[folder] = cell
