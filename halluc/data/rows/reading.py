"""The rows of a reference or a stream, and the detection of its format: the entry point for all data."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

from halluc.core.errors import Location, data_error
from halluc.core.labels import UnknownTag, split_tag
from halluc.data.rows import columns, delimited, lines, records, tables, tmx
from halluc.data.rows.compressed import is_packed, unpacked_name, unreadable
from halluc.data.rows.references import HUB, SplitName, parts, resolve
from halluc.data.rows.row import BadLine, Format, Layout, Notice, Row
from halluc.data.rows.streams import HEAD_CHARACTERS, HEAD_LINES, TextStream

# At least as long as the first bytes of any format.
_LONGEST_MAGIC = 8

Rows = Iterator[Row | BadLine | Notice]


def open_rows(reference: str, split: SplitName, layout: Layout) -> tuple[str, Rows]:
    """The name of a file or data set, and its rows.

    Raises:
        HallucError D101: it does not exist, or cannot be read.
    """
    if reference.startswith(HUB):
        return reference, tables.of_hub(reference, split, layout.subset)
    path, lists = resolve(reference, split), parts(reference)[1]
    return str(path), _of_file(path, replace(layout, lists=lists))


def format_of(path: Path, layout: Layout) -> Format:
    """The format of a file: the one that the layout sets, otherwise detected from its name and first lines.

    Raises:
        HallucError D101: it cannot be read.
    """
    with _opened(path) as file:
        source = TextStream(file, str(path), layout.max_line_bytes, layout.encoding)
        return "table" if tables.is_table(source.begin) else detected(source, layout)


def is_compressed(path: Path) -> bool:
    """Whether a file is packed or a table, and therefore much smaller than its content.

    Raises:
        HallucError D101: it cannot be read.
    """
    with _opened(path) as file:
        begin = file.read(_LONGEST_MAGIC)
    return is_packed(begin) or tables.is_table(begin)


def _opened(path: Path) -> io.BufferedReader:
    try:
        return path.open("rb")
    except OSError as error:
        raise unreadable(str(path), error) from None


def _of_file(path: Path, layout: Layout) -> Rows:
    with _opened(path) as file:
        source = TextStream(file, str(path), layout.max_line_bytes, layout.encoding)
        is_table = tables.is_table(source.begin) or path.suffix.lower() in tables.SUFFIXES
        if layout.format == "table" or (layout.format == "auto" and is_table):
            yield from tables.of_file(path)
            return
        rows = read_rows(source, layout)[1]
        empty = BadLine(
            "D102", str(path), 1, "the file is empty", "check that this is the right file, and that it is complete"
        )
        yield next(rows, empty)
        yield from rows


def read_rows(source: TextStream, layout: Layout) -> tuple[Format, Rows]:
    """The format of a stream, set by the layout or detected from its first lines, and its rows.

    Raises:
        HallucError D116: a requested list or column is missing. D117: the delimiter cannot be determined.
    """
    if (bad := lines.binary(source.begin, source.name)) is not None:
        return layout.format, iter([bad])
    form = detected(source, layout)
    if layout.lists and form != "json":
        message = f"no list `{layout.lists[0]}` in {source.name}"
        help = "`#` selects lists of a JSON object: set `data.format: json`, or remove it"
        raise data_error("D116", message, help=help)
    return form, _ROWS[form](source, layout)


def _table(source: TextStream, layout: Layout) -> Rows:
    head = source.head() if layout.delimiter == "auto" else []
    return delimited.table(source.lines(), head, layout, source.name)


def _no_text(source: TextStream, layout: Layout) -> Rows:
    if layout.format == "auto":  # no format of the task fits
        formats = ", ".join(one for one in layout.formats if one != "hub")
        help = f"set `data.format`, or convert the file to one of: {formats}"
        raise data_error("D107", "the format of the file is not recognised", Location(source.name), help)
    message = f"{source.name} is a file, but `data.format: hub` reads datasets of the Hub"
    help = "write the dataset as `hub:NAME@REVISION#SPLIT`"
    raise data_error("D101", message, help=help)


_ROWS: dict[Format, Callable[[TextStream, Layout], Rows]] = {
    "jsonl": lambda source, layout: records.records(source.lines(), source.name),
    "json": lambda source, layout: records.items(
        source.chunks(), layout.lists, layout.names, source.name, layout.max_line_bytes
    ),
    "csv": _table,
    "conll": lambda source, layout: columns.sentences(source.lines(), layout, source.name),
    "lines": lambda source, layout: lines.labelled(source.lines(), layout, source.name),
    "text": lambda source, layout: lines.plain(source.lines(), source.name),
    "tmx": lambda source, layout: tmx.units(source.chunks(), source.name, layout.max_line_bytes),
    "hub": _no_text,
    "table": _no_text,
}


# A bracket that is the token of a column, followed by text that JSON does not allow.
_TOKEN = re.compile(rb"[\[{][ \t]+[^\s\[\]{}\"]")
_BY_NAME: dict[str, Format] = {
    ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json", ".conll": "conll", ".conllu": "conll", ".bio": "conll",
    ".iob": "conll", ".iob2": "conll", ".csv": "csv", ".tsv": "csv", ".tab": "csv", ".parquet": "table",
    ".arrow": "table", ".tmx": "tmx",
}  # fmt: skip


def detected(source: TextStream, layout: Layout) -> Format:
    """The configured format, or the one detected from name and first lines among those of the layout.

    JSON if the first character is a bracket, JSON or JSON Lines if it is a brace. Columns of tokens if the first line
    is ``-DOCSTART-``, or if every line of the first block (at least two lines, up to a blank one) has the same number
    of cells, at least two, with a tag in the last one. CSV if the suffix is that of CSV, or if the first line is a
    header with requested columns; commas are no evidence. Otherwise the layout's ``fallback``.
    """
    begin = source.begin.removeprefix(b"\xef\xbb\xbf").lstrip()
    if layout.format == "jsonl" and begin[:1] == b"[":
        return _of_lists(source)
    if layout.format != "auto":
        return layout.format
    named = next((form for suffix, form in _BY_NAME.items() if unpacked_name(source.name).endswith(suffix)), None)
    opened = begin[:1]
    if opened not in (b"[", b"{"):  # the first line may be unreadable
        opened = next(_texts(source), "").lstrip()[:1].encode()
    if _TOKEN.match(begin) and "conll" in layout.formats and _is_columns(source):
        return "conll"
    if opened == b"[" and "json" in layout.formats and named in (None, "json", "jsonl"):
        return _of_lists(source)
    if opened == b"{" and named not in ("csv", "conll"):
        return _of_objects(source, layout, named)
    if layout.lists and named in (None, "json"):
        return "json"
    if named in layout.formats and named not in ("csv", None):
        return named
    if "conll" in layout.formats and _is_columns(source):
        return "conll"
    first = next(_texts(source), "")
    asks_for_columns = (
        (layout.delimiter != "auto" and layout.label_position == "first")
        or layout.header is True
        or layout.by_number
        or ("\t" in first and layout.fallback == "lines")  # after a label
    )
    is_csv = named == "csv" or asks_for_columns or delimited.names_columns(first, layout.names)
    return "csv" if is_csv and "csv" in layout.formats else layout.fallback


def _texts(source: TextStream, blank: bool = False) -> Iterator[str]:
    """The first readable lines, with or without blank ones."""
    size = 0
    for count, line in enumerate(source.peek(), 1):
        if not isinstance(line, BadLine):
            size += len(line[1])
            if blank or line[1].strip():
                yield line[1]
        if count >= HEAD_LINES or size >= HEAD_CHARACTERS:
            return


def _of_lists(source: TextStream) -> Format:
    """JSON, unless the first line is a list that begins with a string: JSON Lines of such lists."""
    try:
        first = json.loads(next(_texts(source), ""))
    except (ValueError, RecursionError):
        return "json"
    return "jsonl" if isinstance(first, list) and first and isinstance(first[0], str) else "json"


def _of_objects(source: TextStream, layout: Layout, named: Format | None) -> Format:
    """JSON Lines, unless the first line is, or begins, an object of lists of records."""
    if layout.lists or (named == "json" and b"\n" not in source.begin):  # possibly a single line of any length
        return "json"
    if named == "jsonl":
        return named
    first = next(_texts(source), "")
    try:
        value = json.loads(first)
    except json.JSONDecodeError as error:
        return "jsonl" if error.pos < len(first.rstrip()) else "json"  # otherwise it continues on the next line
    except (RecursionError, ValueError):
        return "jsonl"
    first_items = [items[0] for items in value.values() if isinstance(items, list) and items]
    holds_lists = any(isinstance(item, (list, dict)) for item in first_items)
    is_record = any(isinstance(item, str) for item in first_items) or {*layout.names, "text", "tokens"} & value.keys()
    is_alone = next(islice(_texts(source), 1, None), None) is None
    return "json" if holds_lists and not is_record and is_alone else "jsonl"


def _is_columns(source: TextStream) -> bool:
    rows: list[list[str]] = []
    for line in _texts(source, blank=True):
        if line.startswith(columns.DOCUMENT_START) or (len(rows) > 1 and not line.strip()):
            return True
        if not line.strip():
            continue
        cells = lines.BLANKS.split(line.strip(" \t"))
        try:
            split_tag(cells[-1])
        except UnknownTag:
            return False
        if len(cells) < 2 or (rows and len(cells) != len(rows[0])):
            return False
        rows.append(cells)
    return len(rows) > 1
