"""Exports of annotation tools, translated to rows with a text, labels and an id; unfinished records are skipped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from halluc.data.fields import is_cancelled, rejection, unpacked
from halluc.data.rows.row import Skipped, Unreadable, quoted
from halluc.tasks.text_classification.reading.config import Preset, TextsConfig

TextFields = Mapping[str | int, Any]

_ANSWERS = ("accept", "reject", "ignore")
# The fields that Label Studio adds to its short form.
_TOOL_FIELDS = frozenset(("id", "annotator", "annotation_id", "created_at", "updated_at", "lead_time"))
_HELP = "fix it, or choose another `data.preset`"


def detect_preset(row: TextFields) -> Preset | None:
    """The tool that wrote a file, from its first row; None if it is not recognised."""
    if row.get("answer") in _ANSWERS and ("label" in row or "accept" in row or "_task_hash" in row):
        return "prodigy"
    if isinstance(row.get("data"), dict) and isinstance(row.get("annotations"), list):
        return "label_studio"
    if {"annotation_id", "lead_time"} <= row.keys() or {"annotator", "lead_time"} <= row.keys():
        return "label_studio"
    return None


def translate_record(row: TextFields, preset: Preset, config: TextsConfig) -> TextFields:
    """A record of the tool as a row with the usual fields.

    Raises:
        Skipped: it was rejected, or not annotated yet.
        Unreadable D107: it is not one of the tool's records. D123: annotators disagree.
    """
    if (why := rejection(row)) is not None:
        raise Skipped(why)
    return _PRESETS[preset](row, config)


def _doccano(row: TextFields, config: TextsConfig) -> TextFields:
    field = next((name for name in (config.label_columns[0], "label", "labels") if name in row), None)
    if field is None:
        raise Unreadable("D107", f"no field `label` in the format of doccano; it has {quoted(row)}", _HELP)
    labels = row[field]
    if isinstance(labels, str):  # in CSV several are joined like this
        labels = [label for label in labels.split("#") if label.strip()]
    if not labels:
        raise Skipped("not annotated: it has no label")
    text: TextFields = {"text": row["data"]} if "data" in row and "text" not in row else {}
    return {**row, **text, config.label_columns[0]: labels}


def _prodigy(row: TextFields, config: TextsConfig) -> TextFields:
    if row.get("answer") not in _ANSWERS:
        raise Unreadable("D107", "no `answer` (accept, reject or ignore) in the format of Prodigy", _HELP)
    field = config.label_columns[0]
    if "accept" in row:
        return {**row, field: row["accept"]}
    if field not in row:
        raise Unreadable("D107", f"neither `accept` nor `{field}`; it has {quoted(row)}", _HELP)
    return row


def _label_studio(row: TextFields, config: TextsConfig) -> TextFields:
    field = config.label_columns[0]
    data = row.get("data")
    if isinstance(data, dict):
        own = {"id": row["id"]} if "id" in row else {}
        return {**data, **own, field: _choices(row, config)}
    name: str | int | None = field
    if field not in row:
        known = [config.text_field, config.second_field, "text", *_TOOL_FIELDS]
        names = [other for other, value in row.items() if other not in known and _parse_choices(value) is not None]
        if len(names) > 1:
            raise _several(names)
        name = names[0] if names else None
    choice = _parse_choices(row.get(name)) if name is not None else None
    if not choice:
        raise Skipped("not annotated: it has no choice")
    return {**{other: value for other, value in row.items() if other != name}, field: choice}


def _parse_choices(value: object) -> Any:
    """The choices of a cell: one name, or ``{"choices": […]}``, written as text in columns; None if it is neither."""
    value = unpacked(value)
    if isinstance(value, dict):
        return value.get("choices")
    return value if isinstance(value, str) and value.strip() else None


def _choices(task: TextFields, config: TextsConfig) -> list[str]:
    """The labels of the annotation that is marked as ground truth, or those of all annotations, which must agree."""
    annotations = [one for one in (task.get("annotations") or []) if isinstance(one, dict) and not is_cancelled(one)]
    true = [one for one in annotations if one.get("ground_truth")]
    distinct: list[list[str]] = []
    for annotation in true[:1] or annotations:
        labels = _annotation_labels(annotation, config)
        if labels and labels not in distinct:
            distinct.append(labels)
    if not distinct:
        raise Skipped("not annotated: it has no choice")
    if len(distinct) > 1:
        text = " and ".join(", ".join(map(str, labels)) for labels in distinct[:3])
        raise Unreadable(
            "D123", f"annotators disagree: {text}", "mark one annotation as ground truth, or delete the others"
        )
    return distinct[0]


def _annotation_labels(annotation: TextFields, config: TextsConfig) -> list[str]:
    """The labels of one annotation; of several controls those of the configured one."""
    chosen: dict[str, list[str]] = {}
    for result in annotation.get("result") or []:
        value = result.get("value") if isinstance(result, dict) else None
        if isinstance(value, dict) and isinstance(value.get("choices"), list):
            chosen.setdefault(str(result.get("from_name")), []).extend(value["choices"])
    named = str(config.label_columns[0])
    if len(chosen) < 2 or named in chosen:
        return chosen.get(named) or next(iter(chosen.values()), [])
    raise _several(chosen)


def _several(names: Iterable[str | int]) -> Unreadable:
    return Unreadable("D116", f"several fields could be the choice: {quoted(names, ' or ')}", "set `data.label_field`")


_PRESETS: dict[Preset, Callable[[TextFields, TextsConfig], TextFields]] = {
    "doccano": _doccano,
    "label_studio": _label_studio,
    "prodigy": _prodigy,
}
