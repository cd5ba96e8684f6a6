"""Word lists of users: one entry per line, tab-separated or JSON Lines, every mistake reported with its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from halluc.core.errors import HallucError, Location, data_error
from halluc.data.rows.records import parse_object
from halluc.data.rows.references import absent, refuse_irregular
from halluc.data.rows.row import BadLine, Unreadable, excerpt
from halluc.data.rows.streams import numbered_lines

T = TypeVar("T")


def entries(
    reference: str,
    columns: Callable[[str], T | str],
    fields: Callable[[Mapping[str, Any]], T | str],
    errors: list[HallucError],
    *,
    code: str,
    form: str,
) -> Iterator[tuple[Location, T]]:
    """The entries of a file with their places; errors are added to ``errors``, with ``code``.

    Blank lines and lines that begin with ``# `` are skipped. ``columns`` parses a line, ``fields`` the object of a line
    in a file that ends in ``.jsonl``; each returns a text if something is wrong. ``form`` describes a correct line.

    Raises:
        HallucError D101: no such file, or no regular one. D103, D114: see ``TextStream``.
    """
    path = Path(reference).expanduser()
    refuse_irregular(path, form)
    if not path.is_file():
        raise absent(path)
    is_json = path.suffix == ".jsonl"
    try:
        for item in numbered_lines(path, str(path)):
            if isinstance(item, BadLine):
                errors.append(item.error())
                continue
            number, line = item
            if not line.strip() or line.startswith("# "):
                continue
            result = _object(line, fields) if is_json else columns(line)
            where = Location(str(path), number, text=excerpt(line)[0])
            if isinstance(result, str):
                errors.append(data_error(code, result, where, form))
            else:
                yield where, result
    except OSError as error:
        raise data_error("D101", f"cannot read {path}: {error.strerror or error}") from error


def _object(line: str, fields: Callable[[Mapping[str, Any]], T | str]) -> T | str:
    try:
        return fields(parse_object(line))
    except Unreadable as error:
        return error.problem
