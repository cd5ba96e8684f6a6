"""The gap's files in a run directory: one JSON object each, typed, versioned, whole or absent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from halluc.core.errors import HallucError
from halluc.core.files import json_line, write_text
from halluc.runs.schema import SCHEMA_VERSION, Record

RecordT = TypeVar("RecordT", bound=Record)

_ANEW = "restore it, or remove it: it is then made anew from `data.train`"


def write_record(path: Path, record: Record) -> None:
    """Write on one line: indented, a training split's surfaces would take five lines each."""
    write_text(path, json_line(record.model_dump(mode="json")) + "\n")


def read_record(path: Path, kind: type[RecordT]) -> RecordT:
    """The record in ``path``.

    Raises:
        HallucError R120: it cannot be read or is no such record. R121: it is of another version of halluc.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise HallucError("R120", f"{path} cannot be read: {error}", help=_ANEW) from None
    version = content.get("schema_version") if isinstance(content, dict) else None
    if version is None:
        raise HallucError("R120", f"{path} is damaged: it has no schema_version", help=_ANEW)
    if version != SCHEMA_VERSION:
        help = f"this halluc reads version {SCHEMA_VERSION}: use the halluc that wrote it, or train anew"
        raise HallucError("R121", f"{path} is of schema version {version}", help=help)
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise HallucError("R120", f"{path} is damaged: {place}: {first['msg']}", help=_ANEW) from None
