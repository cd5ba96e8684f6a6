"""Records of JSON: one object per line (JSON Lines), or one document: a list of records, or an object of such lists.

A document is read one item at a time, with the module json: streaming parsers report neither lines nor duplicate keys.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from halluc.core.errors import HallucError, Location, data_error, did_you_mean
from halluc.data.rows.lines import Line
from halluc.data.rows.row import BadLine, Row, Unreadable, excerpt, quoted

_BLANKS = re.compile(r"[ \t\n\r]*")
# An error so close to the end of the text read so far may disappear when more is read.
_NEAR = 16
_SPLITS = frozenset(("train", "training", "dev", "val", "valid", "validation", "test"))
_LINES = "write each record on one line, as `jq -c .` does: JSON Lines"


def records(lines: Iterable[Line], file: str) -> Iterator[Row | BadLine]:
    """A row for each non-blank line."""
    for line in lines:
        if isinstance(line, BadLine):
            yield line
        elif line[1] and not line[1].isspace():
            number, text = line
            try:
                yield Row(file, number, parse_object(text), text)
            except Unreadable as bad:
                yield BadLine(bad.code, file, number, bad.problem, bad.help, *excerpt(text))


def parse_object(line: str) -> dict[Any, Any]:
    """One JSON object from untrusted text; for a list that begins with a string, its items by number.

    Raises:
        Unreadable: not JSON, not an object, nested too deeply, or text that UTF-8 cannot encode.
    """
    try:
        record = _CAREFUL.decode(line)
        _refuse_surrogates(record, line)
    except RecursionError:
        raise Unreadable("D107", "nested too deeply") from None
    except ValueError as error:
        why = ": a number is too long"
        if isinstance(error, json.JSONDecodeError):
            why = f" at column {error.colno}: {error.msg}"
        other = None if line.lstrip().startswith("{") else "JSON Lines need one object per line; check `data.format`"
        raise Unreadable("D107", f"not readable as JSON{why}", other) from None
    if isinstance(record, list) and record and isinstance(record[0], str):
        return dict(enumerate(record))  # a text and its annotations
    if not isinstance(record, dict):
        raise Unreadable(
            "D107", "not a JSON object", "JSON Lines need one object per line; perhaps it is `data.format: json`"
        )
    return record


def _refuse_surrogates(value: Any, source: str) -> None:
    """Raises ``Unreadable`` if a value has a lone surrogate, which only an escape can write."""
    try:
        if "\\u" in source:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise Unreadable("D107", "an unpaired surrogate in the text") from None


def without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """For ``object_pairs_hook``; raises ``Unreadable`` for a duplicate field."""
    record = dict(pairs)
    if len(record) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise Unreadable("D107", f"the field `{key}` is repeated")
            seen.add(key)
    return record


# ``json.loads`` would create a new decoder for every line.
_PLAIN, _CAREFUL = json.JSONDecoder(), json.JSONDecoder(object_pairs_hook=without_duplicates)


def items(
    chunks: Iterable[str | BadLine], lists: Sequence[str], names: Sequence[str], file: str, most: int
) -> Iterator[Row | BadLine]:
    """The items of the lists named by ``lists`` (of all lists if none is named), in the order of the file.

    Args:
        names: fields of records: an object with one of them is a record, not an object of lists.
        most: the maximum number of characters of an item.

    Raises:
        HallucError D116: no such list; or several are named like splits, and none is selected.
    """
    scan = _Scan(chunks, most)
    try:
        if scan.next() == "[":
            if lists:
                raise data_error("D116", f"no list `{lists[0]}`: {file} is one list", help="remove `#` and the name")
            yield from _list(scan, file)
            scan.end()
        elif scan.next() == "{":
            yield from _lists(scan, lists, names, file)
        elif scan.next():
            raise scan.error("a JSON document must be a list of records, or an object of such lists")
        elif scan.bad is not None:
            yield scan.bad
    except json.JSONDecodeError as error:
        yield scan.broken(error, file) if scan.bad is None else scan.bad
    except _TooLong:
        problem = f"an item of more than {most:,} characters"
        help = "write the records as JSON Lines, or raise `data.max_line_bytes`"
        yield BadLine("D114", file, scan.line(), problem, help)
    except RecursionError:
        yield BadLine("D107", file, scan.line(), "not readable as JSON: nested too deeply")


def _lists(scan: _Scan, lists: Sequence[str], names: Sequence[str], file: str) -> Iterator[Row | BadLine]:
    scan.take("{")
    met: dict[str, bool] = {}
    while scan.next() != "}":
        line = scan.line()
        key = scan.key()
        if key in met:
            yield BadLine("D107", file, line, f"the key `{key}` is repeated")
        scan.take(":")
        met[key] = scan.next() == "["
        if not lists and key in names:
            yield BadLine("D107", file, line, "a record over several lines", _LINES)
            return
        if met[key] and (not lists or key in lists):
            if not lists:
                _refuse_splits([name for name, is_list in met.items() if is_list], file, line)
            yield from _list(scan, file)
        else:  # another key, such as a version
            scan.value()
        if scan.next() != "}":
            scan.take(",")
    scan.take("}")
    if scan.next() == "{":
        yield BadLine("D107", file, scan.line(), "a second JSON document after the first", _LINES)
        return
    scan.end()
    for key in lists:
        if not met.get(key, False):
            raise _no_list(key, met, file)
    if not any(met.values()):
        yield BadLine("D107", file, 1, f"an object without a list of records; it has {quoted(met)}", _LINES)


def _refuse_splits(lists: Sequence[str], file: str, line: int) -> None:
    """Refuse to read train and test as one corpus."""
    splits = [name for name in lists if name.casefold() in _SPLITS]
    if len(splits) > 1:
        message = f"the lists {' and '.join(f'`{name}`' for name in splits)} are splits, but none of them is selected"
        help = f"select one with `#`, as in `{file}#{splits[0]}`; `jq -c '.{splits[0]}[]'` extracts it"
        raise data_error("D116", message, Location(file, line), help)


def _no_list(key: str, met: dict[str, bool], file: str) -> HallucError:
    if key in met:
        return data_error("D116", f"`{key}` is not a list", Location(file), "select a list of records with `#`")
    near = did_you_mean(key, met)
    help = f"did you mean `#{near}`?" if near else f"it has: {', '.join(list(met)[:20]) or 'nothing'}"
    return data_error("D116", f"no list `{key}` in the file", Location(file), help)


def _list(scan: _Scan, file: str) -> Iterator[Row | BadLine]:
    scan.take("[")
    while scan.next() != "]":
        line = scan.line()
        scan.items += 1
        try:
            item, shown = scan.value()
            fields = item if isinstance(item, dict) else dict(enumerate(item if isinstance(item, list) else [item]))
            yield Row(file, line, fields, shown, scan.items)
        except Unreadable as bad:
            yield BadLine(bad.code, file, line, bad.problem, bad.help, *excerpt(scan.shown))
        if scan.next() != "]":
            scan.take(",")
    scan.take("]")


class _TooLong(Exception):
    """An item has more characters than allowed."""


class _Scan:
    """Reads a JSON text from start to end: one value at a time, counting lines.

    ``bad`` is the error that ended the text early; ``shown`` is the first line of the last value.
    """

    def __init__(self, chunks: Iterable[str | BadLine], most: int) -> None:
        self.bad: BadLine | None = None
        self.items, self.shown = 0, ""
        self._chunks, self._most, self._ended = iter(chunks), most, False
        self._text, self._at = "", 0
        self._line, self._counted = 1, 0

    def next(self) -> str:
        """The next non-blank character, without consuming it; empty at the end."""
        while True:
            match = _BLANKS.match(self._text, self._at)
            self._at = match.end() if match else self._at
            if self._at < len(self._text) or self._ended:
                return self._text[self._at : self._at + 1]
            self._more()

    def take(self, char: str) -> None:
        if self.next() != char:
            raise self.error(f"expecting `{char}`")
        self._at += 1

    def value(self) -> tuple[Any, str]:
        """Consume the next value; returns it with the first line of its text.

        Raises:
            Unreadable: a field is repeated, or there is a lone surrogate; the value is consumed nevertheless.
        """
        self.next()
        bad = None
        try:
            value, end = self._decoded(_CAREFUL)
        except Unreadable as error:
            bad, (value, end) = error, self._decoded(_PLAIN)
        source = self._text[self._at : end]
        self._at = end
        self.shown = source.split("\n", 1)[0]
        if bad is not None:
            raise bad
        _refuse_surrogates(value, source)
        return value, self.shown

    def key(self) -> str:
        if self.next() != '"':
            raise self.error("expecting a key in quotes")
        key, self._at = self._decoded(_PLAIN)
        return str(key)

    def end(self) -> None:
        if self.next():
            raise self.error("text after the end")
        if self.bad is not None:
            raise self.error("cut short")

    def line(self) -> int:
        """The current line number, from 1."""
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line

    def error(self, message: str) -> json.JSONDecodeError:
        return json.JSONDecodeError(message, self._text, self._at)

    def broken(self, error: json.JSONDecodeError, file: str) -> BadLine:
        self._at = min(error.pos, len(self._text))
        start = self._text.rfind("\n", 0, self._at) + 1
        end = self._text.find("\n", self._at)
        return BadLine(
            "D107",
            file,
            self.line(),
            f"not readable as JSON: {error.msg}",
            "it may be truncated; a JSON document must be a list of records, or an object of such lists",
            *excerpt(self._text[start : end if end >= 0 else len(self._text)], self._at - start),
        )

    def _more(self) -> None:
        """Read as much text as is left, at least, so that a long value is parsed only a few times; release the consumed
        text."""
        self.line()
        kept = self._text[self._at :]
        if len(kept) > self._most:
            raise _TooLong
        pieces, size = [kept], 0
        while size <= len(kept) and not self._ended:
            chunk = next(self._chunks, None)
            if chunk is None or isinstance(chunk, BadLine):
                self._ended, self.bad = True, chunk
            else:
                pieces.append(chunk)
                size += len(chunk)
        self._text, self._at, self._counted = "".join(pieces), 0, 0

    def _decoded(self, decoder: json.JSONDecoder) -> tuple[Any, int]:
        """The next value and its end; reads more text as long as the value may be incomplete."""
        while True:
            try:
                value, end = decoder.raw_decode(self._text, self._at)
                if end < len(self._text) - _NEAR or self._ended:  # a number may continue
                    return value, end
            except json.JSONDecodeError as error:
                cut = error.msg.startswith("Unterminated string") or error.pos >= len(self._text) - _NEAR
                if self._ended or not cut:
                    raise
            except ValueError:
                raise self.error("a number is too long") from None
            self._more()
