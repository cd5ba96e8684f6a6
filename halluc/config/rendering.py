"""A resolved config as YAML that loads to the same config, each value with its origin in a comment."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from halluc.config.hashing import model_sections
from halluc.config.loading import LoadedConfig
from halluc.config.matrix import Study
from halluc.config.yaml import Path as KeyPath
from halluc.config.yaml import dotted, scalar
from halluc.core.characters import printable, printable_line
from halluc.core.errors import Location

Origins = dict[KeyPath, Location]


def annotated(loaded: LoadedConfig) -> str:
    return _text(loaded.tree, loaded.origins)


def annotated_study(study: Study) -> str:
    """The config with its matrix, as YAML that loads to the same cells."""
    return _text(study_tree(study), {**study.cells[0].loaded.origins, **study.located.values})


def study_tree(study: Study) -> dict[str, Any]:
    """One tree for all cells: the values that they share, including defaults, then the other values of the config, and
    the matrix."""
    tree: dict[str, Any] = {}
    first, *others = (dict(leaves(cell.loaded.tree)) for cell in study.cells)
    for path, value in first.items():
        if all(path in other and other[path] == value for other in others):
            _set_leaf(tree, path, value)
    for path, value in leaves(study.located.value):
        if path[0] != "matrix":
            _set_leaf(tree, path, value)
    return {**tree, "keep_models": study.keep_models, "matrix": study.located.value["matrix"]} if study.axes else tree


def _set_leaf(tree: dict[str, Any], path: KeyPath, value: Any) -> None:
    """Set a leaf if nothing is set yet at this place, above or below it."""
    for part in path[:-1]:
        tree = tree.setdefault(str(part), {})
        if not isinstance(tree, dict):
            return
    tree.setdefault(str(path[-1]), value)


def _text(tree: dict[str, Any], origins: Origins) -> str:
    lines = list(_lines(origins, tree, ()))
    width = min(60, max(len(text) for text, _ in lines))
    return "".join(
        f"{text:<{width}}  # {message}".rstrip() + "\n" if message else text + "\n" for text, message in lines
    )


def block(tree: dict[str, Any]) -> str:
    """A config as YAML without comments, one value per line."""
    return "".join(f"{text}\n" for text, _ in _lines({}, tree, ()))


def _lines(origins: Origins, node: dict[str, Any], path: KeyPath) -> Iterator[tuple[str, str]]:
    for key, value in node.items():
        here, indent = (*path, key), "  " * len(path)
        if isinstance(value, dict) and value:
            yield f"{indent}{_key(key)}:", ""
            yield from _lines(origins, value, here)
        else:
            yield f"{indent}{_key(key)}: {plain(value)}", origin(origins, here)


def plain(value: Any) -> str:
    """A value as YAML 1.2 on one line: text without quotes if it is read back as the same text."""
    if isinstance(value, str):
        simple = value.replace("_", "").replace("-", "").replace("/", "").replace(".", "").isalnum()
        return value if simple and value[0] not in "-." and scalar(value) == value else _quote(value)
    return _quote(value)


def _quote(value: Any) -> str:
    # `$$` is a literal dollar sign in a config: the output must load unchanged.
    return _escape(value).replace("$", "$$")


def _escape(value: Any) -> str:
    """JSON on one line, in which all characters that a reader may treat as line ends are escaped."""
    # YAML accepts the escapes of JSON, and \\U with eight digits.
    return printable(json.dumps(value, ensure_ascii=False))


def _key(key: str) -> str:
    simple = key.replace("_", "").replace("-", "").isalnum() and key[0] != "-" and scalar(key) == key
    return key if simple else _escape(key)


def leaves(node: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    """(path, value) of everything that is not a mapping."""
    if isinstance(node, dict) and (node or not path):
        for key, value in node.items():
            yield from leaves(value, (*path, key))
    else:
        yield path, node


def origin(origins: Origins, path: KeyPath) -> str:
    """The origin of a value: file and line, the override, or the default."""
    where = origins.get(path)
    if where is None:
        return "default"
    return printable_line(f"--set {where.text}" if where.line is None else f"{where.file}:{where.line}")


def differences(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """The keys in which two configs differ, in the sections that affect the model."""
    first, second = (dict(leaves(model_sections(tree))) for tree in (one, other))
    if first.get(("task", "type")) != second.get(("task", "type")):
        return ["`task.type`"]  # nearly all other keys follow from it
    return [f"`{dotted(path)}`" for path in first | second if first.get(path) != second.get(path)]
