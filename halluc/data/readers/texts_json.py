"""One JSON document: an object of lists of texts with their labels, as CLINC150 is published, or one such list."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from halluc.core.errors import HallucError, Location, data_error, did_you_mean
from halluc.data.readers.base import MEND, BadLine
from halluc.data.readers.jsonl import Unreadable, without_duplicates
from halluc.data.readers.lines import excerpt
from halluc.data.readers.texts_config import TextsConfig
from halluc.data.readers.texts_found import ABSENT, Found, kind, of_record

_BLANKS = re.compile(r"[ \t\n\r]*")
_PLAIN, _CAREFUL = json.JSONDecoder(), json.JSONDecoder(object_pairs_hook=without_duplicates)


def texts_of(
    text: str, keys: Sequence[str], config: TextsConfig, file: str, outside: bool
) -> Iterator[Found | BadLine]:
    """The items of the lists named by ``keys`` (of all lists, where none is named), in the order of the file.

    An item is `[text, label]` (of pairs `[text, second, label]`), or an object with fields. Beside ``text`` itself only
    one item is in memory.

    Raises:
        HallucError D116: no such key.
    """
    scan = _Scan(text)
    try:
        if scan.next() == "[":
            if keys:
                raise data_error("D116", f"no list `{keys[0]}`: {file} is one list", help="name the file without `#`")
            yield from _items(scan, config, file, outside)
            scan.end()
        else:
            yield from _lists(scan, keys, config, file, outside)
    except json.JSONDecodeError as error:
        yield _broken(text, error, file)
    except RecursionError:
        yield BadLine("D107", file, scan.line(), "not readable as JSON: nested too deeply")


def _lists(
    scan: _Scan, keys: Sequence[str], config: TextsConfig, file: str, outside: bool
) -> Iterator[Found | BadLine]:
    scan.take("{")
    met: dict[str, None] = {}
    while scan.next() != "}":
        line = scan.line()
        key = scan.key()
        if key in met:
            yield BadLine("D107", file, line, f"the key `{key}` stands twice")
        met[key] = None
        scan.take(":")
        if keys and key not in keys:
            scan.skip()
        elif scan.next() != "[":
            if not keys and key in (str(config.text_field), str(config.label_field)):
                yield BadLine("D107", file, line, "a record over several lines", "write each on one line: JSON Lines")
                return
            yield BadLine("D107", file, line, f"`{key}` is no list", "name the lists: `FILE#train+extra`")
            scan.skip()
        else:
            yield from _items(scan, config, file, outside)
        if scan.next() != "}":
            scan.take(",")
    scan.take("}")
    scan.end()
    for key in keys:
        if key not in met:
            raise _no_list(key, list(met), file)


def _no_list(key: str, met: Sequence[str], file: str) -> HallucError:
    near = did_you_mean(key, met)
    help = f"did you mean `#{near}`?" if near else f"it has: {', '.join(met[:20]) or 'nothing'}"
    return data_error("D116", f"no list `{key}` in the file", Location(file), help)


def _items(scan: _Scan, config: TextsConfig, file: str, outside: bool) -> Iterator[Found | BadLine]:
    scan.take("[")
    while scan.next() != "]":
        line = scan.line()
        start = scan.at
        scan.items += 1
        try:
            item = scan.value()
            yield _found(item, config, outside, line, scan.text[start : scan.at], scan.items)
        except Unreadable as bad:
            shown = scan.text[start : scan.at].split("\n", 1)[0]
            yield BadLine(bad.code, file, line, bad.problem, bad.help, *excerpt(shown))
        if scan.next() != "]":
            scan.take(",")
    scan.take("]")


def _found(item: Any, config: TextsConfig, outside: bool, line: int, shown: str, number: int) -> Found:
    shown = shown.split("\n", 1)[0]
    try:
        json.dumps(item, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise Unreadable("D107", "a lone surrogate (half a character) in the text") from None
    if isinstance(item, dict):
        return of_record(item, config, line, shown, number)
    if outside and isinstance(item, str):
        return Found(line, item, shown=shown, number=number)
    texts = 1 if config.second_field is None else 2
    if not isinstance(item, list) or len(item) not in ((texts, texts + 1) if outside else (texts + 1,)):
        form = "[text, label]" if texts == 1 else "[text, second text, label]"
        told = f"a list of {len(item)}" if isinstance(item, list) else kind(item)
        raise Unreadable("D107", f"an item is {form}, or an object with fields, and this is {told}", MEND)
    label = item[texts] if len(item) > texts else ABSENT
    return Found(line, item[0], label, item[1] if texts == 2 else ABSENT, shown=shown, number=number)


class _Scan:
    """A JSON text from front to back: values are read one at a time, and lines are counted."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.items = 0
        self._line, self._counted = 1, 0

    def next(self) -> str:
        """The next character that is no blank, which is not taken; nothing at the end."""
        match = _BLANKS.match(self.text, self.at)
        self.at = match.end() if match else self.at
        return self.text[self.at : self.at + 1]

    def take(self, char: str) -> None:
        if self.next() != char:
            raise self.error(f"expecting `{char}`")
        self.at += 1

    def value(self) -> Any:
        """The next value, which is taken.

        Raises:
            Unreadable: a field stands twice in it; it is taken all the same.
        """
        self.next()
        try:
            return self._decoded(_CAREFUL)
        except Unreadable:
            self.skip()
            raise

    def key(self) -> str:
        if self.next() != '"':
            raise self.error("expecting a key in quotes")
        return str(self._decoded(_PLAIN))

    def skip(self) -> None:
        """Take the next value without looking at it."""
        self.next()
        self._decoded(_PLAIN)

    def _decoded(self, decoder: json.JSONDecoder) -> Any:
        try:
            found, self.at = decoder.raw_decode(self.text, self.at)
        except json.JSONDecodeError:
            raise
        except ValueError:
            raise self.error("a number is too long") from None
        return found

    def end(self) -> None:
        if self.next():
            raise self.error("something behind the end")

    def line(self) -> int:
        """The line of the place, from 1."""
        self._line += self.text.count("\n", self._counted, self.at)
        self._counted = self.at
        return self._line

    def error(self, message: str) -> json.JSONDecodeError:
        return json.JSONDecodeError(message, self.text, self.at)


def _broken(text: str, error: json.JSONDecodeError, file: str) -> BadLine:
    start = text.rfind("\n", 0, error.pos) + 1
    end = text.find("\n", error.pos)
    line = text[start : end if end >= 0 else len(text)]
    problem = f"not readable as JSON: {error.msg}"
    help = "one object of lists of [text, label]; is this `data.form: jsonl`?"
    return BadLine("D107", file, error.lineno, problem, help, *excerpt(line, error.colno - 1))
