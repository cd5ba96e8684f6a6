"""How records go to a file: JSON Lines, one JSON list, CSV, Parquet."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import IO, Any

from halluc.core.errors import environment_error
from halluc.core.files import json_line
from halluc.data.writers.base import Files, Options, Write

Records = Callable[[Iterable[Any], Options], Iterable[Any]]
# Rows of one group of a Parquet file: enough to compress well, few enough for the memory.
_GROUP = 10_000


def json_lines(records: Records) -> Write:
    """An object a line."""

    def write(files: Files, examples: Iterable[Any], options: Options) -> None:
        files[0].writelines(json_line(record) + "\n" for record in records(examples, options))

    return write


def json_list(records: Records) -> Write:
    """One list, an item a line."""

    def write(files: Files, examples: Iterable[Any], options: Options) -> None:
        before = "[\n"
        for record in records(examples, options):
            files[0].write(before + json_line(record))
            before = ",\n"
        files[0].write("\n]\n")

    return write


def csv_rows(rows: Records, delimiter: str = ",") -> Write:
    """A header and rows, with cells in quotes where RFC 4180 asks for them; a line feed ends a row."""

    def write(files: Files, examples: Iterable[Any], options: Options) -> None:
        table = csv.writer(_LineFeeds(files[0]), delimiter=delimiter, lineterminator=_CRLF)
        table.writerows(rows(examples, options))

    return write


_CRLF = "\r\n"  # csv quotes a cell that holds any character of what ends its rows


@dataclass(frozen=True)
class _LineFeeds:
    """A file for ``csv.writer``, which writes a row at a time."""

    file: IO[str]

    def write(self, row: str) -> None:
        self.file.write(row.removesuffix(_CRLF) + "\n")


def parquet(records: Records, lists: Callable[[Options], dict[str, bool]]) -> Write:
    """A Parquet table of strings.

    Args:
        lists: the names of the columns, and whether each holds a list of strings.
    """

    def write(files: Files, examples: Iterable[Any], options: Options) -> None:
        try:
            import pyarrow
            from pyarrow.parquet import ParquetWriter
        except ImportError:
            raise environment_error(
                "E402",
                "a Parquet table needs the package `pyarrow`",
                "pip install 'halluc[hub]', or write jsonl",
            ) from None
        text = pyarrow.string()
        schema = pyarrow.schema(
            [(name, pyarrow.list_(text) if many else text) for name, many in lists(options).items()]
        )
        rest = iter(records(examples, options))
        with ParquetWriter(files[0], schema) as table:
            while group := list(islice(rest, _GROUP)):
                table.write_table(pyarrow.Table.from_pylist(group, schema=schema))

    return write
