"""Shell completion of runs, configs, components and config keys. It must be fast, so nothing imports torch."""

from __future__ import annotations

import typing
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from halluc.components import TABLE

_SPLITS = ("train", "dev", "test")
_CONFIGS = (".yaml", ".yml")
# The maximum number of completions.
_MOST = 1_000
_DEEPEST = 4


def _starting(words: Iterable[str], incomplete: str) -> list[str]:
    return [word for word in words if word.startswith(incomplete)]


def configs(incomplete: str) -> list[str]:
    """Config files, and folders on the way to one."""
    return list(_paths(incomplete, files=True))


def targets(incomplete: str) -> list[str]:
    """Config files, runs and studies; for empty input, first the newest run of each name."""
    return [*_newest_runs(incomplete), *_paths(incomplete, files=True)]


def runs(incomplete: str) -> list[str]:
    """Runs, and folders on the way to one."""
    return [*_newest_runs(incomplete), *_paths(incomplete, files=False)]


def _newest_runs(incomplete: str) -> list[str]:
    if incomplete:
        return []
    try:
        return sorted(str(path) for path in Path("runs").glob("*/latest"))[:_MOST]
    except OSError:
        return []


def _paths(incomplete: str, *, files: bool) -> Iterator[str]:
    """Paths that extend the typed path by one part; a folder ends in a slash unless it is a run."""
    folder, slash, name = incomplete.rpartition("/")
    try:
        result = sorted(Path(folder + slash or ".").expanduser().iterdir())[:_MOST]
        for path in result:
            if not path.name.startswith(name) or (path.name.startswith(".") and not name):
                continue
            if path.is_dir():
                is_run = (path / "run.json").is_file()
                yield f"{folder}{slash}{path.name}" + ("" if is_run else "/")
            elif files and path.suffix in _CONFIGS:
                yield f"{folder}{slash}{path.name}"
    except (OSError, ValueError, RuntimeError):  # no such folder, a NUL, no such home folder
        return


def splits(incomplete: str) -> list[str]:
    return _starting(_SPLITS, incomplete)


def tasks(incomplete: str) -> list[str]:
    return _starting(TABLE["task"], incomplete)


def kinds(incomplete: str) -> list[str]:
    return _starting((f"{kind}s" for kind in TABLE), incomplete)


def formats(incomplete: str) -> list[str]:
    """The next of several comma-separated formats."""
    from halluc.reporting.writing import FORMATS

    before, comma, last = incomplete.rpartition(",")
    return [f"{before}{comma}{one}" for one in FORMATS if one.startswith(last) and one not in before.split(",")]


def overrides(incomplete: str) -> list[str]:
    """Keys for ``--set``, of one section at a time."""
    from halluc.config.schema import Experiment

    if "=" in incomplete:
        return []
    section, dot, _ = incomplete.rpartition(".")
    types: list[Any] = [Experiment]
    for part in section.split(".") if dot else ():
        types = [inner for one in types for inner in _sections_at(one, part)]
    prefix = section + dot
    results = {f"{prefix}{key}" + ("." if _sections_at(one, key, load=False) else "=") for one in types
             for key in one.model_fields}  # fmt: skip
    return sorted(_starting(results, incomplete))


def _sections_at(section: Any, key: str, *, load: bool = True) -> list[Any]:
    """The sections that a key may contain; those of components are imported only to ``load`` their keys."""
    from halluc.config.augmentation import augment_type
    from halluc.config.schema import COMPONENT_SECTIONS, Experiment, component_configs

    if section is Experiment and key in COMPONENT_SECTIONS:
        return list(component_configs(TABLE, COMPONENT_SECTIONS[key]).values()) if load else [Experiment]
    if section is Experiment and key == "augment":
        return _sections_of(augment_type(TABLE)) if load else [Experiment]
    field = section.model_fields.get(key)
    return [] if field is None else _sections_of(field.annotation)


def _sections_of(annotation: Any, depth: int = _DEEPEST) -> list[Any]:
    from halluc.config.section import Section

    if isinstance(annotation, type):
        return [annotation] if issubclass(annotation, Section) else []
    if typing.get_origin(annotation) in (list, dict, tuple) or depth == 0:
        return []  # these keys are set as a whole
    return [one for inner in typing.get_args(annotation) for one in _sections_of(inner, depth - 1)]
