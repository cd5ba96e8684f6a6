"""Records that are no examples on purpose: rejected, cancelled or not annotated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from halluc.data.fields.paths import is_cancelled, path_of, value_at

# What Prodigy writes of a record that was not accepted.
_REJECTED = ("reject", "ignore")
# The fields by which a record is left out.
_FIELDS = frozenset(("answer", "was_cancelled", "is_labeled", "data"))
_UNUSUAL = (None, False, 0, "", "false", "False", "no", "rejected", "ignored", "skipped")


def rejection(record: Mapping[str | int, Any], name: str | int = "answer") -> str | None:
    """Why a record is left out; None where it is an example. ``name``: the field that says whether it was accepted."""
    if name == "answer" and record.keys().isdisjoint(_FIELDS):
        return None
    answer = record.get(name) if name in record else value_at(record, path_of(name, [record]))
    if isinstance(answer, str) and answer in _REJECTED:
        return f"`{name}` is {answer}"
    if name != "answer" and ((isinstance(answer, (list, dict)) and not answer) or answer in _UNUSUAL):
        return f"`{name}` says that it was not accepted"
    if is_cancelled(record):
        return "cancelled by its annotator"
    if record.get("is_labeled") is False:
        return "not annotated"
    if isinstance(record.get("data"), dict):  # a task of Label Studio
        made = record.get("annotations", record.get("completions"))
        if isinstance(made, list):
            if not made:
                return "not annotated"
            if all(map(is_cancelled, made)):
                return "cancelled by its annotator"
    return None
