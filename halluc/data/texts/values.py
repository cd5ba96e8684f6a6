"""What values of fields are, in words, and lists that are written as text."""

from __future__ import annotations

import ast
import json

from halluc.data.rows.row import Unreadable

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
