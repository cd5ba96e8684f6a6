"""One error for each cause: the same problem in twenty rows is one message, with the count and three places."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from halluc.core.errors import HallucError
from halluc.data.rows.row import BadLine

# What differs between rows of one cause: what is quoted, spans with their labels, and numbers.
_VARYING = re.compile(r"`[^`]*`|\"[^\"]*\"|'[^']*'|\[[^\]]*\](?: \S+)?|\b0x[\da-f]+\b|\b\d[\d,.]*\b")
# Places that are named beside the first one.
_PLACES = 2


def folded(bad: Iterable[BadLine]) -> list[HallucError]:
    """The errors of lines that cannot be read, in the order in which their causes come first."""
    causes: dict[tuple[str, str], list[BadLine]] = {}
    for one in bad:
        causes.setdefault((one.code, _VARYING.sub("…", one.problem)), []).append(one)
    return [_of_cause(lines) for lines in causes.values()]


def _of_cause(lines: list[BadLine]) -> HallucError:
    first = lines[0]
    if len(lines) == 1:
        return first.error()
    also = ", ".join(f"{one.file}:{one.line}" for one in lines[1 : 1 + _PLACES])
    more = f" and {len(lines) - 1 - _PLACES:,} more" if len(lines) > 1 + _PLACES else ""
    return replace(first, problem=f"{first.problem} ({len(lines):,} lines: also {also}{more})").error()
