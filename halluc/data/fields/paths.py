"""Paths to values inside of records: ``data.text``, ``annotations.0.result``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from halluc.data.rows.row import Unreadable

# The steps from a record to a value: keys of objects and places in lists.
Path = tuple[str | int, ...]
# The one item of a list, those aside that were cancelled.
_ONLY = "*"


def path_of(name: str | int, records: Sequence[Mapping[str | int, Any]]) -> Path:
    """The steps that a name says; where a field has the whole name, with its dots, it is that field."""
    if isinstance(name, int) or any(name in record for record in records):
        return (name,)
    return tuple(int(step) if step.isdecimal() else step for step in name.split("."))


def value_at(record: Mapping[str | int, Any], path: Path | None) -> Any:
    """The value at a path; None where there is none, or no path.

    Raises:
        Unreadable: a step `*` meets several items.
    """
    if not path:
        return None
    if len(path) == 1:
        return record.get(path[0])
    value: Any = record
    for done, step in enumerate(path):
        if isinstance(value, dict):
            value = value.get(step, value.get(str(step)))
        elif isinstance(value, (list, tuple)) and step == _ONLY:
            kept = [item for item in value if not is_cancelled(item)]
            if len(kept) > 1:
                before, behind = (".".join(map(str, part)) for part in (path[:done], path[done + 1 :]))
                problem = f"`{before}` holds {len(kept)} annotations"
                raise Unreadable("D107", problem, f"name one of them: set `data.spans_field: {before}.0.{behind}`")
            value = kept[0] if kept else None
        elif isinstance(value, (list, tuple)) and isinstance(step, int):
            value = value[step] if step < len(value) else None
        else:
            return None
    return value


def is_cancelled(item: Any) -> bool:
    """Whether an annotation of Label Studio was cancelled (skipped) by its annotator."""
    return isinstance(item, dict) and item.get("was_cancelled") is True


def named(path: Path) -> str:
    return ".".join(map(str, path))
