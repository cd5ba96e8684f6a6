"""The labels of a text: split, named, truncated to their level; and values that mean no label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from halluc.core.labels import MOST_CHARACTERS, label_fault
from halluc.data.config import Column
from halluc.data.fields import kind, nul, whole, written_list
from halluc.data.rows.row import MEND, Notice, Skipped, Unreadable
from halluc.tasks.text_classification.reading.config import TextsConfig

LabelsAndRepairs = tuple[tuple[str, ...], tuple[str, ...]]
# The maximum number of cached values.
_MOST_CACHED = 10_000
# The name of null in `data.out_of_scope_label`.
NULL = "null"
_TRUE = {1: True, "1": True, "1.0": True, "true": True, 0: False, "0": False, "0.0": False, "false": False, "": False}
_HIDDEN = "-1"
# Common notations of missing values, and common separators of several labels in a cell.
_MISSING = ("NaN", "nan", "None", "null", "NULL", "N/A", "n/a", "#N/A", "<NA>")
_SEPARATORS = ("|", ";", ",")


class Labels:
    """Reads the labels of the texts of one file.

    Args:
        outside: all texts are out of scope.
        hides: the file is of the hub, where -1 means that labels are not published.
    """

    def __init__(self, config: TextsConfig, file: str, *, outside: bool = False, hides: bool = False) -> None:
        self.config, self.file, self.outside, self._hides = config, file, outside, hides
        self._none = {_key(value) for value in config.no_label}
        names = config.label_names
        pairs = enumerate(names) if isinstance(names, list) else (names or {}).items()
        self._names = {str(number).strip(): name for number, name in pairs}
        self._cached: dict[Any, LabelsAndRepairs] = {}
        self._values: dict[str, int] = {}
        self._are_cells = True  # unless labels are in lists
        self._written: tuple[int, str] | None = None
        self.reports_written = True  # unless the mapping says it already

    def of(self, given: object, line: int) -> LabelsAndRepairs:
        """The labels, sorted and without repetitions, and the repairs; empty for a text that is out of scope.

        Raises:
            Unreadable D107: a label has a wrong type. D119: a NUL. D123: there is no label, an invalid one, or a label
                of an out-of-scope text.
            Skipped: a value of ``data.no_label``.
        """
        is_plain = type(given) is str or type(given) is int
        if is_plain and given in self._cached:
            return self._cached[given]
        if self.outside and (given is None or given in ("", [])):
            return (), ()
        labels = self._parse_names(self._as_list(given, line), line)
        if is_plain and len(self._cached) < _MOST_CACHED:
            self._cached[given] = labels
        return labels

    def parse_columns(self, columns: Sequence[Column], cells: tuple[object, ...], line: int) -> LabelsAndRepairs:
        """The labels of a row with one column per label, which has 0 or 1, true or false, or an empty cell.

        Raises:
            Unreadable D123: a cell with another value.
        """
        names: list[object] = []
        for column, cell in zip(columns, cells, strict=True):
            if self._none and _key(cell) in self._none:
                raise Skipped(f"`{column}` is {_describe(cell)}")
            value = cell.strip().casefold() if isinstance(cell, str) else "" if cell is None else cell
            if not isinstance(value, (str, int, float)) or value not in _TRUE:
                raise Unreadable(
                    "D123",
                    f"`{column}` is {_describe(cell)}: the column of a label must be 0 or 1, or true or false",
                    "fix it, or list the values to skip in `data.no_label`",
                )
            if _TRUE[value]:
                names.append(str(column))
        return self._parse_names(names, line)

    def notices(self) -> Iterator[Notice]:
        """Messages about the labels that were read."""
        if self._written is not None and self.reports_written:
            line, text = self._written
            what = f"labels are lists written as text, such as `{text}`: each item is read as a label"
            yield Notice(self.file, line, what)
        others = self._values.keys() - {_HIDDEN}
        if _HIDDEN in self._values and others != {"1"} and all(map(str.isdecimal, others)):
            what = "the label -1 occurs with labels numbered from 0: if it means 'no label', set "
            what += "`data.no_label: [-1]`; if it is a label, add it to `data.label_names`"
            yield Notice(self.file, self._values[_HIDDEN], what)
        for name in _MISSING:
            if name in self._values and len(self._values) > 1 and name != self.config.out_of_scope_label:
                what = f"the label `{name}` may be a missing value: if it means 'no label', set "
                yield Notice(self.file, self._values[name], f'{what}`data.no_label: ["{name}"]`')
        if (joined := self._unsplit_value()) is not None:
            name, separator = joined
            what = f'`{name}` is read as one label: if there are several, set `data.multi_separator: "{separator}"`'
            yield Notice(self.file, self._values[name], what)

    def _unsplit_value(self) -> tuple[str, str] | None:
        """A value that seems to contain several labels, and their separator.

        A part of it is a label by itself, or occurs in another such value.
        """
        for separator in _SEPARATORS if self._are_cells else ():
            if separator in (self.config.label_separator, self.config.multi_separator):
                continue
            parts = {name: {part.strip() for part in name.split(separator)} for name in self._values}
            counts = Counter(part for of_name in parts.values() for part in of_name)
            for name, of_name in parts.items():
                if separator in name and "" not in of_name and any(counts[part] > 1 for part in of_name):
                    return name, separator
        return None

    def _parse_names(self, given: Sequence[object], line: int) -> LabelsAndRepairs:
        names: list[str] = []
        repairs: list[str] = []
        for one in given:
            name = self._name(one, line)
            if isinstance(one, str) and one != one.strip():
                repairs.append(f"white space around the label `{one.strip()}`")
            if name in names:
                repairs.append(f"the label `{name}` is repeated")
            else:
                names.append(name)
        return tuple(sorted(self._in_scope_labels(names))), tuple(repairs)

    def _in_scope_labels(self, names: list[str]) -> list[str]:
        if self.config.out_of_scope_label in names:
            if len(names) > 1:
                text = ", ".join(f"`{name}`" for name in names)
                raise Unreadable(
                    "D123", f"out of scope, but with a label: {text}", "an out-of-scope text cannot have another label"
                )
            return []
        if self.outside and names:
            raise Unreadable(
                "D123",
                f"the label `{names[0]}` in a file of out-of-scope texts",
                "remove the labels, or use the file as `data.test` with `data.out_of_scope_label`",
            )
        return names

    def _name(self, given: object, line: int) -> str:
        """The name of a label, truncated to its level; it may be the one for out of scope."""
        if not isinstance(given, str) and not whole(given):
            raise Unreadable(
                "D107",
                f"the label is {kind(given)}, not a string",
                "a label must be a string, a whole number, or a list of them; or set `data.on_bad_line: skip`",
            )
        name = str(given).strip()
        if self._names:
            name = self._label_name(name)
        elif self._hides and given == -1:
            raise Unreadable(
                "D123",
                "-1 is not a class of the label",
                "the labels of this split may be hidden: use dev, or skip such rows with `data.no_label: [-1]`",
            )
        elif len(self._values) < _MOST_CACHED:
            self._values.setdefault(name[:_MOST_CACHED], line)
        _refuse_invalid(name)
        config = self.config
        if config.label_separator is None or config.label_level is None or name == config.out_of_scope_label:
            return name
        parts = [part.strip() for part in name.split(config.label_separator)]
        if not all(parts):
            raise Unreadable("D123", f"the label `{name}` has an empty part", "fix it, or see `data.label_separator`")
        return config.label_separator.join(parts[: config.label_level])

    def _label_name(self, number: str) -> str:
        if number in self._names:
            return self._names[number]
        if number in self._names.values() or number == self.config.out_of_scope_label:
            return number
        raise Unreadable(
            "D123",
            f"`data.label_names` has no name for the label {number[:80]}",
            "add it there, or skip its rows with `data.no_label`",
        )

    def _as_list(self, given: object, line: int) -> list[object]:
        """The labels of a text as a list, without values that mean no label."""
        config = self.config
        if self._none and not isinstance(given, list) and _key(given) in self._none:
            raise Skipped(f"`{self._field}` is {_describe(given)}")
        if isinstance(given, str) and config.multi_separator is not None:
            given = [part.strip() for part in given.split(config.multi_separator) if part.strip()]
        elif isinstance(given, str) and (items := written_list(given)) is not None:
            self._written = self._written or (line, given[:80])
            given = list(items)
        if isinstance(given, list):
            self._are_cells = False
            kept = [one for one in given if _key(one) not in self._none] if self._none else given
            if given and not kept:
                raise Skipped(f"`{self._field}` is {_describe(given)}")
            return kept
        if given is None and config.out_of_scope_label == NULL:
            return [NULL]
        if given is None:
            raise Unreadable(
                "D123",
                f"`{self._field}` is null",
                "for a text without labels write an empty list; for an out-of-scope text, `data.out_of_scope_label`; "
                "to skip such rows, set `data.no_label: [null]`",
            )
        if isinstance(given, str) and not given.strip():
            raise Unreadable(
                "D123",
                "no label",
                "if texts may have several labels or none, set `data.multi_separator`; to skip such rows, set "
                '`data.no_label: [""]`',
            )
        return [given]

    @property
    def _field(self) -> Column:
        return self.config.label_columns[0]


def _key(value: object) -> str | None:
    return None if value is None else str(value).strip()


def _describe(value: object) -> str:
    return "empty" if value in ("", None) else f"{str(value)[:80]!r}" if isinstance(value, str) else str(value)[:80]


def _refuse_invalid(name: str) -> None:
    """Refuse invalid labels; a NUL means a damaged file."""
    if "\0" in name:
        raise nul("label")
    if (fault := label_fault(name)) is None:
        return
    help = MEND if name else "for a text without labels, write an empty list"
    if len(name) > MOST_CHARACTERS:
        help = "check whether this is the text: see `data.label_field` and `data.text_field`"
    raise Unreadable("D123", fault, help)
