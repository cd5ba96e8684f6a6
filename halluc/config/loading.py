"""From a config file to a checked ``Experiment``: extends, --set, environment, and all errors at once."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from halluc.config import problems, schema, yaml
from halluc.config.yaml import Located, Source
from halluc.core import registry
from halluc.core.errors import HallucError, Location, ManyErrors

_VARIABLE = re.compile(r"\$(?:(\$)|\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\})")


@dataclass(frozen=True)
class LoadedConfig:
    """A config and where each of its values came from.

    ``tree`` is the whole config as plain JSON values, defaults included; ``origins`` has an entry for every leaf that
    a file or ``--set`` gave.
    """

    experiment: schema.Experiment
    tree: dict[str, Any]
    origins: dict[yaml.Path, Location]
    files: tuple[Path, ...]
    overrides: tuple[str, ...] = field(default=())

    @property
    def sha256(self) -> str:
        """Hash of what decides the model."""
        return sha256_of_tree(self.model_sections)

    @property
    def model_sections(self) -> dict[str, Any]:
        """The sections that decide the model; the test split is none of it."""
        sections = {name: self.tree[name] for name in schema.MODEL_SECTIONS if self.tree.get(name) is not None}
        data = {key: value for key, value in self.tree["data"].items() if key != "test"}
        return {**sections, "data": data}


def sha256_of_tree(tree: Any) -> str:
    return hashlib.sha256(json.dumps(tree, sort_keys=True, ensure_ascii=False).encode("utf-8")).hexdigest()


def load(
    path: str | os.PathLike[str],
    overrides: Sequence[str] = (),
    *,
    table: registry.Table,
    environ: Mapping[str, str] | None = None,
) -> LoadedConfig:
    """Read, merge and check a config.

    Raises:
        HallucError or ManyErrors, code C…: every mistake found, with its place.
    """
    reader = _Files(os.environ if environ is None else environ)
    merged = reader.read(Path(path), None)
    if not isinstance(merged.value, dict):
        raise HallucError("C004", "a config is a mapping of keys to values", Location(str(path), 1), _EMPTY_HELP)
    errors = _apply_all(merged, overrides)
    # After merging: a variable in a value that a later file replaces need not be set.
    _interpolate(merged, reader.environ)
    merged.value.pop("extends", None)
    experiment, more = check(merged, table)
    errors += more
    if experiment is None or errors:
        raise errors[0] if len(errors) == 1 else ManyErrors(errors)
    tree = experiment.model_dump(mode="json")
    origins = {key: where for key, where in merged.values.items() if key}
    return LoadedConfig(experiment, tree, origins, tuple(reader.files), tuple(overrides))


_EMPTY_HELP = "see configs/ for examples; the least is `name`, `task`, `data` and `model`"


def check(located: Located, table: registry.Table) -> tuple[schema.Experiment | None, list[HallucError]]:
    """Validate a merged tree against the schema of the components that it names."""
    errors: list[HallucError] = []
    chosen: dict[str, type[schema.Section]] = {}
    undecided: set[str] = set()
    for section, (kind, selector) in schema.COMPONENT_SECTIONS.items():
        found = problems.component(located, table, section, kind, selector)
        if isinstance(found, HallucError):
            errors.append(found)
            undecided.add(section)
        elif found is not None:
            chosen[section] = found
    kind_of_config = schema.experiment_type(chosen)
    try:
        return kind_of_config.model_validate(located.value), errors
    except ValidationError as error:
        for one in error.errors(include_url=False):
            if one["loc"] and one["loc"][0] in undecided:
                continue  # told already
            errors.append(problems.explain(one, located, kind_of_config))
        return None, sorted(errors, key=_reading_order)


def _reading_order(error: HallucError) -> tuple[str, int, int]:
    where = error.where
    return (where.file, where.line or 0, where.column or 0) if where else ("", 0, 0)


class _Files:
    """Reads a file and, depth first, those it extends; remembers which."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self.files: list[Path] = []
        self.chain: list[Path] = []

    def read(self, path: Path, asked: Location | None) -> Located:
        resolved = path.resolve()
        if resolved in self.chain:
            circle = " -> ".join(p.name for p in [*self.chain[self.chain.index(resolved) :], resolved])
            raise HallucError("C006", f"`extends` goes round in a circle: {circle}", asked)
        located = yaml.read(Source(str(path), _text(path, asked)))
        if path not in self.files:
            self.files.append(path)
        if not isinstance(located.value, dict):
            return located
        parents = Located({"extends": located.value.get("extends")}, located.keys, located.values)
        _interpolate(parents, self.environ)
        self.chain.append(resolved)
        merged = Located({}, {}, {})
        for name, where in _parents(parents):
            parent = self.read(path.parent / name, where)
            if isinstance(parent.value, dict):
                merge(merged, parent)
        self.chain.pop()
        merge(merged, located)
        merged.value.pop("extends", None)
        return merged


def _text(path: Path, asked: Location | None) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        help = _other_configs(path)
        raise HallucError("C005", f"no such config file: {path}", asked, help) from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise HallucError(
            "C001", f"byte 0x{error.object[error.start]:02x} is not UTF-8", Location(str(path), line), "save as UTF-8"
        ) from None
    except OSError as error:
        raise HallucError("C005", f"cannot read {path}: {error.strerror}", asked) from None


def _other_configs(path: Path) -> str | None:
    from halluc.core.errors import did_you_mean

    folder = path.parent if path.parent.is_dir() else Path("configs")
    near = (
        did_you_mean(path.name, [file.name for file in folder.glob("*.y*ml")], cutoff=0.75) if folder.is_dir() else None
    )
    return f"did you mean `{folder / near}`?" if near else "the path is relative to the working directory"


