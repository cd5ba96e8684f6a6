"""Configs by a seed: small sound ones, with nonsense at places of the real schema.

Each is the text of a config file. Those that ``check`` accepts can be trained for one step in seconds: the encoder is
tiny, the corpora are the demo ones. Pass ``--set train.steps=1`` to train them. Some name endless devices: run them
under a limit of memory and time.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from halluc.components import TABLE
from halluc.config.json_schema import json_schema
from halluc.core import registry

Path = tuple[str | int, ...]
Node = dict[str, Any]

_BASES: tuple[dict[str, Any], ...] = (
    {
        "name": "generated",
        "task": {"type": "token_classification"},
        "data": {"format": "conll", "train": "demo:ner", "dev": "demo:ner", "test": "demo:ner"},
        "model": {"scratch": {"layers": 1, "width": 32, "heads": 2, "vocabulary": 200}},
        "train": {"steps": 1, "batch_tokens": 64},
    },
    {
        "name": "generated",
        "task": {"type": "text_classification"},
        "data": {"format": "texts", "train": "demo:intents", "dev": "demo:intents"},
        "model": {"scratch": {"layers": 1, "width": 32, "heads": 2, "vocabulary": 200}},
        "train": {"steps": 1, "batch_tokens": 64},
    },
)
# A sound value here takes minutes of compilation, or memory by the gigabyte: not what these configs are for.
_COSTLY: frozenset[Path] = frozenset(
    {("train", "compile"), ("model", "scratch", "layers"), ("model", "scratch", "width"), ("train", "accumulation")}
)

_NASTY: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 3, 0.5, -0.0, 1e308, 5e-324, 2**31, 2**32, 2**63, 2**64, -(2**63), 10**30, -(10**30),
    10**400, float("inf"), float("-inf"), float("nan"), "", " ", "x", "3", "null", "true", "\0", "a\0b", "\ud800",
    "\u202e", "\u2028", "\x1b[31m", "é" * 300, "x" * 70_000, "../" * 200, "/dev/zero", "/dev/null/x", "/proc/self/mem",
    "/proc/kmsg", ".", "/", "~", "~nobody/x", "${HOME", "${NOT_SET_ANYWHERE}", "$", "${A:-}", "hub:", "package:",
    "package:no_such_package/x", "package:os/../..", "demo:", "demo:none", "demo:ner", "demo:intents", "latest",
    "runs/latest/model",
    "1e9x", "1.5x", "999999x", "=", "#", "a:b", "{}", "[]", [], {}, [[]], [None], [1, "a"], [{}], {"": None},
    {"a": 1}, {"type": "none"}, {"type": None}, {"type": []}, [1] * 3000, ["x"] * 3000, {str(n): n for n in range(300)},
)  # fmt: skip
_DOCUMENTS = (
    "", "\n", "---\n", "...", "- a", "word", "3", "null", "[", "{", "a: b: c", "\t", "%YAML 9", "&a [*a]", "&a {a: *a}",
    "? [a]\n: b", "!!python/object:os.system x", "name: !!binary aGk=", "<<: {}", "a: 1\na: 2", "\x00", "\ufeff",
    "'" * 1001, "[" * 5_000, "{a: " * 5_000, "- " * 5_000, "k" * 70_000, f"{'k' * 70_000}: 1", "a: |\n  x\n y", "*a",
)  # fmt: skip


def generated_configs(seed: int, count: int) -> Iterator[str]:
    """``count`` config files as text, the same ones for the same seed; about one in three is sound."""
    draw = random.Random(seed)
    for _ in range(count):
        tree = copy.deepcopy(draw.choice(_BASES))
        for _ in range(draw.choice((1, 1, 1, 2, 3))):
            draw.choice(_CHANGES)(draw, tree)
        text = _yaml(tree)
        if draw.random() < 0.1:
            text = _damaged(draw, text)
        yield text


def _set_nasty(draw: random.Random, tree: Node) -> None:
    path, _ = _place(draw, tree)
    _put(tree, path, copy.deepcopy(draw.choice(_NASTY)))


def _set_fitting(draw: random.Random, tree: Node) -> None:
    path, node = _place(draw, tree)
    if path not in _COSTLY:
        _put(tree, path, _fitting(draw, node))


def _add_unknown(draw: random.Random, tree: Node) -> None:
    path, _ = _place(draw, tree)
    key = draw.choice(("lr", "batch_size", "x", "", "type", "0", "a.b", "é", "\0", "k" * 70_000))
    _put(tree, (*path[:-1], key), draw.choice(_NASTY))


def _remove(draw: random.Random, tree: Node) -> None:
    section = draw.choice([tree, *(value for value in tree.values() if isinstance(value, dict))])
    if section:
        section.pop(draw.choice(list(section)))


def _nest(draw: random.Random, tree: Node) -> None:
    """A section inside another, or inside a list, or its text in its place."""
    key = draw.choice(list(tree) or ["name"])
    value = copy.deepcopy(tree.get(key))
    tree[key] = draw.choice(([value], {key: value}, {"x": value}, str(value), [value, value]))


def _add_matrix(draw: random.Random, tree: Node) -> None:
    """Axes with fitting values, now and then with nonsense or with arms."""
    axes: Node = {}
    for _ in range(draw.choice((1, 1, 2, 3))):
        path, node = _place(draw, tree)
        values = [draw.choice(_NASTY) if draw.random() < 0.2 else _fitting(draw, node) for _ in range(2)]
        if path not in _COSTLY:
            axes[".".join(map(str, path))] = values
    if draw.random() < 0.3:
        axes["arm"] = draw.choice(({"a": {}, "b": {"seed": 2}}, {"a": None}, {"a": {"b": {}}}, {}, None))
    tree["matrix"] = axes if draw.random() < 0.9 else draw.choice(_NASTY)


def _extend(draw: random.Random, tree: Node) -> None:
    tree["extends"] = draw.choice(
        ("/dev/zero", "/dev/null", "/proc/self/environ", "/proc/cpuinfo", ".", "/", "", "\0", "a\0.yaml", "x" * 5_000,
         "none.yaml", None, 3, [], {}, ["/dev/zero"] * 50, [[]], True)
    )  # fmt: skip


# Sound changes more often than nonsense, of which one is enough to have a config refused.
_CHANGES: tuple[Callable[[random.Random, Node], None], ...] = (
    *[_set_fitting] * 10, *[_set_nasty] * 3, _add_unknown, _remove, _nest, _add_matrix, _extend,
)  # fmt: skip


def _place(draw: random.Random, tree: Node) -> tuple[Path, Node]:
    """A key of the schema; of ``task`` and ``data`` mostly one of the component that the config names."""
    path, node, component = draw.choice(_places())
    while component is not None and component not in str(tree.get("task")) and draw.random() < 0.9:
        path, node, component = draw.choice(_places())
    return path, node


_TASKS = {registry.load(TABLE, "reader", task).Config.__name__: task for task in TABLE["reader"]}


@cache
def _places() -> tuple[tuple[Path, Node, str | None], ...]:
    """Every key of the schema: its path, what may stand there, and the task whose key it is."""
    found: list[tuple[Path, Node, str | None]] = []

    def walk(node: Node, path: Path, component: str | None) -> None:
        for one in _branches(node, _schema()):
            keys = one.get("properties", {})
            if path in (("task",), ("data",)):
                component = keys["type"]["const"] if path == ("task",) else _TASKS[one["title"]]
            for key, inner in keys.items():
                found.append(((*path, key), inner, component))
                walk(inner, (*path, key), component)

    walk(_schema(), (), None)
    return tuple(found)


@cache
def _schema() -> Node:
    return json_schema(TABLE)


def _branches(node: Node, whole: Node) -> Iterator[Node]:
    """A node with references and alternatives resolved."""
    if "$ref" in node:
        yield from _branches(whole["$defs"][node["$ref"].rsplit("/", 1)[-1]], whole)
        return
    inner = [one for key in ("anyOf", "oneOf", "allOf") for one in node.get(key, ())]
    if not inner:
        yield node
    for one in inner:
        yield from _branches(one, whole)


def _fitting(draw: random.Random, node: Node, depth: int = 4) -> Any:
    """A value that the schema allows, often the least, the greatest or the default."""
    if "default" in node and draw.random() < 0.3:
        return copy.deepcopy(node["default"])
    one = draw.choice(list(_branches(node, _schema())))
    if "const" in one or "enum" in one:
        return draw.choice(one.get("enum", [one.get("const")]))
    kind = one.get("type")
    if kind in ("integer", "number"):
        return _number(draw, one)
    if kind == "string":
        return draw.choice(("text", "label", "0", "PER", "demo:ner", "demo:intents", "2.0x", "auto", "f1"))
    if kind == "boolean":
        return draw.random() < 0.5
    if kind == "array" and depth:
        return [
            _fitting(draw, one.get("items", {}), depth - 1)
            for _ in range(max(one.get("minItems", 0), draw.choice((0, 1, 2))))
        ]
    if kind == "object" and depth:
        keys = one.get("properties", {})
        taken = [key for key in keys if key == "type" or key in one.get("required", ()) or draw.random() < 0.25]
        return {key: _fitting(draw, keys[key], depth - 1) for key in taken}
    return None


def _number(draw: random.Random, node: Node) -> int | float:
    least = node.get("minimum", node.get("exclusiveMinimum", 0))
    most = node.get("maximum", node.get("exclusiveMaximum", least + 10))
    found = draw.choice((least, most, least + 1, (least + most) / 2, least + (most - least) * draw.random() ** 8))
    return round(found) if node["type"] == "integer" else float(found)


def _put(tree: Node, path: Path, value: Any) -> None:
    for part in path[:-1]:
        inner = tree.get(part)
        if not isinstance(inner, dict):
            inner = tree[part] = {}
        tree = inner
    tree[path[-1]] = value


def _yaml(value: Any) -> str:
    """As JSON, which is YAML, with YAML's names for what JSON does not have."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(str(key))}: {_yaml(inner)}" for key, inner in value.items()) + "}\n"
    if isinstance(value, list):
        return "[" + ", ".join(map(_yaml, value)) + "]"
    if isinstance(value, float):
        return {"inf": ".inf", "-inf": "-.inf", "nan": ".nan"}.get(str(value), repr(value))
    return json.dumps(value)


def _damaged(draw: random.Random, text: str) -> str:
    if draw.random() < 0.4:
        return draw.choice(_DOCUMENTS)
    at = draw.randrange(len(text) + 1)
    return draw.choice(
        (text[:at], text[:at] + draw.choice("{}[]:,\"'&*!|>%@`\0\t\n#-?") + text[at:], text + text,
         text.replace(" ", "\t", 1),
         text.replace('"train"', "&t train", 1), text[:at] + text[at + 1 :])
    )  # fmt: skip
