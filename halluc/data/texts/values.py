"""What values of fields are, in words, and lists that are written as text."""

from __future__ import annotations

import ast
import json
from collections.abc import Sequence

from halluc.data.rows.row import Unreadable

# So many lines show where labels stand; and what stands before labels at the end of a line.
_LEAST, _BEFORE_LABELS, _MARK = 3, "@|#;", "__label__"
# A longer text is no list of labels.
_MOST_CHARACTERS = 10_000


class Skipped(Exception):
    """Why a row is no example on purpose."""


def kind(given: object, tell: bool = False) -> str:
    """What a value is, in the words of JSON; ``tell``: a whole number is told."""
    if tell and whole(given):
        return str(given)
    kinds: tuple[tuple[type | tuple[type, ...], str], ...] = (
        (bool, "true or false"), ((int, float), "a number"), (str, "a string"), ((list, tuple), "a list"),
        (dict, "an object"),
    )  # fmt: skip
    return next((name for types, name in kinds if isinstance(given, types)), "null")


def whole(given: object) -> bool:
    """Whether it is a whole number, which true and false are not."""
    return isinstance(given, int) and not isinstance(given, bool)


def nul(what: str) -> Unreadable:
    return Unreadable("D119", f"a NUL character in the {what}", "is the file damaged, or in UTF-16?")


def written_list(text: str) -> list[str | int] | None:
    """A list of strings or whole numbers that is written as JSON or Python writes it (``['late', 'broken']``, ``[]``);
    None where the text is no such list."""
    if len(text) > _MOST_CHARACTERS or not ((text := text.strip()).startswith("[") and text.endswith("]")):
        return None
    for parse in (json.loads, ast.literal_eval):
        try:
            found = parse(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        if isinstance(found, list) and all(isinstance(one, str) or whole(one) for one in found):
            return found
    return None


def label_at_the_end(lines: Sequence[tuple[str, str]]) -> str | None:
    """What to set where the labels of ``LABEL text`` lines rather seem to stand at their ends.

    That is where every line ends in one and the same character and a word, and there are no more such words than first
    words; or where every line ends in a label as fastText marks it.

    Args:
        lines: the label and the text of each.
    """
    if len(lines) < _LEAST:
        return None
    if all(text.rpartition(" ")[2].startswith(_MARK) and not label.startswith(_MARK) for label, text in lines):
        return "set `data.label_position: last`"
    firsts = len({label for label, _ in lines})
    for delimiter in _BEFORE_LABELS:
        ends = [text.rpartition(delimiter)[1:] for _, text in lines]
        known = all(found and end.strip() and " " not in end.strip() for found, end in ends)
        if known and len({end.strip() for _, end in ends}) <= firsts:
            return f'set `data.label_position: last` and `data.delimiter: "{delimiter}"`'
    return None
