"""Reads the input of ``predict``: like the run's own data, changed by the options of the command line."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from halluc.components import TABLE
from halluc.core import registry
from halluc.core.errors import HallucError
from halluc.data.config import ONLY_WITH, TABS, DataConfig
from halluc.data.inputs import Item, raw
from halluc.data.reader import Reader, Unmapped
from halluc.data.rows.reading import Rows, detected, read_rows
from halluc.data.rows.row import BadLine, Format, Layout, Notice, Row, Unreadable
from halluc.data.rows.streams import TextStream
from halluc.data.tokenization import Tokenizer
from halluc.task import AnyTask

# Keys of `data` in messages, and the corresponding options.
_KEY = re.compile(r"`data\.(\w+)(?:: ([^`]*))?`")
# Parts of messages that do not apply: input cannot be skipped, and has no labels.
_NOT_HERE = re.compile(r",? or set `data\.on_bad_line: skip`|; \"LABEL text\" lines.*|; a text without any label.*")
_FLAGS = ("header", "quoting")
_OPTIONS = ("format", "encoding", "text_field", "second_field", "delimiter", "tokenize", *_FLAGS)
# Formats without named or numbered fields.
_BARE = ("text", "conll")


@dataclass(frozen=True)
class Reading:
    """The format of the input, if it is set, and ``options`` by the keys of ``data``."""

    options: Mapping[str, Any]
    format: Format | None = None
    look_ahead: int = 512

    def reader(self, task: AnyTask, data: DataConfig | None) -> Reader:
        """The task's reader, with the keys of the run's own ``data`` and the options that replace them.

        Raises:
            HallucError C016: options that cannot be combined, or do not apply to the task.
        """
        kind = registry.load(TABLE, "reader", task.name)
        options = {key: _value(key, value) for key, value in self.options.items() if value is not None}
        self._refuse(task, options)
        config: Any = (data or kind.Config.model_construct()).model_copy(update=options)
        second = getattr(config, "second_field", None)
        if second is not None and self.format == "conll":
            help = "give pairs as JSON Lines, as CSV, or one pair per line separated by a tab"
            raise HallucError("C016", "columns of tokens have no second text, but the model needs pairs", help=help)
        if second is not None and str(second) == str(config.text_field):
            raise HallucError("C016", f"both texts of a pair are in the same field, `{second}`", help="name another")
        names = [name for name in _text_fields(config) if isinstance(name, str)]
        if options.get("header") is False and names:
            numbers = ", ".join(
                f"`--{key} {at}`" for at, key in enumerate(("text-field", "second-field")[: len(names)])
            )
            raise HallucError(
                "C016", f"--no-header: there is no column named `{names[0]}`", help=f"set it by number: {numbers}"
            )
        result: Reader = kind(config)
        return result

    def _refuse(self, task: AnyTask, options: Mapping[str, Any]) -> None:
        if "second_field" in options and not task.examples.takes_pairs:
            raise HallucError("C016", f"--second-field: {task.name} reads one text at a time", help="remove it")
        for key in options if self.format is not None else ():
            formats = ONLY_WITH.get(key, ())
            if self.format not in formats if formats else key == "text_field" and self.format in _BARE:
                message = f"--{key.replace('_', '-')} cannot be combined with --format {self.format}"
                raise HallucError("C016", message, help="see --format csv")

    def texts(
        self, source: TextStream, reader: Reader, task: AnyTask, notify: Callable[[str], None]
    ) -> tuple[str, Iterator[Item]]:
        """A description of how the input is read, and its texts.

        Args:
            notify: is called with messages about the input once it was read.

        Raises:
            HallucError D104, D114, D116, D117: of columns, see ``data.rows``.
        """
        config = reader.config
        layout = config.layout()
        layout = replace(
            layout, format=self.format or "auto", label_position="first", requested_fields=tuple(_text_fields(config))
        )
        form = self._format(source, layout, task)
        try:
            _, rows = read_rows(source, _adjust_layout(form, layout, config, source))
        except HallucError as error:
            raise _rewrite_help(error) from None
        tokenizer, is_pair = Tokenizer.of(config), getattr(config, "second_field", None) is not None
        text = f"read as {form}{' (pairs)' if is_pair else ''}"
        text += "" if form == "conll" else f", texts split into {tokenizer.tokenize}"
        if form == "text" and not reader.has_marked_lines:
            return text, _items(rows, lambda row: raw(row, tokenizer, is_pair), form, notify)
        return text, _items(_report_fields(rows, reader, notify), reader.input_of, form, notify)

    def _format(self, source: TextStream, layout: Layout, task: AnyTask) -> Format:
        """The requested format, or the one detected from the name and the first lines of the input, regardless of the
        columns of the run's own data."""
        if self.format is not None:
            return self.format
        columns = [key for key in ("text_field", "delimiter", *_FLAGS) if self.options.get(key) is not None]
        formats: tuple[Format, ...] = (
            "jsonl",
            "json",
            "csv",
            *(("conll",) if "conll" in task.examples.formats else ()),
            "text",
        )
        form = detected(
            source, replace(layout, formats=formats, delimiter="auto", header="auto", requested_fields=layout.names)
        )
        return "csv" if columns and form not in ("jsonl", "json") else form


