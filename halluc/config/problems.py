"""Messages about validation errors: which key, where, what it accepts, what was probably meant."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from halluc.config import schema
from halluc.config.section import Section
from halluc.config.yaml import Located, Path, dotted, scalar
from halluc.core import registry
from halluc.core.errors import HallucError, Location, cut, did_you_mean, suggestion

# Pydantic's types of mismatches, in words.
_WANTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "string_type": "text",
    "bool_type": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping of keys to values",
    "model_attributes_type": "a mapping of keys to values",
    "none_required": "null",
}
_BOUNDS = {
    "greater_than_equal": ("ge", "at least"),
    "greater_than": ("gt", "more than"),
    "less_than_equal": ("le", "at most"),
    "less_than": ("lt", "less than"),
}


def component(located: Located, table: registry.Table, section: str, kind: str) -> type[Section] | HallucError | None:
    """The config class of a section, selected by `task.type`, or the error; None if the section is absent."""
    if section not in located.value:
        return None
    tree, task = located.value[section], located.value.get("task")
    if not isinstance(tree, dict):
        where = located.values.get((section,))
        message = f"`{section}` must be a mapping of keys to values, not {shown(tree)}"
        example = f"type: {next(iter(table['task']))}" if section == "task" else "train: FILE"
        return HallucError("C104", message, where, f"for example `{section}: {{{example}}}`")
    name = task.get("type") if isinstance(task, dict) else None
    if isinstance(name, str) and name in table["task"]:
        config: type[Section] = registry.load(table, kind, name).Config
        return config
    if section != "task":
        return None  # the mistake is reported for the section `task`
    names = ", ".join(f"`{one}`" for one in sorted(table["task"]))
    if name is None:
        where = located.keys.get((section,))
        return HallucError("C102", "missing key `task.type`", where, f"set it to one of {names}")
    help = suggestion(shown(name).strip('"'), table["task"], f"known: {names}")
    return HallucError("C103", f"`task.type` cannot be {shown(name)}", located.values.get(("task", "type")), help)


def decisive(errors: Sequence[Any], located: Located) -> list[Any]:
    """Pydantic's errors without type mismatches of values that have another error.

    A value of a union has an error for each type of the union; the mismatches are of types that were not meant.
    """
    paths = [_path_in_tree(error["loc"], located.value) for error in errors]
    is_mismatch = [error["type"] in _WANTED for error in errors]
    others = {path for path, mismatch in zip(paths, is_mismatch, strict=True) if not mismatch}
    return [
        error
        for error, path, mismatch in zip(errors, paths, is_mismatch, strict=True)
        if not mismatch or path not in others
    ]


def explain(problem: Any, located: Located, experiment: type[schema.Experiment]) -> HallucError:
    """One error of pydantic's list as a ``HallucError`` with its location."""
    path = _path_in_tree(problem["loc"], located.value)
    key, kind, context = cut(dotted(path)), problem["type"], problem.get("ctx", {})
    if kind == "extra_forbidden":
        return HallucError("C101", f"unknown key `{key}`", _nearest(located, path), _suggest(path, located, experiment))
    if kind == "missing":
        return HallucError(
            "C102", f"missing key `{key}`", _nearest(located, path[:-1]), _key_description(path, located, experiment)
        )
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        return _unknown_component_error((*path, "type"), kind, context, located)
    # The path of an error from a component's own validator may end with the component's name, which is not a key.
    where = located.values.get(path) or located.values.get(path[:-1]) or _nearest(located, path)
    given = shown(problem["input"])
    if kind == "literal_error":
        options = re.findall(r"'([^']*)'", context["expected"])
        choice = suggestion(given.strip('"'), options, f"one of {', '.join(options)}")
        return HallucError("C103", f"`{key}` cannot be {given}", where, choice)
    if kind in _BOUNDS:
        name, words = _BOUNDS[kind]
        bound = context[name]
        text = f"{bound:,}" if isinstance(bound, int) else bound
        return HallucError("C105", f"`{key}` must be {words} {text}, not {given}", where)
    if kind in _WANTED:
        help = _quoted_number(problem["input"], kind) or _axis(path, problem["input"], kind)
        return HallucError("C104", f"`{key}` must be {_WANTED[kind]}, not {given}", where, help)
    if kind == "value_error":  # raised by one of our validators, with our message
        text = str(context["error"])
        return HallucError("C106", text if "`" in text else f"`{key}`: {text}", where)
    if kind in ("string_too_long", "too_long"):
        length, things = len(problem["input"]), "characters" if kind == "string_too_long" else "items"
        return HallucError("C105", f"`{key}` has {length:,} {things}, more than {context['max_length']:,}", where)
    if kind in ("string_too_short", "too_short"):
        return HallucError("C105", f"`{key}` must not be empty", where)
    if kind == "string_pattern_mismatch":
        return HallucError("C105", f"`{key}` cannot be {given}", where, _key_description(path, located, experiment))
    return HallucError("C105", f"`{key}`: {problem['msg'].lower()}, not {given}", where)


def _unknown_component_error(path: Path, kind: str, context: Mapping[str, Any], located: Located) -> HallucError:
    """An item of a list of components, such as ``augment.methods``, with an unknown or missing ``type``."""
    key = cut(dotted(path))
    if kind == "union_tag_not_found":
        where = located.values.get(path[:-1]) or _nearest(located, path)
        return HallucError("C102", f"missing key `{key}`", where, "see `halluc list` for the possible names")
    known = re.findall(r"'([^']*)'", context["expected_tags"])
    help = suggestion(cut(context["tag"]), known, f"one of {', '.join(known)}")
    # A filter may be given by name alone: then the item itself is its type.
    where = located.values.get(path) or located.values.get(path[:-1]) or _nearest(located, path)
    return HallucError("C103", f"`{key}` cannot be {shown(context['tag'])}", where, help)


