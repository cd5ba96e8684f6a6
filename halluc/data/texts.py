"""Texts to predict on: one a line, JSON Lines, or columns. What is broken is yielded in its place."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from halluc.core.examples import Span
from halluc.core.labels import UnknownTag, split_tag
from halluc.data.readers.base import BadLine
from halluc.data.readers.conll import DOCUMENT_START
from halluc.data.readers.jsonl import Unreadable, parse_object, strings, token_bounds
from halluc.data.streams import MOST_BYTES, Line

Format = Literal["text", "jsonl", "conll"]
FORMATS: tuple[Format, ...] = get_args(Format)
Tokenize = Literal["words", "whitespace", "characters"]

# What is looked at before the format must be clear.
_LINES_SNIFFED, _CHARACTERS_SNIFFED = 200, 1 << 20
# What is held at once, in characters, beside the number of texts.
_MOST_CHARACTERS = 1 << 20
_BLANKS = re.compile(r"[ \t]+")
_JSONL = "one JSON object a line, with `tokens` or `text`; raw text is read with --format text"


@dataclass(frozen=True, slots=True)
class InputText:
    """One text: the line it begins on, its id, and its tokens.

    ``bounds`` are the start and end of each token in characters of ``text``; both are None where only tokens are given.
    """

    line: int
    id: str | int | float
    tokens: tuple[str, ...]
    text: str | None = None
    bounds: Sequence[tuple[int, int]] | None = None

    def characters(self, span: Span) -> tuple[int, int] | None:
        """Where a span of tokens stands in the text."""
        return (self.bounds[span.start][0], self.bounds[span.end - 1][1]) if self.bounds is not None else None

    @property
    def size(self) -> int:
        return sum(map(len, self.tokens)) if self.text is None else len(self.text)


Item = InputText | BadLine


def read_texts(lines: Iterable[Line], form: Format, tokenize: Tokenize) -> Iterator[Item]:
    """Each text, or why it cannot be read, in the order of the input."""
    if form == "conll":
        yield from _sentences(lines)
        return
    for line in lines:
        if isinstance(line, BadLine):
            yield line
        elif form == "text":
            yield _raw(*line, tokenize)
        elif line[1].strip():
            yield _record(*line, tokenize)


def in_chunks(items: Iterable[Item], most: int, waits: Callable[[], bool]) -> Iterator[list[Item]]:
    """At most ``most`` items at a time, and about a million characters; fewer where the next one ``waits``."""
    chunk: list[Item] = []
    size = 0
    for item in items:
        chunk.append(item)
        size += item.size if isinstance(item, InputText) else 0
        if len(chunk) >= most or size >= _MOST_CHARACTERS or waits():
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def sniff(lines: Iterable[Line]) -> tuple[Format, Iterator[Line]]:
    """What the first lines look like, and all the lines.

    JSON Lines where the first line that is not blank begins with a brace. Columns where it is ``-DOCSTART-``, or where
    every line of the first block (up to a blank line, once two were seen) has the same number of cells, two at least,
    and a tag in the last. Else text.
    """
    source, head, size = iter(lines), [], 0
    rows: list[list[str]] = []
    form: Format | None = None
    for line in source:
        head.append(line)
        if not isinstance(line, BadLine):
            size += len(line[1])
            form = _told(line[1], rows)
        if form or len(head) >= _LINES_SNIFFED or size >= _CHARACTERS_SNIFFED:
            break
    return form or ("conll" if len(rows) > 1 else "text"), itertools.chain(head, source)


def _told(line: str, rows: list[list[str]]) -> Format | None:
    """The format, where this line tells it; ``rows`` are the cells of the lines before, which it may join."""
    if not line.strip():
        return "conll" if len(rows) > 1 else None
    if not rows and line.lstrip().startswith("{"):
        return "jsonl"
    if line.startswith(DOCUMENT_START):
        return "conll"
    cells = _BLANKS.split(line.strip(" \t"))
    if len(cells) < 2 or (rows and len(cells) != len(rows[0])):
        return "text"
    try:
        split_tag(cells[-1])
    except UnknownTag:
        return "text"
    rows.append(cells)
    return None


def _raw(number: int, text: str, tokenize: Tokenize) -> InputText:
    return _tokenized(number, f"line-{number}", text, tokenize)


def _tokenized(number: int, identity: str | int | float, text: str, tokenize: Tokenize) -> InputText:
    if not text.strip():
        return InputText(number, identity, (), text, ())
    bounds = token_bounds(text, tokenize)
    return InputText(number, identity, tuple(text[start:end] for start, end in bounds), text, bounds)


def _record(number: int, line: str, tokenize: Tokenize) -> Item:
    """A line of JSON Lines; fields other than ``id``, ``tokens`` and ``text`` are left alone."""
    try:
        record = {key: value for key, value in parse_object(line).items() if value is not None}
        identity = _identity(record, number)
        text = record.get("text")
        if text is not None and not isinstance(text, str):
            raise Unreadable("D107", "`text` is not a string")
        if "tokens" in record:
            tokens = strings(record, "tokens")
            bounds = None if text is None else _located(tokens, text)
            return InputText(number, identity, tokens, None if bounds is None else text, bounds)
        if text is None:
            raise Unreadable("D107", "neither a list `tokens` nor a string `text`")
        return _tokenized(number, identity, text, tokenize)
    except Unreadable as bad:
        return BadLine(bad.code, "", number, bad.problem, _JSONL)


def _identity(record: dict[str, Any], number: int) -> str | int | float:
    given = record.get("id", f"line-{number}")
    if isinstance(given, bool) or not isinstance(given, (str, int, float)):
        raise Unreadable("D107", "`id` is neither a string nor a number")
    if isinstance(given, float) and not math.isfinite(given):
        raise Unreadable("D107", "`id` is not a finite number")
    return given


def _located(tokens: Sequence[str], text: str) -> list[tuple[int, int]] | None:
    """Where the tokens stand in the text, one after another with only white space between; None where they do not."""
    bounds, at = [], 0
    for token in tokens:
        if not text.startswith(token, at):
            while at < len(text) and text[at].isspace():
                at += 1
            if not text.startswith(token, at):
                return None
        bounds.append((at, at + len(token)))
        at += len(token)
    return bounds


def _sentences(lines: Iterable[Line]) -> Iterator[Item]:
    """The first column, a sentence up to a blank line or document boundary; one with a broken line is broken."""
    tokens: list[str] = []
    first = size = 0
    bad: BadLine | None = None
    for line in itertools.chain(lines, [(0, "")]):  # a blank line ends the last sentence
        if isinstance(line, BadLine):
            bad = bad or line
            continue
        number, content = line
        if not content.strip(" \t") or content.startswith(DOCUMENT_START):
            if bad:
                yield bad
            elif tokens:
                yield InputText(first, f"line-{first}", tuple(tokens))
            tokens, size, bad = [], 0, None
            continue
        first = first if tokens else number
        token = _first_cell(content)
        size += len(token) + 1
        if size > MOST_BYTES:
            bad = bad or _endless(first)
        if bad is None:
            tokens.append(token)


def _first_cell(line: str) -> str:
    """Up to the first tab, for a token may be empty or hold a space there; else up to the first space."""
    return line.split("\t", 1)[0].strip(" ") if "\t" in line else _BLANKS.split(line.strip(" "), maxsplit=1)[0]


def _endless(line: int) -> BadLine:
    problem = f"a sentence of more than {MOST_BYTES:,} characters"
    return BadLine("D114", "", line, problem, "a blank line ends a sentence: is this --format text?")
