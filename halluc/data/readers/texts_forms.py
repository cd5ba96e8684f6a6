"""The forms of a file of labelled texts: which one it has, and what each tells of its texts."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from halluc.core.errors import data_error
from halluc.data.readers.base import BadLine
from halluc.data.readers.jsonl import Unreadable, parse_object
from halluc.data.readers.lines import Line, excerpt, numbered_lines
from halluc.data.readers.texts_columns import Columns, names_columns
from halluc.data.readers.texts_config import Form, TextsConfig
from halluc.data.readers.texts_found import Found, of_record
from halluc.data.readers.texts_json import texts_of

# What is looked at before form and delimiter must be clear.
_LINES_SNIFFED, _CHARACTERS_SNIFFED = 200, 1 << 20
_LABEL = re.compile(r"(\S+)[ \t]+")
_COLUMNS, _RECORDS = (".csv", ".tsv", ".tab"), (".jsonl", ".ndjson")
_ONE = "JSON Lines have one object a line; is this another `data.form`: `csv`, `lines` or `json`?"
_MEND = "mend it (JSON Lines have one object a line), or set `data.on_bad_line: skip`"


@dataclass(frozen=True)
class Source:
    """A file, the lists asked for in it, and whether its texts have no labels and are out of scope."""

    config: TextsConfig
    path: Path
    keys: Sequence[str] = ()
    outside: bool = False

    def texts(self) -> Iterator[Found | BadLine]:
        """Each text with its fields, or what cannot be read, in the order of the file.

        Raises:
            HallucError D116: a column or list that is not there. D117: the delimiter cannot be told.
        """
        lines = numbered_lines(self.path, str(self.path), self.config.max_line_bytes)
        head = list(_first(lines))
        form = self.form(head)
        whole = itertools.chain(head, lines)
        if form != "json" and (bare := _bare_returns(head, str(self.path))):
            return iter([bare])
        if self.keys and form != "json":
            help = "`#` names lists of one JSON object: set `data.form: json`, or take it away"
            raise data_error("D116", f"no list `{self.keys[0]}` in {self.path}", help=help)
        if form == "jsonl":
            return self._records(whole)
        if form == "json":
            return self._document(whole)
        if form == "csv":
            return Columns(self.config, str(self.path), self.outside).texts(head, whole)
        return self._labelled(whole)

    def form(self, head: Sequence[Line]) -> Form:
        """What the config says, or what the file's name and first lines tell."""
        if self.config.form != "auto" and not self.outside:
            return self.config.form
        first = next((item[1] for item in head if not isinstance(item, BadLine) and item[1].strip()), "")
        name = self.path.name.removesuffix(".gz").lower()
        opened = first.lstrip()[:1]
        if self.keys and opened in ("{", "[", ""):
            return "json"
        if opened == "{":
            return "jsonl" if _is_record(first, self.config) else "json"
        if name.endswith(".json"):
            return "json"
        if name.endswith(_RECORDS):
            return "jsonl"
        if name.endswith(_COLUMNS):
            return "csv"
        return "csv" if not self.outside and self._has_columns(first) else "lines"

    def _has_columns(self, first: str) -> bool:
        config = self.config
        named = config.delimiter != "auto" or config.header is True or config.by_number
        return named or "\t" in first or names_columns(first, config)

    def _records(self, lines: Iterable[Line]) -> Iterator[Found | BadLine]:
        for item in lines:
            if isinstance(item, BadLine):
                yield item
            elif item[1].strip():
                number, line = item
                try:
                    yield of_record(_parsed(line), self.config, number, line)
                except Unreadable as bad:
                    yield Found(number, None, shown=line).bad(str(self.path), bad)

    def _document(self, lines: Iterable[Line]) -> Iterator[Found | BadLine]:
        told: list[str] = []
        size, most = 0, self.config.max_line_bytes
        for item in lines:
            if isinstance(item, BadLine):
                yield item
                return
            told.append(item[1])
            size += len(item[1])
            if size > most:  # a document is read as a whole, and takes many times its size
                help = "write its texts as JSON Lines, one object a line, or raise `data.max_line_bytes`"
                problem = f"a JSON document of more than {most:,} characters"
                yield BadLine("D114", str(self.path), item[0], problem, help)
                return
        text = "\n".join(told)
        del told
        if text.strip():
            yield from texts_of(text, self.keys, self.config, str(self.path), self.outside)

    def _labelled(self, lines: Iterable[Line]) -> Iterator[Found | BadLine]:
        """Lines of a label and a text, or of a text alone."""
        for item in lines:
            if isinstance(item, BadLine):
                yield item
                continue
            number, line = item
            if not line.strip():
                continue
            if self.outside:
                yield Found(number, line, shown=line)
                continue
            match = _LABEL.match(line)
            if match is None and line[0] in " \t":
                help = "a line is LABEL, a space, and the text; or name another `data.form`"
                yield BadLine("D123", str(self.path), number, "no label before the first blank", help, *excerpt(line))
            else:
                yield Found(number, line[match.end() :] if match else "", match[1] if match else line, shown=line)


def _first(lines: Iterable[Line]) -> Iterator[Line]:
    """As many lines as form and delimiter are told by."""
    size = 0
    for count, item in enumerate(lines, 1):
        yield item
        size += 0 if isinstance(item, BadLine) else len(item[1])
        if count >= _LINES_SNIFFED or size >= _CHARACTERS_SNIFFED:
            return


def _bare_returns(head: Sequence[Line], file: str) -> BadLine | None:
    """Of a file that is one line, since its lines end as those of old spreadsheets do."""
    if len(head) != 1 or isinstance(head[0], BadLine) or "\r" not in head[0][1]:
        return None
    number, line = head[0]
    help = "convert the file, for example with `tr '\\r' '\\n' < FILE > NEW`"
    return BadLine("D124", file, number, "lines end in a carriage return alone", help, *excerpt(line, line.index("\r")))


def _parsed(line: str) -> dict[str, Any]:
    """The record of a line.

    Raises:
        Unreadable: it is none.
    """
    if not line.lstrip().startswith("{"):
        raise Unreadable("D107", "not a JSON object", _ONE)
    try:
        return parse_object(line)
    except Unreadable as bad:
        raise Unreadable(bad.code, bad.problem, bad.help or _MEND) from None


def _is_record(line: str, config: TextsConfig) -> bool:
    """Whether the first line is one record, sound or broken, and not (the begin of) an object of lists."""
    try:
        found = json.loads(line)
    except json.JSONDecodeError as error:
        return error.pos < len(line.rstrip())  # else it goes on on the next line
    except (RecursionError, ValueError):
        return True
    known = {str(config.text_field), "tokens"} & found.keys()
    return bool(known) or not any(isinstance(value, list) for value in found.values())
