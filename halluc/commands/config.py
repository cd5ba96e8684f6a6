"""``halluc config``: the resolved config with the origin of each value, and the schema for editors."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from halluc.commands.terminal import put_json, say
from halluc.components import TABLE
from halluc.config import loading, schema
from halluc.config.yaml import Path as KeyPath
from halluc.config.yaml import dotted, scalar
from halluc.core.files import write_text


def show(path: Path, overrides: Sequence[str], *, as_json: bool) -> None:
    loaded = loading.load(path, overrides, table=TABLE)
    if as_json:
        origins = {dotted(key): origin(loaded, key) for key, _ in leaves(loaded.tree)}
        put_json({"config": loaded.tree, "origins": origins, "sha256": loaded.sha256})
    else:
        sys.stdout.write(annotated(loaded))


def write_schema(output: Path) -> None:
    text = json.dumps(schema.json_schema(TABLE), indent=2, ensure_ascii=False) + "\n"
    if str(output) == "-":
        sys.stdout.write(text)
        return
    write_text(output, text)
    say(f"schema written to {output}")


def annotated(loaded: loading.LoadedConfig) -> str:
    """The config as YAML that loads to the same config, each value with its origin in a comment."""
    lines = list(_lines(loaded, loaded.tree, ()))
    width = min(60, max(len(text) for text, _ in lines))
    return "".join(f"{text:<{width}}  # {told}".rstrip() + "\n" if told else text + "\n" for text, told in lines)


def _lines(loaded: loading.LoadedConfig, node: dict[str, Any], path: KeyPath) -> Any:
    for key, value in node.items():
        here, indent = (*path, key), "  " * len(path)
        if isinstance(value, dict) and value:
            yield f"{indent}{plain(key)}:", ""
            yield from _lines(loaded, value, here)
        else:
            yield f"{indent}{plain(key)}: {plain(value)}", origin(loaded, here)


def plain(value: Any) -> str:
    """A value as YAML 1.2 on one line: text without quotes where it reads back as the same text."""
    if isinstance(value, str):
        simple = value.replace("_", "").replace("-", "").replace("/", "").replace(".", "").isalnum()
        return value if simple and value[0] not in "-." and scalar(value) == value else _quoted(value)
    return json.dumps(value, ensure_ascii=False).replace("$", "$$")


def _quoted(value: str) -> str:
    # `$$` is how a config writes one dollar sign: what is printed must load as it is.
    return json.dumps(value, ensure_ascii=False).replace("$", "$$").replace("\x7f", "\\u007f")


def leaves(node: Any, path: KeyPath = ()) -> Any:
    """(path, value) of everything that is no mapping."""
    if isinstance(node, dict) and (node or not path):
        for key, value in node.items():
            yield from leaves(value, (*path, key))
    else:
        yield path, node


def origin(loaded: loading.LoadedConfig, path: KeyPath) -> str:
    """Where a value came from: file and line, the override, or the default."""
    where = loaded.origins.get(path)
    if where is None:
        return "default"
    return f"--set {where.text}" if where.line is None else f"{where.file}:{where.line}"
