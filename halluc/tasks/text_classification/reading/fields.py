"""Which fields of a row are the text, the label and the id: the configured ones, or the only ones that fit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from halluc.core.errors import did_you_mean
from halluc.data.config import Column
from halluc.data.reader import Unmapped
from halluc.data.rows.delimited import DELIMITERS
from halluc.data.rows.row import MEND, Unreadable, quoted
from halluc.tasks.text_classification.reading.config import TextsConfig

Row = Mapping[str | int, Any]

TOKENS, SECOND = "tokens", "second"
_PAIRS = (
    ("premise", "hypothesis"), ("sentence1", "sentence2"), ("question1", "question2"), ("text1", "text2"),
    ("text_a", "text_b"), ("sentence_a", "sentence_b"), ("query", "passage"),
)  # fmt: skip
_TEXTS = (
    "text", "sentence", "content", "review", "tweet", "question", "utterance", "comment", "comment_text", "message",
    "body", "document", "headline", "query", "data",
)  # fmt: skip
_LABELS = (
    "label", "labels", "category", "class", "intent", "sentiment", "target", "topic", "emotion", "rating", "stars",
    "gold", "gold_label",
)  # fmt: skip
# Fields that are neither text nor label, even if their values fit.
_OTHERS = frozenset((
    "id", "idx", "index", "uid", "uuid", "guid", "pairid", "url", "link", "date", "time", "timestamp", "created_at",
    "updated_at", "source", "lang", "language", "author", "user", "username", "annotator", "split", "meta",
))  # fmt: skip


@dataclass(frozen=True, slots=True)
class TextFields:
    """The fields of an example in a row; a row without the text field may have ``tokens``.

    ``labels`` are the label columns, several if each label has its own; empty without labels. ``was_guessed``: the text
    is in another field than configured.
    """

    text: Column
    second: Column | None
    labels: tuple[Column, ...]
    id: Column | None
    was_guessed: bool = False

    def describe(self, row: Row, labelled: bool) -> str:
        """The fields in one line, the labels if they are read; ``row`` is the first row."""
        roles: list[tuple[str, Sequence[Column | None]]] = [
            ("text", [self.text if self.text in row else TOKENS]),
            ("second text", [] if self.second is None else [self.second]),
            ("label" if len(self.labels) < 2 else "labels", self.labels if labelled else ()),
            ("id", [self.id] if self.id in row else []),
        ]
        return "; ".join(f"{what}: {', '.join(map(_column_name, columns))}" for what, columns in roles if columns)


def choose(row: Row, config: TextsConfig, *, labelled: bool) -> TextFields:
    """The fields of the rows of a file, from its first row.

    Args:
        labelled: the rows must have labels.

    Raises:
        Unmapped D116: a field does not exist, and no field or several could replace it.
    """
    second = _second(row, config)
    text = _text(row, config, second, labelled)
    labels = _labels(row, config, {text, second}, labelled)
    return TextFields(
        text, second, labels, config.id_field, text != config.text_field and isinstance(config.text_field, str)
    )


def item_fields(row: Row, config: TextsConfig, *, labelled: bool) -> TextFields:
    """The fields of a row that is a JSON list: [text, label], or [text, second text, label].

    Raises:
        Unreadable D107: it has another length.
    """
    texts = 1 if config.second_field is None else 2
    if len(row) != texts + 1 and (labelled or len(row) != texts):
        form = "[text, label]" if texts == 1 else "[text, second text, label]"
        raise Unreadable(
            "D107", f"an item must be {form}, or an object with fields, but this is a list of {len(row)}", MEND
        )
    return TextFields(0, 1 if texts == 2 else None, (texts,) if len(row) > texts else (), None)


def is_header(text: object, label: object) -> bool:
    """Whether a text and its label are common column names, as in a header that was read as a row."""
    names = (str(text).strip().casefold(), str(label).strip().casefold())
    return names[0] in _TEXTS and names[1] in _LABELS


def _second(row: Row, config: TextsConfig) -> Column | None:
    column = _configured_column(config.second_field, row, SECOND)
    if column is not None and column not in row and TOKENS not in row:
        raise _unmapped(row, column, "second_field")
    return column


def _text(row: Row, config: TextsConfig, second: Column | None, labelled: bool) -> Column:
    configured = _configured_column(config.text_field, row, "text")
    if configured is not None and (configured in row or TOKENS in row):
        return configured
    if configured != "text":
        raise _unmapped(row, configured, "text_field")
    names = [name for name in row if isinstance(name, str)]
    folded = {name.casefold(): name for name in names}
    for first, other in _PAIRS:
        if first in folded and other in folded:
            if second == folded[other]:
                return folded[first]
            if second is None:
                raise Unmapped(
                    "D116",
                    f"`{folded[first]}` and `{folded[other]}` could both be the text",
                    f"set `data.text_field: {folded[first]}`, and for pairs `data.second_field: {folded[other]}`",
                )
    free = [name for name in names if name not in (second, config.id_field, *config.label_columns)]
    known = [name for name in free if name.casefold() in _TEXTS and isinstance(row[name], str)]
    if len(known) == 1 or "text" in folded:
        return folded["text"] if "text" in folded else known[0]
    if not known and not labelled and len(names) == 1:  # in CSV without a header, the name is the first text
        problem, _ = missing_field_error(row, "text", "text_field")
        raise Unmapped("D116", problem, f"set `data.text_field: {names[0]}`, or `data.text_field: 0` without a header")
    others = {*_OTHERS, *_LABELS}
    return _only_candidate(
        row, known or [n for n in free if isinstance(row[n], str) and n.casefold() not in others], "text", labelled
    )


def _labels(row: Row, config: TextsConfig, used: set[Column | None], labelled: bool) -> tuple[Column, ...]:
    columns = config.label_columns
    if isinstance(config.label_field, list):
        missing = [column for column in columns if column not in row]
        if missing and labelled:
            raise _unmapped(row, missing[0], "label_field")
        return () if missing else columns
    configured = _configured_column(columns[0], row, "label")
    if configured is not None and configured in row:
        return (configured,)
    if not labelled:
        return ()
    if configured != "label":
        raise _unmapped(row, configured, "label_field")
    free = [name for name in row if name not in (*used, config.id_field, TOKENS, SECOND) and isinstance(name, str)]
    known = [name for name in free if name.casefold() in _LABELS]
    exact = [name for name in known if name.casefold() in ("label", "labels")]
    others = [name for name in free if isinstance(row[name], (str, int, list)) and name.casefold() not in _OTHERS]
    return (_only_candidate(row, (exact if len(exact) == 1 else known) or others, "label"),)


def _configured_column(column: Column | None, row: Row, usual: str) -> Column | None:
    """The configured column; if it is a number and rows only have names, the usual name."""
    return usual if isinstance(column, int) and not any(isinstance(name, int) for name in row) else column


def _only_candidate(row: Row, candidates: Sequence[Any], what: str, labelled: bool = True) -> Column:
    if len(candidates) == 1:
        column: Column = candidates[0]
        return column
    if not candidates:
        raise _unmapped(row, what, f"{what}_field")
    problem = f"no field `{what}`; several could be the {what}: {quoted(candidates, ' or ')}"
    near = did_you_mean(what, list(candidates)) or candidates[0]
    help = f"set one, for example `data.{what}_field: {near}`"
    if all(isinstance(name, str) and isinstance(row[name], str) for name in row):  # this may be CSV
        numbers = _example_keys(row, labelled)
        if any(" " in name or name.isdecimal() for name in map(str, row)):
            help = f"if the first row is not a header, set columns by number, for example {numbers}; else {help}"
        else:
            help += f"; for CSV without a header, set numbers, for example {numbers}"
    raise Unmapped("D116", problem, help)


def _example_keys(row: Row, labelled: bool) -> str:
    """Example keys for a file without a header: the longest cell of the first row is the text."""
    names = list(map(str, row))
    text = max(range(len(names)), key=lambda place: len(names[place]))
    label = f", `data.label_field: {int(not text)}`" if labelled else ""
    return f"`data.text_field: {text}`{label}"


def _unmapped(row: Row, configured: Column | None, key: str) -> Unmapped:
    return Unmapped("D116", *missing_field_error(row, configured, key))


def missing_field_error(row: Iterable[str | int], configured: Column | None, key: str) -> tuple[str, str]:
    """The error for a row without the field ``configured`` of ``data.<key>``, with advice."""
    names = [name for name in row if isinstance(name, str)]
    if not names:
        return f"no {_column_name(configured)}; there are {len(list(row))}", f"columns count from 0; see `data.{key}`"
    near = did_you_mean(str(configured), names, cutoff=0.7)
    help = f"did you mean `data.{key}: {near}`?" if near else f"set the field with `data.{key}`"
    if len(names) == 1 and (cut := next((one for one in DELIMITERS if one in names[0]), None)) is not None:
        shown_cut = "tab" if cut == "\t" else f'"{cut}"'
        help = f"the row is not split: did you mean `data.delimiter: {shown_cut}`?"
    elif key == "label_field" and not near:
        help += "; a text without any label has an empty list"
    return f"no field {_column_name(configured)}; it has {quoted(names)}", help


def _column_name(column: Column | None) -> str:
    return f"column {column}" if isinstance(column, int) else f"`{column}`"
