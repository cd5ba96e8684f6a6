"""Every key of the schema has bounds, and what is beyond them is refused with its place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from halluc.components import TABLE
from halluc.config.json_schema import json_schema
from halluc.config.schema import component_configs


def unbounded(node: Any, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Where a schema lets a number, a text, a list or a mapping be of any size."""
    if isinstance(node, list):
        for part in node:
            yield from unbounded(part, path)
    if not isinstance(node, dict):
        return
    kind, where = node.get("type"), ".".join(path)
    if kind in ("integer", "number") and not (
        {"minimum", "exclusiveMinimum"} & node.keys() and {"maximum", "exclusiveMaximum"} & node.keys()
    ):
        yield f"{where}: a number without a least and a greatest value"
    is_closed = "pattern" in node and not re.search(r"[*+]", node["pattern"])
    if kind == "string" and not is_closed and not {"maxLength", "enum", "const"} & node.keys():
        yield f"{where}: a text without a length"
    if kind == "array" and "maxItems" not in node:
        yield f"{where}: a list without a length"
    if kind == "object" and node.get("additionalProperties") is not False:
        if "maxProperties" not in node:
            yield f"{where}: a mapping without a length"
        if "propertyNames" not in node:
            yield f"{where}: keys of any length"
    for key, inner in node.items():
        if key not in ("default", "const", "enum"):
            yield from unbounded(inner, (*path, key))


def test_every_key_of_a_config_has_bounds():
    assert list(unbounded(json_schema(TABLE))) == []


@pytest.mark.parametrize("kind", TABLE)
def test_every_option_of_a_component_has_bounds(kind):
    for name, config in component_configs(TABLE, kind).items():
        assert [f"{name}: {one}" for one in unbounded(config.model_json_schema())] == []


def test_a_number_without_bounds_would_be_found():
    assert list(unbounded({"properties": {"n": {"type": "integer", "minimum": 1}}})) == [
        "properties.n: a number without a least and a greatest value"
    ]
