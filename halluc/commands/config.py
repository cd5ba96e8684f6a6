"""``halluc config``: the resolved config with the origin of each value, and the schema for editors."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from halluc.commands.terminal import put_json, say
from halluc.components import TABLE
from halluc.config.json_schema import json_schema
from halluc.config.matrix import Study, load_study
from halluc.config.rendering import annotated, annotated_study, leaves, origin
from halluc.config.yaml import dotted
from halluc.core.files import TO_OUTPUT, elsewhere, write_text


def show(path: Path, overrides: Sequence[str], *, as_json: bool) -> None:
    study = load_study(path, overrides, table=TABLE)
    if study.axes:
        _show_study(study, as_json)
        return
    loaded = study.cells[0].loaded
    if as_json:
        origins = {dotted(key): origin(loaded.origins, key) for key, _ in leaves(loaded.tree)}
        put_json({"config": loaded.tree, "origins": origins, "sha256": loaded.sha256})
    else:
        sys.stdout.write(annotated(loaded))


def _show_study(study: Study, as_json: bool) -> None:
    if not as_json:
        sys.stdout.write(annotated_study(study))
        say(f"{len(study.cells)} cells, from {study.cells[0].slug} to {study.cells[-1].slug}")
        return
    cells = [
        {"slug": cell.slug, "choice": cell.choice, "config": cell.loaded.tree, "sha256": cell.loaded.sha256}
        for cell in study.cells
    ]
    put_json({"name": study.name, "axes": study.axes, "cells": cells})


@elsewhere(TO_OUTPUT)
def write_schema(output: Path) -> None:
    text = json.dumps(json_schema(TABLE), indent=2, ensure_ascii=False) + "\n"
    if str(output) == "-":
        sys.stdout.write(text)
        return
    write_text(output, text)
    say(f"schema written to {output}")
