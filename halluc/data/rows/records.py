"""JSON Lines: an object a line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from halluc.data.rows.lines import Line
from halluc.data.rows.row import BadLine, Row, Unreadable, excerpt


def records(lines: Iterable[Line], file: str) -> Iterator[Row | BadLine]:
    """A row for each line that is not blank."""
    for line in lines:
        if isinstance(line, BadLine):
            yield line
        elif line[1] and not line[1].isspace():
            number, text = line
            try:
                yield Row(file, number, parse_object(text), text)
            except Unreadable as bad:
                yield BadLine(bad.code, file, number, bad.problem, bad.help, *excerpt(text))


def parse_object(line: str) -> dict[Any, Any]:
    """One JSON object from untrusted text; of a list that begins with a text, its items by number.

    Raises:
        Unreadable: no JSON, no object, nested too deeply, or text that UTF-8 cannot hold.
    """
    try:
        record = _DECODER.decode(line)
        if "\\u" in line:  # half a character can be written so
            json.dumps(record, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise Unreadable("D107", "a lone surrogate (half a character) in the text") from None
    except RecursionError:
        raise Unreadable("D107", "nested too deeply") from None
    except ValueError as error:
        column = f" at column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        message = error.msg if isinstance(error, json.JSONDecodeError) else "a number is too long"
        help = None
        if not line.lstrip().startswith("{"):
            help = "JSON Lines have one object a line; is this another `data.format`?"
        raise Unreadable("D107", f"not readable as JSON{column}: {message}", help) from None
    if isinstance(record, list) and record and isinstance(record[0], str):
        return dict(enumerate(record))  # a text and what is said of it
    if not isinstance(record, dict):
        raise Unreadable("D107", "not a JSON object", "JSON Lines have one object a line; is it `data.format: json`?")
    return record


def without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """For ``object_pairs_hook``; raises ``Unreadable`` for a field that stands twice."""
    record = dict(pairs)
    if len(record) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise Unreadable("D107", f"the field `{key}` stands twice")
            seen.add(key)
    return record


# Made once: ``json.loads`` makes one anew for every line.
_DECODER = json.JSONDecoder(object_pairs_hook=without_duplicates)
