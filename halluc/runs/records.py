"""The one way to read a typed file of a run: one JSON object with a schema version."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from halluc.core.errors import HallucError
from halluc.core.files import json_line, write_text
from halluc.runs.schema import SCHEMA_VERSION, Record

RecordT = TypeVar("RecordT", bound=Record)


def read_record(path: Path, kind: type[RecordT], *, damaged: str, other_version: str, help: str) -> RecordT:
    """The record in ``path``; raises FileNotFoundError where there is none.

    Args:
        damaged, other_version: the codes of the errors. help: what to do about a damaged file.

    Raises:
        HallucError: it cannot be read, is no such record, or is of another version of halluc.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        raise HallucError(damaged, f"{path} cannot be read: {error}", help=help) from None
    version = content.get("schema_version") if isinstance(content, dict) else None
    if version is None:
        raise HallucError(damaged, f"{path} is damaged: it has no schema_version", help=help)
    if version != SCHEMA_VERSION:
        told = f"{path} is of schema version {version}"
        use = f"this halluc reads version {SCHEMA_VERSION}: use the halluc that wrote it, or {help}"
        raise HallucError(other_version, told, help=use)
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise HallucError(damaged, f"{path} is damaged: {place}: {first['msg']}", help=help) from None


def write_line(path: Path, record: Record) -> None:
    """Write a record on one line: indented, a training split's surfaces would take five lines each."""
    write_text(path, json_line(record.model_dump(mode="json")) + "\n")
