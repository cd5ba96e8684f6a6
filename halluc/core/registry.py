"""Loads components from the table by name, with suggestions for typos."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from halluc.core.errors import HallucError, suggestion

Table = Mapping[str, Mapping[str, str]]


def load(table: Table, kind: str, name: str) -> Any:
    """The object at ``table[kind][name]``; its module is imported now.

    Raises:
        HallucError C110: unknown name; suggests the most similar one.
    """
    names = table[kind]
    if name not in names:
        hint = suggestion(name, names, f"known: {', '.join(sorted(names))}")
        raise HallucError("C110", f"unknown {kind} `{name}`", help=hint)
    module, _, attribute = names[name].partition(":")
    return getattr(import_module(module), attribute)


def summary(component: Any) -> str:
    """The first line of a component's docstring."""
    return (component.__doc__ or "").strip().split("\n", 1)[0]
