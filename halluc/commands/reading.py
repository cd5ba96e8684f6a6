"""How ``predict`` reads its input: what a person asks for, over what the run's own data had."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from halluc.core.errors import HallucError
from halluc.data.readers.texts_config import Column
from halluc.data.streams import LineStream
from halluc.data.texts import Item
from halluc.data.texts_fields import Fields
from halluc.data.texts_reading import read_texts
from halluc.data.texts_rows import with_delimiter
from halluc.data.texts_sniffing import Format, sniff
from halluc.data.tokenization import Tokenize

_TABS = ("\\t", "tab")  # what shells make hard to type


@dataclass(frozen=True)
class Reading:
    """What is asked for; None where the input, the run or its data tells. A column of digits alone is a number."""

    format: Format | None = None
    tokenize: Tokenize | None = None
    look_ahead: int = 512
    text_field: str | None = None
    second_field: str | None = None
    delimiter: str | None = None
    header: bool | None = None
    quoting: bool | None = None

    def fields(self, task: Any, data: object) -> Fields:
        """Those of the run's ``data`` with what is asked for instead.

        Raises:
            HallucError C016: options that do not go together, or with the task.
        """
        found = Fields.of(data)
        if self.text_field is not None:
            found = replace(found, text=_column(self.text_field, "--text-field"))
        if self.second_field is not None:
            found = replace(found, second=_column(self.second_field, "--second-field"))
        if self.delimiter is not None:
            found = replace(found, delimiter="\t" if self.delimiter in _TABS else self.delimiter)
        if self.header is not None:
            found = replace(found, header=self.header)
        if self.quoting is not None:
            found = replace(found, quoting=self.quoting)
        found = replace(found, borders=task.takes_pairs)
        self._refuse(task, found)
        return found

    def _refuse(self, task: Any, fields: Fields) -> None:
        if fields.second is not None and not task.takes_pairs:
            raise HallucError("C016", f"--second-field: {task.name} reads one text at a time", help="leave it out")
        if fields.second is not None and self.format == "conll":
            help = "give pairs as JSON Lines, as CSV, or one a line with a tab between"
            raise HallucError("C016", "columns of tokens have no second text, and the model is one of pairs", help=help)
        asked = self._of_columns
        if asked and self.format in ("text", "conll"):
            raise HallucError("C016", f"{asked[0]} does not go with --format {self.format}", help="see --format csv")
        rows_only = [option for option in asked if option != "--text-field"]
        if rows_only and self.format == "jsonl":
            raise HallucError("C016", f"{rows_only[0]} does not go with --format jsonl", help="see --format csv")
        if str(fields.text) == str(fields.second):
            raise HallucError("C016", f"both texts of a pair in one field, `{fields.text}`", help="name another")
        if fields.header is False and fields.names and self.header is False:
            help = "name them by number: `--text-field 0`" + (
                ", `--second-field 1`" if fields.second is not None else ""
            )
            raise HallucError("C016", f"--no-header: no column is called `{fields.names[0]}`", help=help)
        if fields.delimiter != "auto" and (len(fields.delimiter) != 1 or fields.delimiter in '"\r\n'):
            help = "it is one character, such as `,` or `;`, and no quote; `tab` is a tab"
            raise HallucError("C016", f"--delimiter {fields.delimiter!r} is none", help=help)

    @property
    def _of_columns(self) -> list[str]:
        """The options that are given and speak of columns or fields."""
        given = {"--delimiter": self.delimiter, "--header": self.header, "--quoting": self.quoting}
        given["--text-field"] = self.text_field
        return [option for option, value in given.items() if value is not None]

    def texts(self, lines: LineStream, fields: Fields, tokenize: Tokenize, task: Any) -> tuple[str, Iterator[Item]]:
        """How the input is read, in words, and its texts.

        Raises:
            HallucError D104, D114, D116, D117: of columns, see ``data.texts_rows``.
        """
        form, everything = self.format, iter(lines)
        if form is None:
            form, everything = sniff(lines, fields, lines.name, tags="conll" in task.formats)
            form = "csv" if self._of_columns and form != "jsonl" else form
        if form == "csv":
            fields, everything = with_delimiter(everything, fields, lines.name, lines.waits)
        told = f"read as {form}{_told(form, fields)}" + ("" if form == "conll" else f", texts cut into {tokenize}")
        return told, read_texts(everything, form, tokenize, fields, lines.name)


def _column(text: str, option: str) -> Column:
    if not text:
        raise HallucError("C016", f"{option} is empty", help="is a shell variable unset?")
    return int(text) if text.isascii() and text.isdigit() else text


def _told(form: Format, fields: Fields) -> str:
    """Where the texts stand, where this is not plain."""
    if form == "csv":
        cut = "tabs" if fields.delimiter == "\t" else f"`{fields.delimiter}`"
        places = " and ".join(f"`{column}`" if isinstance(column, str) else str(column) for column in fields.columns)
        return f" (cut at {cut}, column{'s' * (len(fields.columns) > 1)} {places})"
    return " (pairs)" if fields.second is not None else ""
