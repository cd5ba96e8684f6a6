"""Paths to values in records (``data.text``, ``annotations.0.result``), and records that are intentionally not
examples: rejected, cancelled or not annotated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from halluc.data.rows.row import Unreadable

# The steps from a record to a value: keys of objects and positions in lists.
Path = tuple[str | int, ...]
# The only item of a list, not counting cancelled ones.
_ONLY = "*"


def path_of(name: str | int, records: Sequence[Mapping[str | int, Any]]) -> Path:
    """The steps of a name; if a field has the whole name, including its dots, it is that field."""
    if isinstance(name, int) or any(name in record for record in records):
        return (name,)
    return tuple(int(step) if step.isdecimal() else step for step in name.split("."))


def value_at(record: Mapping[str | int, Any], path: Path | None) -> Any:
    """The value at a path; None if there is none, or no path.

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
                before, behind = named(path[:done]), named(path[done + 1 :])
                raise Unreadable(
                    "D107",
                    f"`{before}` has {len(kept)} annotations",
                    f"select one of them: set `data.spans_field: {before}.0.{behind}`",
                )
            value = kept[0] if kept else None
        elif isinstance(value, (list, tuple)) and isinstance(step, int):
            value = value[step] if step < len(value) else None
        else:
            return None
    return value


def value_of(record: Mapping[str | int, Any], name: str | int) -> Any:
    """The value in a field or at a path; None if there is none."""
    return value_at(record, path_of(name, [record]))


def is_cancelled(item: Any) -> bool:
    """Whether an annotation of Label Studio was cancelled (skipped) by its annotator."""
    return isinstance(item, dict) and item.get("was_cancelled") is True


def named(path: Path) -> str:
    return ".".join(map(str, path))


# What Prodigy writes for a record that was not accepted.
_REJECTED = ("reject", "ignore")
# The fields that exclude a record.
_FIELDS = frozenset(("answer", "was_cancelled", "is_labeled", "data"))
_UNUSUAL = (None, False, 0, "", "false", "False", "no", "rejected", "ignored", "skipped")


def rejection(record: Mapping[str | int, Any], name: str | int = "answer") -> str | None:
    """Why a record is left out; None if it is an example. ``name``: the field that says whether it was accepted."""
    if name == "answer" and record.keys().isdisjoint(_FIELDS):
        return None
    answer = value_of(record, name)
    if isinstance(answer, str) and answer in _REJECTED:
        return f"`{name}` is {answer}"
    if name != "answer" and ((isinstance(answer, (list, dict)) and not answer) or answer in _UNUSUAL):
        return f"`{name}` marks it as not accepted"
    if is_cancelled(record):
        return "cancelled by its annotator"
    if record.get("is_labeled") is False:
        return "not annotated"
    made = record.get("annotations", record.get("completions"))
    if not isinstance(record.get("data"), dict) or not isinstance(made, list):  # not a task of Label Studio
        return None
    if not made:
        return "not annotated"
    return "cancelled by its annotator" if all(map(is_cancelled, made)) else None
