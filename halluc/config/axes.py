"""The axes of ``matrix:`` and their mistakes, as far as these can be found before a cell is built."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from halluc.config import schema
from halluc.config.problems import shown
from halluc.config.slugs import Plain
from halluc.config.yaml import MOST_DEPTH, Located, Path, dotted
from halluc.core.errors import HallucError, Location, cut

MOST_CELLS = 1_000
MOST_AXES = 50

# Keys of the study as a whole.
_OF_THE_STUDY = ("keep_models", "name", "runs_dir", "matrix", "extends")


@dataclass(frozen=True)
class Option:
    """One value of an axis: its name in tables and folders, and the part of a config that it sets."""

    name: Plain
    part: Located


@dataclass(frozen=True)
class Axis:
    """A key with its values, or named arms with the changes of each."""

    name: str
    where: Location | None
    options: tuple[Option, ...]


def read_axes(matrix: Located) -> tuple[tuple[Axis, ...], list[HallucError]]:
    """The valid axes in written order, and the mistakes of the others or of all together.

    Codes C120 (neither values nor arms) to C126.
    """
    if not isinstance(matrix.value, dict):
        message = f"`matrix` must be a mapping of axes, not {shown(matrix.value)}"
        return (), [HallucError("C120", message, matrix.values.get(()), "for example `matrix: {seed: [1, 2, 3]}`")]
    if len(matrix.value) > MOST_AXES:
        message = f"the matrix has {len(matrix.value):,} axes, more than {MOST_AXES}"
        return (), [HallucError("C125", message, matrix.values.get(()), "split it into several studies")]
    axes: list[Axis] = []
    errors: list[HallucError] = []
    for name, value in matrix.value.items():
        error = _mistake(matrix, name, value)
        if error is not None:
            errors.append(error)
            continue
        named = isinstance(value, dict)
        errors += _arm_mistakes(matrix, name, value) if named else _value_mistakes(matrix, name, value)
        options = tuple(_arms(matrix, name) if named else _values(matrix, name))
        if options:
            axes.append(Axis(name, matrix.keys.get((name,)), options))
    return tuple(axes), [*errors, *_contradictions(axes), *_too_many(axes)]


def _mistake(matrix: Located, name: str, value: Any) -> HallucError | None:
    """The mistake of an axis as a whole."""
    place, key = matrix.keys.get((name,)), name.split(".")[0]
    if key in _OF_THE_STUDY:
        return _forbidden_axis_error(key, place)
    if name.count(".") >= MOST_DEPTH:
        return HallucError("C120", f"the axis `matrix.{cut(name)}` is nested too deeply", place)
    if value is None or value in ([], {}):
        return HallucError("C121", f"the axis `matrix.{cut(name)}` is empty", place, "give it values, or remove it")
    if not isinstance(value, (dict, list)):
        message = f"`matrix.{cut(name)}` must be a list of values or a mapping of named arms, not {shown(value)}"
        return HallucError(
            "C120", message, matrix.values.get((name,)), f"write a single value as `[{cut(str(value))}]`"
        )
    if len(value) > MOST_CELLS:  # before places are looked up for each value
        message = f"the axis `matrix.{cut(name)}` has {len(value):,} values, more than {MOST_CELLS:,} cells"
        return HallucError("C125", message, place, "remove values, or split it into several studies")
    if isinstance(value, dict) and key in schema.Experiment.model_fields:
        help = _values_advice(name, value) or "give the axis a name that is not a config key, such as `arm: {…}`"
        return HallucError("C126", f"`matrix.{cut(name)}` has named arms, but `{cut(name)}` is a key", place, help)
    return None


def _forbidden_axis_error(key: str, place: Location | None) -> HallucError:
    help = (
        "a config is read before its matrix" if key == "extends" else f"a study has one `{key}`, outside of the matrix"
    )
    return HallucError("C123", f"an axis of `matrix` cannot set `{key}`", place, help)


def _values_advice(name: str, value: dict[str, Any]) -> str | None:
    """How to write the keys of a section that was nested by mistake."""
    lists = [f"`{cut(dotted((name, key)))}: […]`" for key, inner in value.items() if isinstance(inner, list)]
    return f"to list values, write {', '.join(lists)}" if lists else None


def _value_mistakes(matrix: Located, name: str, values: list[Any]) -> Iterator[HallucError]:
    first: dict[Plain, int] = {}
    for index, value in enumerate(values):
        place = matrix.values.get((name, index))
        if not _is_plain(value):
            help = "give such differences names: `arm: {first: {…}, second: {…}}`"
            yield HallucError("C120", f"a value of `matrix.{cut(name)}` cannot be {shown(value)}", place, help)
            continue
        text = _name(value)
        same = f"{text!r}" if isinstance(text, (bool, str)) else text  # in Python `True` equals 1, like 1.0
        if same in first:
            help = f"values {first[same] + 1} and {index + 1} of the list are the same"
            yield HallucError("C122", f"`matrix.{cut(name)}` has the value {shown(value)} twice", place, help)
        first.setdefault(same, index)


def _arm_mistakes(matrix: Located, name: str, arms: dict[str, Any]) -> Iterator[HallucError]:
    for arm, part in arms.items():
        if not isinstance(part, dict):
            message = (
                f"the arm `matrix.{cut(dotted((name, arm)))}` must be a mapping of keys to values, not {shown(part)}"
            )
            help = f"write an arm that changes nothing as `{cut(arm)}: {{}}`"
            yield HallucError("C120", message, matrix.keys.get((name, arm)), help)
            continue
        for key in _OF_THE_STUDY:
            if key in part:
                yield _forbidden_axis_error(key, matrix.keys.get((name, arm, key)))


def _is_plain(value: Any) -> bool:
    items = value if isinstance(value, list) else [value]
    return not any(isinstance(item, (dict, list)) for item in items)


def _values(matrix: Located, name: str) -> Iterator[Option]:
    path, place = name.split("."), matrix.keys[(name,)]
    plain = ((index, value) for index, value in enumerate(matrix.value[name]) if _is_plain(value))
    return (Option(_name(value), key_at(path, matrix.below((name, index)), place)) for index, value in plain)


def _arms(matrix: Located, name: str) -> Iterator[Option]:
    arms = (arm for arm, part in matrix.value[name].items() if isinstance(part, dict))
    return (Option(arm, matrix.below((name, arm))) for arm in arms)


def _name(value: Any) -> Plain:
    """The plain value for a table; for a list, such as of labels, its items."""
    return "+".join(map(str, value)) if isinstance(value, list) else value


def key_at(path: Sequence[str], value: Located, place: Location) -> Located:
    """A config with only ``value``, at ``path``; the keys of ``path`` have the location ``place``."""
    tree = value.value
    for part in reversed(path):
        tree = {part: tree}
    whole: Path = tuple(path)
    above: dict[Path, Location] = {whole[:length]: place for length in range(1, len(whole) + 1)}
    keys = {(*whole, *p): where for p, where in value.keys.items()}
    values = {(*whole, *p): where for p, where in value.values.items()}
    return Located(tree, {**above, **keys}, {**above, **values})


def _contradictions(axes: Iterable[Axis]) -> Iterator[HallucError]:
    """Keys that two axes set: the last one would win, and the name of the other would be wrong."""
    claimed: dict[Path, tuple[Path, str]] = {}  # a key that is set, or a parent of it -> the key and its axis
    leaves: set[Path] = set()
    for axis in axes:
        mine: dict[Path, Location | None] = {}
        for option in axis.options:
            for path in _leaf_paths(option.part.value):
                mine.setdefault(path, option.part.keys.get(path))
        for path, place in mine.items():
            above = next((part for part in _prefixes(path) if part in leaves), path)
            if above in claimed:
                other, owner = claimed[above]
                both = cut(dotted(max(path, other, key=len)))
                message = f"`matrix.{cut(axis.name)}` and `matrix.{cut(owner)}` both set `{both}`"
                yield HallucError("C124", message, place, "a key can only be set by one axis")
        leaves.update(mine)
        for path in mine:
            for part in _prefixes(path):
                claimed.setdefault(part, (path, axis.name))


def _prefixes(path: Path) -> Iterator[Path]:
    """All parents of ``path``, outermost first, and itself."""
    return (path[:length] for length in range(1, len(path) + 1))


def _leaf_paths(node: Any, path: Path = ()) -> Iterator[Path]:
    """The paths of the leaves of a config."""
    if not isinstance(node, dict):
        yield path
        return
    for key, value in node.items():
        yield from _leaf_paths(value, (*path, key))


def _too_many(axes: Sequence[Axis]) -> Iterator[HallucError]:
    cells = math.prod(len(axis.options) for axis in axes)
    if cells > MOST_CELLS:
        largest = max(axes, key=lambda axis: len(axis.options))
        message = f"the matrix has {cells:,} cells, more than {MOST_CELLS:,}"
        yield HallucError("C125", message, largest.where, "remove values, or split it into several studies")
