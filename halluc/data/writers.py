"""Writes corpora to files atomically: the code that the formats of all tasks share (JSON Lines, JSON, CSV, Parquet)."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, Any, Literal

from halluc.components import TABLE
from halluc.core import registry
from halluc.core.errors import HallucError, Location, data_error, environment_error
from halluc.core.examples import Example
from halluc.core.files import json_line, replacing
from halluc.core.labels import Scheme

MARK = "\ufeff"  # a byte order mark, which readers of plain text remove at the start of a file


@dataclass(frozen=True)
class Options:
    """How examples are written; each format uses some of the options.

    ``joiner`` separates the tokens of a text, and ``tokenize`` is the tokenization that restores them. ``keeps_text``:
    the tokens are the characters of the original text. ``out_of_scope`` is written for texts without a label.
    ``pairs``: the texts are pairs. ``one_label``: the label of each text fits in one string. ``attributes`` are the
    names of further attributes of examples. ``documents``: the document numbers are known.
    """

    scheme: Scheme = "iob2"
    separator: str = "\t"
    joiner: str = " "
    tokenize: str = "whitespace"
    keeps_text: bool = False
    out_of_scope: str | None = None
    pairs: bool = False
    one_label: bool = True
    attributes: tuple[str, ...] = ()
    documents: bool = False


Files = Sequence[IO[Any]]
Write = Callable[[Files, Iterable[Any], Options], None]


@dataclass(frozen=True)
class Writer:
    """One format that can hold the examples of a task.

    ``write`` gets the open files and the examples of one split. ``suffixes`` are those of its files; ``parts`` are the
    suffixes of all files of a format that needs several. ``keys`` are the keys of ``data`` that read it back.
    ``options`` names the options that it uses; ``fitted`` returns the options for all examples of a corpus.
    """

    summary: str
    write: Write
    suffixes: tuple[str, ...]
    keys: Mapping[str, Any] = field(default_factory=dict)
    options: frozenset[str] = frozenset()
    mode: Literal["w", "wb"] = "w"
    parts: tuple[str, ...] = ()
    fitted: Callable[[Options, Sequence[Any]], Options] = lambda options, examples: options

    def files(self, path: Path) -> list[Path]:
        """The files of the corpus of ``path``; the config names the first."""
        return [path.with_suffix(part) for part in self.parts] or [path]

    def read_by(self, options: Options) -> dict[str, Any]:
        """The keys of ``data`` that read a corpus written with ``options``."""
        keys = dict(self.keys)
        if "scheme" in self.options and options.scheme != "iob2":
            keys["scheme"] = options.scheme
        if "separator" in self.options:
            keys["separator"] = {"\t": "tab", " ": "space"}[options.separator]
        if "join" in self.options and options.tokenize != "words":
            keys["tokenize"] = options.tokenize
        if options.documents:
            keys["document_field"] = "document"
        if options.pairs:
            keys["second_field"] = "second"
        if options.out_of_scope is not None:
            keys["out_of_scope_label"] = options.out_of_scope
        return keys


def unfit(example: Example, problem: str, help: str) -> HallucError:
    """The error D130 for an example that the format cannot hold."""
    where = example.origin
    return data_error("D130", problem, Location(where.file, where.line), help)


# The record of an example.
ToRecord = Callable[[Any, Options], Any]
# Rows per group of a Parquet file: enough to compress well, few enough to fit into memory.
_GROUP = 10_000


def json_lines(record: ToRecord) -> Write:
    def write(files: Files, examples: Iterable[Any], options: Options) -> None:
        files[0].writelines(json_line(record(example, options)) + "\n" for example in examples)

    return write


def json_list(record: ToRecord) -> Write:
    """One list, one item per line."""

    def write(files: Files, examples: Iterable[Any], options: Options) -> None:
        before = "[\n"
        for example in examples:
            files[0].write(before + json_line(record(example, options)))
            before = ",\n"
        files[0].write("\n]\n")

    return write


def csv_rows(rows: Callable[[Iterable[Any], Options], Iterable[Any]], delimiter: str = ",") -> Write:
    """A header and rows, with quotes as RFC 4180 requires; a line feed ends a row."""

    def write(files: Files, examples: Iterable[Any], options: Options) -> None:
        table = csv.writer(_LineFeeds(files[0]), delimiter=delimiter, lineterminator=_CRLF)
        table.writerows(rows(examples, options))

    return write


# The line terminator of `csv.writer`; cells with one of its characters are quoted.
_CRLF = "\r\n"


@dataclass(frozen=True)
class _LineFeeds:
    """A file for ``csv.writer`` that replaces the line terminator of each row by a line feed."""

    file: IO[str]

    def write(self, row: str) -> None:
        self.file.write(row.removesuffix(_CRLF) + "\n")


def parquet(record: ToRecord, lists: Callable[[Options], dict[str, bool]]) -> Write:
    """A Parquet table of strings.

    Args:
        lists: for each column, by name, whether it holds lists of strings.
    """

    def write(files: Files, examples: Iterable[Any], options: Options) -> None:
        try:
            import pyarrow
            from pyarrow.parquet import ParquetWriter
        except ImportError:
            raise environment_error(
                "E402", "a Parquet table needs the package `pyarrow`", "pip install 'halluc[hub]', or write jsonl"
            ) from None
        text = pyarrow.string()
        schema = pyarrow.schema(
            [(name, pyarrow.list_(text) if many else text) for name, many in lists(options).items()]
        )
        rest = (record(example, options) for example in examples)
        with ParquetWriter(files[0], schema) as table:
            while group := list(islice(rest, _GROUP)):
                table.write_table(pyarrow.Table.from_pylist(group, schema=schema))

    return write


def writers_of(task: str) -> Mapping[str, Writer]:
    """The formats that can hold the examples of a task, by name."""
    writers: Mapping[str, Writer] = registry.load(TABLE, "reader", task).writers
    return writers


def write(corpora: Mapping[Path, Iterable[Any]], writer: Writer, options: Options) -> None:
    """Write the examples of each path; if one fails, none is written.

    Raises:
        HallucError D130: an example that the format cannot hold. E401: the disk is full. E402: a package is missing.
    """
    with ExitStack() as stack:
        for path, examples in corpora.items():
            writer.write(
                [stack.enter_context(replacing(file, writer.mode)) for file in writer.files(path)], examples, options
            )
