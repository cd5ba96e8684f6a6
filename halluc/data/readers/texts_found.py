"""What a file tells of one text, before it is an example, and what is said of its fields."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from halluc.core.errors import did_you_mean
from halluc.data.readers.base import MEND, BadLine
from halluc.data.readers.jsonl import Unreadable, strings
from halluc.data.readers.lines import excerpt
from halluc.data.readers.texts_config import TextsConfig


class _Absent:
    """The value of a field that is not there, which null is not."""

    def __bool__(self) -> bool:
        return False


ABSENT = _Absent()


def is_absent(value: object) -> bool:
    return isinstance(value, _Absent)


@dataclass(frozen=True, slots=True)
class Found:
    """What a file tells of one text: the line it begins on, its fields as they stand there, and what an error shows.

    ``text`` is what should be a string, or a tuple of tokens, of which ``second`` may then be the place of the second
    text. ``number`` counts texts where several may stand on a line. ``fields`` are those that a record has.
    """

    line: int
    text: object
    label: object = ABSENT
    second: object = ABSENT
    id: object = ABSENT
    shown: str = ""
    number: int = 0
    fields: tuple[str, ...] = ()

    def bad(self, file: str, why: Unreadable) -> BadLine:
        return BadLine(why.code, file, self.line, why.problem, why.help, *excerpt(self.shown))


def of_record(record: dict[str, Any], config: TextsConfig, line: int, shown: str, number: int = 0) -> Found:
    """A record of JSON or of the hub.

    Raises:
        Unreadable: it has neither text nor tokens.
    """
    second = record.get(str(config.second_field), ABSENT) if config.second_field is not None else ABSENT
    text = record.get(str(config.text_field), ABSENT)
    fields = tuple(record)
    if is_absent(text) and "tokens" in record:
        text, second = _tokens(record), record.get("second", ABSENT)
    elif is_absent(text):
        raise without(fields, str(config.text_field), "text_field")
    label = record.get(str(config.label_field), ABSENT)
    return Found(line, text, label, second, record.get(config.id_field, ABSENT), shown, number, fields)


def _tokens(record: dict[str, Any]) -> tuple[str, ...]:
    try:
        return strings(record, "tokens")
    except Unreadable as bad:
        raise Unreadable(bad.code, bad.problem, MEND) from None


def without(fields: Iterable[str], field: str, key: str, code: str = "D107") -> Unreadable:
    """Of a record that has no ``field``, which ``data.<key>`` asks for."""
    have = list(fields)
    near = did_you_mean(field, have, cutoff=0.7)
    told = ", ".join(f"`{name[:40]}`" for name in have[:8])
    listed = f"; it has {told}" if told else ""
    help = f"did you mean `data.{key}: {near}`?" if near else f"name the field with `data.{key}`"
    if key == "label_field" and not near:
        help += "; a text without any label has an empty list"
    return Unreadable(code, f"no field `{field}`{listed}", help)


def nul(what: str) -> Unreadable:
    return Unreadable("D119", f"a NUL character in the {what}", "is the file damaged, or in UTF-16?")


def whole(given: object) -> bool:
    """Whether it is a whole number, which true and false are not."""
    return isinstance(given, int) and not isinstance(given, bool)


def kind(given: object, tell: bool = False) -> str:
    """What a value is, in the words of JSON; ``tell``: a whole number is told."""
    if tell and whole(given):
        return str(given)
    kinds: tuple[tuple[type | tuple[type, ...], str], ...] = (
        (bool, "true or false"), ((int, float), "a number"), (str, "a string"), ((list, tuple), "a list"),
        (dict, "an object"),
    )  # fmt: skip
    return next((name for types, name in kinds if isinstance(given, types)), "null")