def _adjust_layout(form: Format, layout: Layout, config: Any, source: TextStream) -> Layout:
    """The layout of the input, given its format: for columns of tokens only the token column is requested."""
    layout = replace(layout, format=form)
    if form != "conll":
        return layout
    column = getattr(config, "token_column", 0)
    layout = replace(layout, token_columns=(column,), requested_fields=(column,))
    first = next((line[1] for line in source.head() if not isinstance(line, BadLine) and line[1].strip()), "")
    # A token may contain a blank if tabs separate the columns.
    return replace(layout, separator="tab") if layout.separator == "whitespace" and "\t" in first else layout


def _text_fields(config: Any) -> list[str | int]:
    """The fields of the texts: those of gold may be missing."""
    result = (getattr(config, key, None) for key in ("text_field", "second_field"))
    return [column for column in result if column is not None]


def _value(key: str, value: Any) -> Any:
    """The value of an option, as the value of a key.

    Raises:
        HallucError C016: it is invalid.
    """
    option = f"--{key.replace('_', '-')}"
    if key == "delimiter":
        value = "\t" if value in TABS else value
        if len(value) != 1 or value in '"\r\n':
            help = "it must be one character, such as `,` or `;`, but not a quote; `tab` means a tab"
            raise HallucError("C016", f"{option} {value!r} is not a delimiter", help=help)
    if value == "":
        raise HallucError("C016", f"{option} is empty", help="a shell variable may be unset")
    if key == "encoding":
        try:
            "".encode(value)
        except (LookupError, ValueError):
            raise HallucError(
                "C016", f"{option} {value!r} is not an encoding", help="possible are utf-8, utf-16, latin-1, cp1252, …"
            ) from None
    return int(value) if key.endswith("_field") and value.isascii() and value.isdigit() else value


def _report_fields(rows: Rows, reader: Reader, notify: Callable[[str], None]) -> Rows:
    """The rows; the fields that are read are reported as soon as the first row was read."""
    is_reported = False
    for row in rows:
        yield row
        if not is_reported and reader.mapping:
            notify(f"fields: {reader.mapping}")
            is_reported = True


def _items(
    rows: Rows, input_of: Callable[[Row], Any], form: Format, notify: Callable[[str], None]
) -> Iterator[Item]:  # fmt: skip
    """Each text, or the reason why it cannot be read, in order."""
    try:
        for row in rows:
            if isinstance(row, Notice):
                notify(f"warning: {row.file}:{row.line}: {options_help(row.what)}")
            elif isinstance(row, BadLine):
                yield _add_help(row)
            else:
                try:
                    yield input_of(row)
                except Unmapped as bad:
                    if form == "csv":  # all rows have the same columns
                        raise row.bad(bad).error() from None
                    yield _add_help(row.bad(bad))
                except Unreadable as bad:
                    yield _add_help(row.bad(bad))
    except HallucError as error:
        raise _rewrite_help(error) from None


def _add_help(bad: BadLine) -> BadLine:
    return replace(bad, help=options_help(bad.help) or "fix it; to read plain text, use `--format text`")


def _rewrite_help(error: HallucError) -> HallucError:
    return HallucError(error.code, error.message, error.where, options_help(error.help), error.exit_code)


def options_help(help: str | None) -> str | None:
    """An advice with options of the command line instead of keys of a config."""
    return None if help is None else _KEY.sub(_option, _NOT_HERE.sub("", help))


def _option(match: re.Match[str]) -> str:
    key, value = match.groups()
    if key not in _OPTIONS:
        return f"`{key}` in the config of the run"
    if key in _FLAGS:
        return f"`--no-{key}`" if value == "false" or (value is None and key == "quoting") else f"`--{key}`"
    named = f"--{key.replace('_', '-')}"
    return f"`{named}`" if value is None else f"`{named} {shlex.quote(value.strip(chr(34)))}`"
