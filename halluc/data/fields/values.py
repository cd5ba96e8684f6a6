"""Values in files: their types, lists and objects written as text, and the positions of words in a text."""

from __future__ import annotations

import ast
import contextlib
import json
import re
from collections.abc import Sequence
from typing import Any, TypeGuard

from halluc.data.rows.row import Unreadable

# Longer texts are not parsed as a Python list: the parser is slow and takes memory.
_MOST_LITERAL = 1_000_000
_STRING = r"""(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
# Arrays as NumPy prints them: without commas. Python would join the strings of such a list.
_ARRAY = re.compile(rf"\[\s*{_STRING}(?:\s+{_STRING})+\s*\]", re.DOTALL)
_NUMBERS = re.compile(r"\[\s*-?\d+(?:\s+-?\d+)+\s*\]")
_STRINGS = re.compile(_STRING, re.DOTALL)
_GLUED = re.compile(r"""['"]\s*['"]""")

Place = tuple[int, int]


def unpacked(value: Any) -> Any:
    """A value; if it is text with a list or an object, in JSON or as printed by Python, that list or object."""
    if not isinstance(value, str) or not (text := value.strip()) or text[0] + text[-1] not in ("[]", "{}"):
        return value
    with contextlib.suppress(ValueError, RecursionError):
        return json.loads(text)
    if len(text) > _MOST_LITERAL:
        return value
    if _ARRAY.fullmatch(text):
        return [_literal(piece) for piece in _STRINGS.findall(text)]
    if _NUMBERS.fullmatch(text):
        return [int(piece) for piece in text[1:-1].split()]
    result = _literal(text)
    return value if result is None else result


def _literal(text: str) -> Any:
    """The value parsed by Python; None if it is not a literal, or has adjacent strings, which Python would join."""
    try:
        tree = ast.parse(text, mode="eval")
        if _GLUED.search(text) and any(_is_joined(node, text) for node in ast.walk(tree)):
            return None
        return ast.literal_eval(tree)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None


def _is_joined(node: ast.AST, text: str) -> bool:
    is_string = isinstance(node, ast.Constant) and isinstance(node.value, str)
    return is_string and len(_STRINGS.findall(ast.get_source_segment(text, node) or "")) > 1


def written_list(text: str) -> list[str | int] | None:
    """A list of strings or integers that is written as text; None if the text is something else."""
    result = unpacked(text)
    return result if isinstance(result, list) and all(isinstance(one, str) or whole(one) for one in result) else None


def kind(given: object, with_number: bool = False) -> str:
    """The type of a value, in the terms of JSON; for an integer with ``with_number``, its value."""
    if with_number and whole(given):
        return str(given)
    kinds: tuple[tuple[type | tuple[type, ...], str], ...] = (
        (bool, "true or false"), ((int, float), "a number"), (str, "a string"), ((list, tuple), "a list"),
        (dict, "an object"),
    )  # fmt: skip
    return next((name for types, name in kinds if isinstance(given, types)), "null")


def whole(given: object) -> TypeGuard[int]:
    """Whether it is an integer, which booleans are not."""
    return isinstance(given, int) and not isinstance(given, bool)


def nul(what: str) -> Unreadable:
    return Unreadable("D119", f"a NUL character in the {what}", "the file may be damaged, or in UTF-16")


def located(tokens: Sequence[str], text: str) -> list[Place] | None:
    """The positions of the tokens in the text, in order and separated only by white space; None if they do not
    match."""
    bounds, at = [], 0
    for token in tokens:
        if not text.startswith(token, at):
            while at < len(text) and text[at].isspace():
                at += 1
            if not text.startswith(token, at):
                return None
        bounds.append((at, at + len(token)))
        at += len(token)
    return bounds
