"""Texts to predict on in columns (CSV, TSV), read as the reader of labelled texts reads them, without labels."""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from halluc.core.errors import HallucError, Location, data_error
from halluc.data.readers.base import BadLine
from halluc.data.readers.jsonl import Unreadable
from halluc.data.readers.lines import Line, excerpt
from halluc.data.readers.texts_columns import Columns
from halluc.data.readers.texts_config import TextsConfig
from halluc.data.readers.texts_csv import DELIMITERS, Row, rows, told_delimiter
from halluc.data.readers.texts_found import Found
from halluc.data.texts import Item, paired, single
from halluc.data.texts_fields import Fields
from halluc.data.tokenization import Tokenize

# What is looked at before the delimiter must be clear.
_LINES, _CHARACTERS = 200, 1 << 20
_KEY = re.compile(r"`data\.(text_field|second_field|delimiter|header|quoting)(?:: ([^`]*))?`")


def texts_of_rows(lines: Iterable[Line], fields: Fields, tokenize: Tokenize, file: str) -> Iterator[Item]:
    """Each row as a text or a pair, or why it cannot be read; the delimiter is known.

    Raises:
        HallucError D116: a column is not there, or stands there twice.
    """
    config = TextsConfig.model_construct(
        format="texts", text_field=fields.text, second_field=fields.second, id_field=fields.id,
        delimiter=fields.delimiter, header=fields.header, quoting=fields.quoting, max_line_bytes=fields.most,
    )  # fmt: skip
    try:
        for found in Columns(config, file, outside=True).texts((), lines):
            if isinstance(found, BadLine):
                yield replace(found, help=as_options(found.help))
            else:
                yield _text(found, tokenize, fields.most)
    except HallucError as error:
        raise HallucError(error.code, error.message, error.where, as_options(error.help), error.exit_code) from None


def _text(found: Found, tokenize: Tokenize, most: int) -> Item:
    first, second = str(found.text), found.second if isinstance(found.second, str) else None
    identity = found.id if isinstance(found.id, str) and found.id.strip() else f"line-{found.line}"
    try:
        if len(first) + len(second or "") > most:
            help = "cut it into several texts; or is a quote open? see `--no-quoting`"
            raise Unreadable("D114", f"a text of more than {most:,} characters", help)
        if second is None:
            return single(found.line, identity, first, tokenize)
        return paired(found.line, identity, first, second, tokenize)
    except Unreadable as bad:
        return BadLine(bad.code, "", found.line, bad.problem, bad.help)


def with_delimiter(
    lines: Iterable[Line], fields: Fields, file: str, waits: Callable[[], bool]
) -> tuple[Fields, Iterator[Line]]:
    """The fields with the delimiter that the first lines tell, and all the lines.

    A header that names the columns is enough; else as many lines are looked at as are there before the next one
    ``waits``.

    Raises:
        HallucError D104, D114: the header cannot be read. D117: the delimiter cannot be told.
    """
    source, head, size = iter(lines), [], 0
    told = fields.delimiter if fields.delimiter != "auto" else None
    for item in source:
        head.append(item)
        if isinstance(item, BadLine):
            if fields.has_header and not size:
                raise item.error()
            continue
        if told is None and not size:
            told = _of_header(item[1], fields)
        size += len(item[1].strip())
        if (told and size) or len(head) >= _LINES or size >= _CHARACTERS or waits():
            break
    if told is None:
        told = _of_rows([item for item in head if not isinstance(item, BadLine) and item[1].strip()], fields, file)
    return replace(fields, delimiter=told), itertools.chain(head, source)


def _of_header(line: str, fields: Fields) -> str | None:
    names, found = set(fields.names), {one: cells(line, one, fields.quoting) for one in DELIMITERS}
    return next((one for one in DELIMITERS if names and names <= {cell.strip() for cell in found[one]}), None)


def _of_rows(lines: Sequence[tuple[int, str]], fields: Fields, file: str) -> str:
    """The delimiter that most rows agree on; where only the first column is asked for, there may be no other."""
    found = told_delimiter(lines, fields.quoting, (), 2)
    if found is not None or not lines:
        return found or ","
    if fields.names or all(column == 0 for column in fields.columns):
        return DELIMITERS[0]  # what it has no column for is told where it is looked for
    problem = "the delimiter cannot be told: no one cuts the first lines into as many columns as are asked for"
    where = Location(file, lines[0][0], text=excerpt(lines[0][1])[0])
    raise data_error("D117", problem, where, 'name it, as `--delimiter ";"`')


def cells(line: str, delimiter: str, quoting: bool) -> list[str]:
    """The cells of a row of one line; none where it is broken."""
    return next((row.cells for row in rows([(1, line)], delimiter, quoting, "") if isinstance(row, Row)), [])


def as_options(help: str | None) -> str | None:
    """What a person is told to do, with options of the command line for keys of a config."""
    return None if help is None else _KEY.sub(_option, help)


def _option(match: re.Match[str]) -> str:
    key, value = match.groups()
    if key == "quoting":
        return "`--no-quoting`"
    named = f"--{key.replace('_', '-')}"
    plain = None if value is None else shlex.quote(value.strip('"'))
    return f"`{named}`" if plain is None else f"`{named} {plain}`"
