"""``halluc config``: the resolved config with the origin of each value, and the schema for editors."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from halluc.commands.terminal import put_json, say
from halluc.components import TABLE
from halluc.config import loading, schema
from halluc.config.rendering import annotated, leaves, origin
from halluc.config.yaml import dotted
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
