"""Ids of examples: unique ids from the file, and numbers for the other examples."""

from __future__ import annotations

import math
from typing import Any

from halluc.data.fields.values import kind
from halluc.data.rows.row import Unreadable

Identity = str | int | float

_OPTIONAL = "ids are optional; see `data.id_field`"
_HELP = "ids must be unique: fix it, or see `data.id_field`"


def own_id(given: Any, field: object) -> Identity | None:
    """The id in ``field`` of a row, unchanged; None if it has none.

    Raises:
        Unreadable D107: it is neither a string nor a finite number.
    """
    if given is None or (type(given) is str and (not given or given.isspace())):
        return None
    if isinstance(given, bool) or not isinstance(given, (str, int, float)):
        raise Unreadable("D107", f"`{field}` is {kind(given)}, not a string or a number", _OPTIONAL)
    if isinstance(given, float) and not math.isfinite(given):
        raise Unreadable("D107", f"`{field}` is not a finite number", _OPTIONAL)
    return given


class Ids:
    """The ids seen so far. Numbers are unique by construction, and are stored only once a file has ids of its own."""

    def __init__(self) -> None:
        self._lines: dict[str, int] = {}
        self._first: tuple[str, int] | None = None  # the prefix and the number of the first example with such an id
        self._begins: dict[str, int] = {}  # the number of the first example of each prefix

    def add(self, identity: str, prefix: str, number: int, line: int, own: bool) -> None:
        """Raises ``Unreadable`` for an id that was seen before; ``own``: it comes from the file."""
        if self._first is None:
            self._begins.setdefault(prefix, number)
            if not own:
                return
            self._first = prefix, number
        if identity in self._lines:
            raise Unreadable("D112", f"id `{identity}` is already on line {self._lines[identity]}", _HELP)
        begin, _, end = identity.rpartition("-")
        without = range(self._begins[self._first[0]], self._first[1])
        if own and begin == self._first[0] and end.isdecimal() and int(end) in without:
            raise Unreadable(
                "D112", f"id `{identity}` is the same as the number of example {end}, which has no id", _HELP
            )
        self._lines[identity] = line
