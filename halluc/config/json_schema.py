"""The JSON Schema of config files, for editors."""

from __future__ import annotations

from typing import Annotated, Any, Union

from pydantic import Field

from halluc.config.augmentation import augment_type
from halluc.config.axes import MOST_AXES, MOST_CELLS
from halluc.config.merging import MOST_FILES
from halluc.config.schema import COMPONENT_SECTIONS, component_configs, experiment_type
from halluc.config.section import LONGEST_PATH
from halluc.config.yaml import LONGEST_KEY, MOST_NODES
from halluc.core import registry


def json_schema(table: registry.Table) -> dict[str, Any]:
    """JSON Schema of a config *file*: no key is required, since it may be in a file that this one extends; ``extends``
    and ``matrix`` are allowed."""
    sections: dict[str, Any] = {
        name: Annotated[Union[tuple(component_configs(table, kind).values())], Field()]  # noqa: UP007
        for name, kind in COMPONENT_SECTIONS.items()
    }
    sections["augment"] = augment_type(table) | None
    schema: dict[str, Any] = experiment_type(sections).model_json_schema()
    schema["title"] = "halluc experiment"
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["properties"]["extends"] = {
        "description": "a config file, or a list of them, to build on; paths are relative to this file",
        "anyOf": [_FILE, {"type": "array", "items": _FILE, "maxItems": MOST_FILES}],
    }
    schema["properties"]["matrix"] = _MATRIX
    _drop_required(schema)
    return schema


_FILE: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": LONGEST_PATH}
_NAMED: dict[str, Any] = {"propertyNames": {"maxLength": LONGEST_KEY}}

# The keys that an axis or an arm may set are checked when the config is read: the schema describes only the shape.
_MATRIX: dict[str, Any] = {
    "description": "many experiments in one config, the product of its axes: keys with a list of values, or a mapping "
    "of named arms, each with what it changes, as {arm: {baseline: {}, dropout: {model: {dropout: 0.3}}}}",
    "anyOf": [
        {
            "type": "object",
            "maxProperties": MOST_AXES,
            **_NAMED,
            "additionalProperties": {
                "anyOf": [
                    {"type": "array", "minItems": 1, "maxItems": MOST_CELLS},
                    {
                        "type": "object",
                        "minProperties": 1,
                        "maxProperties": MOST_CELLS,
                        **_NAMED,
                        "additionalProperties": {"type": "object", "maxProperties": MOST_NODES, **_NAMED},
                    },
                ]
            },
        },
        {"type": "null"},
    ],
}


def _drop_required(node: Any) -> None:
    if isinstance(node, dict):
        if isinstance(node.get("required"), list):
            del node["required"]
        for value in node.values():
            _drop_required(value)
    elif isinstance(node, list):
        for value in node:
            _drop_required(value)