def shown(value: Any) -> str:
    """A value as quoted in a message."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        return "a list"
    if isinstance(value, str):
        return f'"{cut(value, 60)}"'
    return cut(str(value))


def _quoted_number(value: Any, kind: str) -> str | None:
    is_number = isinstance(value, str) and not isinstance(scalar(value.strip()), str)
    has_quotes = is_number and kind.startswith(("int", "float", "bool"))
    return "remove the quotes (values from ${…} are always text)" if has_quotes else None


def _axis(path: Path, value: Any, kind: str) -> str | None:
    """Advice for a list of several values of a key that has one value."""
    has_one = kind.startswith(("int", "float", "finite", "string", "bool")) and all(
        isinstance(part, str) for part in path
    )
    if not has_one or not isinstance(value, list) or len(value) < 2:
        return None
    return f"for one experiment with each value: `matrix: {{{dotted(path)}: {cut(json.dumps(value), 60)}}}`"


def _path_in_tree(loc: tuple[Any, ...], tree: Any) -> Path:
    """Pydantic's ``loc`` without the names of union branches, which are not part of the document."""
    path: list[str | int] = []
    node = tree
    for position, part in enumerate(loc):
        if isinstance(node, dict):
            if part not in node and (position < len(loc) - 1 or "[" in str(part)):  # a branch such as `list[any]`
                continue
            node = node.get(part)
        elif isinstance(node, list) and isinstance(part, int) and part < len(node):
            node = node[part]
        else:
            continue
        path.append(part)
    return tuple(path)


def _nearest(located: Located, path: Path) -> Location | None:
    """The key of the innermost mapping on the path that has a location; the file for the top level."""
    above = (located.keys.get(path[:length]) for length in range(len(path), 0, -1))
    top = located.values.get(())
    return next(filter(None, above), Location(top.file) if top else None)


# Names of the same keys in other trainers.
_ELSEWHERE = {
    "batch_size": "batch_tokens",
    "batchsize": "batch_tokens",
    "per_device_train_batch_size": "batch_tokens",
    "lr": "learning_rate",
    "num_train_epochs": "epochs",
    "num_epochs": "epochs",
    "warmup_ratio": "warmup",
    "warmup_steps": "warmup",
    "lr_scheduler_type": "schedule",
    "gradient_clip": "max_grad_norm",
    "metric_for_best_model": "best",
    "model_name_or_path": "name",
    "fp16": "precision",
    "bf16": "precision",
}


def _suggest(path: Path, located: Located, experiment: type[schema.Experiment]) -> str | None:
    """did-you-mean: first among the keys of the same section, then among all keys of all sections."""
    word = str(path[-1])
    word = _ELSEWHERE.get(word, word)
    siblings = list(
        dict.fromkeys(key for model in _section(path[:-1], located, experiment) for key in model.model_fields)
    )
    outer, *inner = word.split(".")
    if inner and outer in siblings:
        nested = ": {".join([outer, *inner]) + ": …" + "}" * len(inner)
        return f"write `{nested}`: only `--set` and axes of `matrix`, not its arms, have keys with dots"
    by_name = {str(p[-1]): p for p in reversed(list(known_paths(experiment)))}
    near = did_you_mean(word, siblings)
    if near and (near == word or word not in by_name):
        return f"did you mean `{near}`?"
    near = did_you_mean(word, by_name)
    if near:
        return f"did you mean `{dotted(by_name[near])}`?"
    return f"known here: {', '.join(siblings)}" if siblings else None


def _key_description(path: Path, located: Located, experiment: type[schema.Experiment]) -> str | None:
    fields = (model.model_fields.get(str(path[-1])) for model in _section(path[:-1], located, experiment))
    return next((field.description for field in fields if field is not None), None)


def _section(path: Path, located: Located, experiment: type[schema.Experiment]) -> list[type[BaseModel]]:
    """The keys allowed at ``path``; in a list of components those of the item's ``type``, if it has one."""
    models: list[type[BaseModel]] = [experiment]
    node = located.value
    for part in path:
        node = node[part]
        if isinstance(part, str):
            fields = [model.model_fields[part] for model in models if part in model.model_fields]
            models = [inner for field in fields for inner in _models(field.annotation)]
    named = node.get("type") if isinstance(node, dict) else None
    types = {model: get_args(model.model_fields["type"].annotation) for model in models if "type" in model.model_fields}
    return [model for model, names in types.items() if named in names] or models


def known_paths(model: type[BaseModel], above: Path = ()) -> Iterator[Path]:
    """The path of every key that a config of this type may have, outer keys first; without items of lists."""
    nested: list[tuple[type[BaseModel], Path]] = []
    for name, info in model.model_fields.items():
        here = (*above, name)
        yield here
        if get_origin(info.annotation) is not list:
            nested += [(inner, here) for inner in _models(info.annotation)]
    for inner, here in nested:
        yield from known_paths(inner, here)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) in (Union, UnionType, list):
        for one in get_args(annotation):
            yield from _models(one)
    elif get_origin(annotation) is Annotated:
        yield from _models(get_args(annotation)[0])
