"""From what a file tells of one text to an example: tokens, labels, what is wrong and what was mended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from halluc.core.errors import did_you_mean
from halluc.core.examples import Labelled, Origin
from halluc.data.readers.base import BadLine
from halluc.data.readers.jsonl import Unreadable, strings, token_bounds
from halluc.data.readers.texts_config import TextsConfig
from halluc.data.readers.texts_csv import excerpt

_EMPTY = "take it out, or set `data.on_bad_line: skip`"
_MEND = "mend it, or set `data.on_bad_line: skip`"


class _Absent:
    """The value of a field that is not there, which null is not."""

    def __bool__(self) -> bool:
        return False


ABSENT = _Absent()


@dataclass(frozen=True, slots=True)
class Found:
    """What a file tells of one text: the line it begins on, its fields as they stand there, and what an error shows.

    ``text`` is a string, or a list of tokens, of which ``second`` may then be the place of the second text. ``number``
    counts texts where several may stand on a line.
    """

    line: int
    text: object
    label: object = ABSENT
    second: object = ABSENT
    id: object = ABSENT
    shown: str = ""
    number: int = 0

    def bad(self, file: str, why: Unreadable) -> BadLine:
        return BadLine(why.code, file, self.line, why.problem, why.help, *excerpt(self.shown))


def of_record(record: dict[str, Any], config: TextsConfig, line: int, shown: str, number: int = 0) -> Found:
    """A record of JSON or of the hub.

    Raises:
        Unreadable: it has neither text nor tokens.
    """
    second = record.get(str(config.second_field), ABSENT) if config.second_field is not None else ABSENT
    text = record.get(str(config.text_field), ABSENT)
    if isinstance(text, _Absent) and "tokens" in record:
        text, second = record["tokens"], record.get("second", ABSENT)
        if not isinstance(text, list):
            raise Unreadable("D107", "`tokens` is not a list of strings", _MEND)
        strings(record, "tokens")
    elif isinstance(text, _Absent):
        raise _without(record, str(config.text_field), "data.text_field")
    label = record.get(str(config.label_field), ABSENT)
    return Found(line, text, label, second, record.get(config.id_field, ABSENT), shown, number)


def _without(record: Mapping[str, Any], field: str, key: str) -> Unreadable:
    near = did_you_mean(field, record)
    have = ", ".join(f"`{name}`" for name in list(record)[:8]) or "nothing"
    help = f"did you mean `{key}: {near}`?" if near else f"name the field with `{key}`"
    return Unreadable("D107", f"no field `{field}`; it has {have}", help)


@dataclass(frozen=True)
class Maker:
    """Makes the examples of one file; ``outside``: one of texts without labels, all out of scope."""

    config: TextsConfig
    file: str
    outside: bool = False

    def example(self, found: Found, identity: str) -> tuple[Labelled, tuple[str, ...]]:
        """The example, and what was mended in it.

        Raises:
            Unreadable: it has no text, a text or label of the wrong kind, or no label.
        """
        tokens, second = self._tokens(found)
        labels, repairs = self._labels(found.label)
        name = found.id if isinstance(found.id, str) else str(found.id) if _whole(found.id) else ""
        return Labelled(name or identity, Origin(self.file, found.line), tokens, labels, second), tuple(repairs)

    def _tokens(self, found: Found) -> tuple[tuple[str, ...], int | None]:
        if isinstance(found.text, list):
            return _given(found.text, found.second)
        first = self._cut(found.text, self.config.text_field, "an empty text")
        if self.config.second_field is None:
            return first, None
        if isinstance(found.second, _Absent):
            raise Unreadable("D107", f"no field `{self.config.second_field}`: a pair has two texts", _EMPTY)
        return first + self._cut(found.second, self.config.second_field, "the second text is empty"), len(first)

    def _cut(self, text: object, field: object, empty: str) -> tuple[str, ...]:
        if text is None or text == "":
            raise Unreadable("D106", empty, _EMPTY)
        if not isinstance(text, str):
            raise Unreadable("D107", f"`{field}` is {_kind(text)}, not a string", _MEND)
        if "\0" in text:
            raise _nul("text")
        if not text.strip():
            raise Unreadable("D106", empty, _EMPTY)
        return tuple([text[start:end] for start, end in token_bounds(text, self.config.tokenize)])

    def _labels(self, given: object) -> tuple[tuple[str, ...], list[str]]:
        config = self.config
        if self.outside and (isinstance(given, _Absent) or given is None or given in ("", [])):
            return (), []
        if isinstance(given, _Absent):
            raise Unreadable("D123", f"no field `{config.label_field}`", "name it with `data.label_field`")
        names: list[str] = []
        repairs = []
        for one in _listed(given, config):
            name = self._name(one)
            if isinstance(one, str) and one != one.strip():
                repairs.append(f"blanks around the label `{one.strip()}`")
            if name in names:
                repairs.append(f"the label `{name}` stands twice")
            else:
                names.append(name)
        if config.out_of_scope_label in names:
            if len(names) > 1:
                told = ", ".join(f"`{name}`" for name in names)
                raise Unreadable("D123", f"out of scope and a label: {told}", "a text out of scope has no other label")
            names = []
        if self.outside and names:
            help = "take the labels out, or name the file in `data.test` with `data.out_of_scope_label`"
            raise Unreadable("D123", f"the label `{names[0]}` in a file of texts out of scope", help)
        return tuple(sorted(names)), repairs

    def _name(self, given: object) -> str:
        """One label, cut to its level, which may be the one that is out of scope."""
        if not isinstance(given, str) and not _whole(given):
            raise Unreadable("D107", f"the label is {_kind(given)}, not a string", _MEND)
        name = str(given).strip()
        if not name:
            raise Unreadable("D123", "an empty label", "a text without any label has an empty list of labels")
        if "\0" in name:
            raise _nul("label")
        config = self.config
        if config.label_separator is None or config.label_level is None or name == config.out_of_scope_label:
            return name
        parts = [part.strip() for part in name.split(config.label_separator)]
        if not all(parts):
            raise Unreadable("D123", f"the label `{name}` has an empty part", "mend it, or see `data.label_separator`")
        return config.label_separator.join(parts[: config.label_level])


def _listed(given: object, config: TextsConfig) -> list[object]:
    """The labels of a text, one or several."""
    if isinstance(given, list):
        return given
    if given is None:
        help = "a text without any label has an empty list; one out of scope, `data.out_of_scope_label`"
        raise Unreadable("D123", f"`{config.label_field}` is null", help)
    if config.multi_separator is not None and isinstance(given, str):
        return [part.strip() for part in given.split(config.multi_separator) if part.strip()]
    if isinstance(given, str) and not given.strip():
        help = "where texts may have several labels or none, set `data.multi_separator`"
        raise Unreadable("D123", "no label", help)
    return [given]


def _given(tokens: list[Any], second: object) -> tuple[tuple[str, ...], int | None]:
    """Tokens that are given as such, and the place of the second text among them."""
    if not tokens or not any(token.strip() for token in tokens):
        raise Unreadable("D106", "an empty text", _EMPTY)
    if any("\0" in token for token in tokens):
        raise _nul("text")
    if isinstance(second, _Absent) or second is None:
        return tuple(tokens), None
    if not isinstance(second, int) or isinstance(second, bool) or not 0 < second < len(tokens):
        problem = f"`second` is no place of a second text among {len(tokens)} tokens: {_kind(second, tell=True)}"
        raise Unreadable("D107", problem, _MEND)
    return tuple(tokens), second


def _nul(what: str) -> Unreadable:
    return Unreadable("D119", f"a NUL character in the {what}", "is the file damaged, or in UTF-16?")


def _whole(given: object) -> bool:
    return isinstance(given, int) and not isinstance(given, bool)


def _kind(given: object, tell: bool = False) -> str:
    """What a value is, in the words of JSON; ``tell``: a whole number is told."""
    if tell and _whole(given):
        return str(given)
    kinds: tuple[tuple[type | tuple[type, ...], str], ...] = (
        (bool, "true or false"), ((int, float), "a number"), (str, "a string"), (list, "a list"), (dict, "an object"),
    )  # fmt: skip
    return next((name for kind, name in kinds if isinstance(given, kind)), "null")
