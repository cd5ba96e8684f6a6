"""The group and the timestamp of a text in a row."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from halluc.core.characters import cut
from halluc.data.config import Column
from halluc.data.fields import kind, nul, own_id
from halluc.data.rows.row import MEND, Unreadable
from halluc.tasks.text_classification.reading.fields import missing_field_error

_ISO = "write it as 2024-03-31 or 2024-03-31T09:30:00, with or without a time zone (ISO 8601)"


def group_of(row: Mapping[str | int, Any], column: Column | None, *, optional: bool) -> str | None:
    """The group of a text; None if no column is configured, or if it is ``optional`` and the row has none.

    Raises:
        Unreadable D107: it is neither a string nor a number. D119: a NUL. D127: there is none.
    """
    value = _value(row, column, "group_field", optional)
    group = own_id(value, column)
    if isinstance(group, str) and "\0" in group:
        raise nul("group")
    if group is None and value is not None:
        raise Unreadable("D127", f"`{column}` is empty, but every text needs a group", MEND)
    return None if group is None else str(group)


def timestamp_of(row: Mapping[str | int, Any], column: Column | None, *, optional: bool) -> str | None:
    """The date, or date and time, of a text; None as in ``group_of``.

    Raises:
        Unreadable D127: it is not an ISO 8601 date with year, month and day, or there is none.
    """
    value = _value(row, column, "timestamp_field", optional)
    if value is None:
        return None
    if isinstance(value, date):  # from a table
        return value.isoformat()
    if not isinstance(value, str):
        raise Unreadable("D127", f"`{column}` is {kind(value)}, not a date", _ISO)
    text = value.strip()
    try:
        datetime.fromisoformat(text)
        date.fromisoformat(text[:10])
    except ValueError:
        raise Unreadable("D127", f"`{column}` is not a date: `{cut(text)}`", _ISO) from None
    if text[4:5] + text[7:8] != "--":  # 20240331 or 2024-W13-7
        raise Unreadable("D127", f"`{column}` is not a date with year, month and day: `{cut(text)}`", _ISO)
    return text


def _value(row: Mapping[str | int, Any], column: Column | None, key: str, optional: bool) -> Any:
    value = None if column is None else row.get(column)
    if value is None and column is not None and not optional:
        if column not in row:
            raise Unreadable("D127", *missing_field_error(row, column, key))
        raise Unreadable("D127", f"`{column}` is null", MEND)
    return value