def _parents(located: Located) -> Iterable[tuple[str, Location]]:
    value = located.value.get("extends")
    if value is None:
        return
    names = value if isinstance(value, list) else [value]
    for index, name in enumerate(names):
        where = located.values.get(("extends", index)) or located.values[("extends",)]
        if not isinstance(name, str) or not name:
            raise HallucError("C006", "`extends` takes a file name or a list of them", where)
        yield name, where


def merge(base: Located, over: Located) -> None:
    """Lay ``over`` on ``base`` in place: maps merge, everything else replaces."""
    _merge(base, over, base.value, over.value, ())
    base.values.setdefault((), over.values.get((), Location("--set")))


def _merge(base: Located, over: Located, into: dict[str, Any], new: dict[str, Any], path: yaml.Path) -> None:
    for key, value in new.items():
        here = (*path, key)
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(base, over, into[key], value, here)
        else:
            _forget(base, here)
            into[key] = value
            base.keys.update({p: where for p, where in over.keys.items() if p[: len(here)] == here})
            base.values.update({p: where for p, where in over.values.items() if p[: len(here)] == here})
        if here in over.keys:
            base.keys[here] = over.keys[here]
            base.values[here] = over.values[here]


def _apply_all(located: Located, overrides: Sequence[str]) -> list[HallucError]:
    errors: list[HallucError] = []
    for override in overrides:
        try:
            apply(located, override)
        except HallucError as error:
            errors.append(error)
    return errors


def apply(located: Located, override: str) -> None:
    """Apply ``a.b.0.c=value`` in place; the value is read as YAML.

    Raises:
        HallucError C007: no such place, or no ``key=value``.
    """
    key, equals, text = override.partition("=")
    parts = key.strip().split(".")
    if not equals or not all(parts):
        message = f"`--set {override}` is not of the form key.subkey=value"
        raise HallucError("C007", message, help="as in --set train.epochs=1")
    if parts[0] == "extends":
        help = "files are read before overrides: write a config that extends both"
        raise HallucError("C007", "`extends` cannot be set from the command line", help=help)
    value = _override_value(key, text, override)
    place = Location("--set", None, 1, len(key), override)
    container, here = _reach(located, parts, place)
    container[here[-1]] = value.value
    _forget(located, here)
    located.keys.update({(*here, *p): where for p, where in value.keys.items()})
    located.values.update({(*here, *p): where for p, where in value.values.items()})
    located.keys[here] = place
    located.values.setdefault(here, place)


def _reach(located: Located, parts: Sequence[str], place: Location) -> tuple[Any, yaml.Path]:
    """The mapping or list that holds the last part, made where it is absent, and the whole path."""
    node: Any = located.value
    path: yaml.Path = ()
    for part in parts[:-1]:
        step = _step(node, part, path, place)
        child = node.get(step) if isinstance(node, dict) else node[step]
        if not isinstance(child, (dict, list)):
            child = node[step] = {}
        node, path = child, (*path, step)
        located.keys.setdefault(path, place)
        located.values.setdefault(path, place)
    return node, (*path, _step(node, parts[-1], path, place))


def _step(node: Any, part: str, path: yaml.Path, place: Location) -> str | int:
    """``part`` as a key of a mapping or an index of a list."""
    if not isinstance(node, list):
        return part
    if not part.isdecimal() or int(part) >= len(node):
        message = f"`{yaml.dotted(path)}` is a list of {len(node)}: no item `{part}`"
        raise HallucError("C007", message, place)
    return int(part)


def _forget(located: Located, path: yaml.Path) -> None:
    """Drop the places of ``path`` and of all below it."""
    for places in (located.keys, located.values):
        for old in [p for p in places if p[: len(path)] == path]:
            del places[old]


def _override_value(key: str, text: str, override: str) -> Located:
    quoting = f"quote the value: --set '{key}=\"…\"'"
    try:
        value = yaml.read(Source("--set", text, shift=len(key) + 1, whole=override))
    except HallucError as error:
        if error.help is None and error.code == "C001":
            error.help = quoting
        raise
    if value.value is None and text.strip().lower() not in ("", "null", "~"):  # a comment, for YAML
        place = Location("--set", None, len(key) + 2, len(text), override)
        raise HallucError("C007", f"the value of `{key}` reads as nothing", place, quoting)
    return value


def _interpolate(located: Located, environ: Mapping[str, str]) -> None:
    """Fill ``${NAME}`` and ``${NAME:-default}`` into every string; ``$$`` stands for one dollar sign.

    Raises:
        HallucError C008: a variable without a default is not set.
    """

    def fill(text: str, path: yaml.Path) -> str:
        def one(match: re.Match[str]) -> str:
            if match[1]:
                return "$"
            name, default = match[2], match[3]
            found = environ.get(name) or default
            if found is None:
                help = f"export {name}=…, or write ${{{name}:-default}}"
                raise HallucError("C008", f"environment variable `{name}` is not set", located.values.get(path), help)
            return found

        return _VARIABLE.sub(one, text)

    def walk(node: Any, path: yaml.Path) -> Any:
        if isinstance(node, str):
            return fill(node, path)
        if isinstance(node, dict):
            return {key: walk(value, (*path, key)) for key, value in node.items()}
        if isinstance(node, list):
            return [walk(value, (*path, index)) for index, value in enumerate(node)]
        return node

    located.value = walk(located.value, ())
