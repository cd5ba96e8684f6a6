"""Values in files: their types, lists written as text, positions of words, paths to values in records, and ids."""

from __future__ import annotations

import ast
import contextlib
import json
import math
import re
from collections.abc import Mapping, Sequence
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
    """The list or object that a text contains, in JSON or as printed by Python; any other value unchanged."""
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
    """The value of a Python literal; None for other texts, and for adjacent strings, which Python would join."""
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
    """The list of strings or integers that a text contains; None for other texts."""
    result = unpacked(text)
    return result if isinstance(result, list) and all(isinstance(one, str) or whole(one) for one in result) else None


def kind(given: object, with_number: bool = False) -> str:
    """The JSON type of a value, for messages; for an integer with ``with_number``, its value."""
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


# The steps from a record to a value: keys of objects and positions in lists.
Path = tuple[str | int, ...]
# The only item of a list, not counting cancelled ones.
_ONLY = "*"


def path_of(name: str | int, records: Sequence[Mapping[str | int, Any]]) -> Path:
    """The steps of a name that is separated by dots; a single step if a field of the records has the whole name."""
    if isinstance(name, int) or any(name in record for record in records):
        return (name,)
    return tuple(int(step) if step.isdecimal() else step for step in name.split("."))


def value_at(record: Mapping[str | int, Any], path: Path | None) -> Any:
    """The value at a path; None if there is none, or no path.

    Raises:
        Unreadable: a list has several items for a step `*`.
    """
    if not path:
        return None
    if len(path) == 1:
        return record.get(path[0])
    value: Any = record
    for done, step in enumerate(path):
        if isinstance(value, dict):
            value = value.get(step, value.get(str(step)))
        elif isinstance(value, (list, tuple)) and step == _ONLY:
            kept = [item for item in value if not is_cancelled(item)]
            if len(kept) > 1:
                before, after = named(path[:done]), named(path[done + 1 :])
                problem = f"`{before}` has {len(kept)} annotations"
                help = f"select one of them: set `data.spans_field: {before}.0.{after}`"
                raise Unreadable("D107", problem, help)
            value = kept[0] if kept else None
        elif isinstance(value, (list, tuple)) and isinstance(step, int):
            value = value[step] if step < len(value) else None
        else:
            return None
    return value


def value_of(record: Mapping[str | int, Any], name: str | int) -> Any:
    """The value in a field or at a path; None if there is none."""
    return value_at(record, path_of(name, [record]))


def is_cancelled(item: Any) -> bool:
    """Whether an annotation of Label Studio was cancelled (skipped) by its annotator."""
    return isinstance(item, dict) and item.get("was_cancelled") is True


def named(path: Path) -> str:
    return ".".join(map(str, path))


# Answers of Prodigy for a record that was not accepted.
_REJECTED = ("reject", "ignore")
# A record without these fields is not excluded.
_FIELDS = frozenset(("answer", "was_cancelled", "is_labeled", "data"))
_UNUSUAL = (None, False, 0, "", "false", "False", "no", "rejected", "ignored", "skipped")


def rejection(record: Mapping[str | int, Any], name: str | int = "answer") -> str | None:
    """Why a record is left out; None if it is an example. ``name``: the field with the annotator's decision."""
    if name == "answer" and record.keys().isdisjoint(_FIELDS):
        return None
    answer = value_of(record, name)
    if isinstance(answer, str) and answer in _REJECTED:
        return f"`{name}` is {answer}"
    if name != "answer" and ((isinstance(answer, (list, dict)) and not answer) or answer in _UNUSUAL):
        return f"`{name}` marks it as not accepted"
    if is_cancelled(record):
        return "cancelled by its annotator"
    if record.get("is_labeled") is False:
        return "not annotated"
    annotations = record.get("annotations", record.get("completions"))
    if not isinstance(record.get("data"), dict) or not isinstance(annotations, list):  # not a task of Label Studio
        return None
    if not annotations:
        return "not annotated"
    return "cancelled by its annotator" if all(map(is_cancelled, annotations)) else None


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
    """Refuses repeated ids. Generated ids are unique, and stored only after the first id that the file contains."""

    def __init__(self) -> None:
        self._lines: dict[str, int] = {}
        self._first: tuple[str, int] | None = None  # prefix and number of the first example with an id in the file
        self._begins: dict[str, int] = {}  # for each prefix, the number of its first example

    def add(self, identity: str, prefix: str, number: int, line: int, own: bool) -> None:
        """Raises ``Unreadable`` for a repeated id; ``own``: it is from the file, otherwise ``PREFIX-NUMBER``."""
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
