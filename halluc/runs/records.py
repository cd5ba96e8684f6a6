"""Reads typed files of a run: one JSON object with a schema version, or one object per line."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from halluc.core.errors import HallucError, Location
from halluc.core.files import json_line, open_regular, read_regular, write_text
from halluc.runs.schema import SCHEMA_VERSION, Record

RecordT = TypeVar("RecordT", bound=Record)


def read_record(
    path: Path, kind: type[RecordT], *, damaged: str, other_version: str, help: str, version: int = SCHEMA_VERSION
) -> RecordT:
    """The record in ``path``; raises FileNotFoundError if there is none.

    Args:
        damaged, other_version: the codes of the errors. help: advice for a damaged file. version: that of the schema.

    Raises:
        HallucError: it cannot be read, is not such a record, or has another version.
    """
    try:
        content = read_json(path)
    except FileNotFoundError:
        raise
    except (OSError, ValueError, RecursionError) as error:
        where = Location(str(path), error.lineno, error.colno) if isinstance(error, json.JSONDecodeError) else None
        text = error.strerror or error if isinstance(error, OSError) else error
        raise HallucError(damaged, f"{path} cannot be read: {text}", where, help) from None
    written = content.get("schema_version") if isinstance(content, dict) else None
    if written is None:
        raise HallucError(damaged, f"{path} is damaged: it has no schema_version", help=help)
    if written != version:
        text = f"{path} has schema version {written}"
        reads = f"this version of halluc reads version {version}"
        use = f"{reads}: use the version of halluc that wrote it, or {help}"
        raise HallucError(other_version, text, help=use)
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise HallucError(damaged, f"{path} is damaged: {place}: {first['msg']}", help=help) from None


def read_json(path: Path) -> Any:
    """The JSON value in a file; infinity and NaN are refused, since they are not JSON and cannot be written again.

    Raises:
        FileNotFoundError: there is none. OSError, ValueError: it cannot be read, is not a regular file, or not JSON.
    """
    try:
        return json.loads(read_regular(path).decode("utf-8"), parse_constant=_finite, parse_float=_finite)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:20]} is not a finite number")
    return value


def content_sha256(content: Any) -> str:
    """SHA-256 of a JSON value, independent of the order of keys and of white space."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def read_lines(path: Path, kind: type[RecordT], *, damaged: str, what: str, help: str) -> Iterator[RecordT]:
    """The records of a JSON Lines file, one by one; empty lines are skipped.

    Args:
        damaged: the code of the errors. what: the kind of line, as in "not a line of a ledger".

    Raises:
        HallucError: the file cannot be read, or a line is incomplete; names the line.
    """
    try:
        with open_regular(path) as file:
            for number, line in enumerate(file, 1):
                if line.isspace():
                    continue
                try:
                    yield kind.model_validate_json(line)
                except ValidationError as error:
                    raise HallucError(
                        damaged, f"not a line of {what}: {error.errors()[0]['msg']}", Location(str(path), number), help
                    ) from None
    except OSError as error:
        raise HallucError(damaged, f"cannot read {path}: {error.strerror}", help=help) from None


def write_line(path: Path, record: Record) -> None:
    """Write a record on one line: indented, the surfaces of a training split would take five lines each."""
    write_text(path, json_line(record.model_dump(mode="json")) + "\n")
