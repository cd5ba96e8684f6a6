"""Texts to predict on: one a line, JSON Lines, rows or columns of tokens. What is broken is yielded in its place."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

from halluc.data.readers.base import BadLine
from halluc.data.readers.conll import DOCUMENT_START
from halluc.data.readers.jsonl import Unreadable
from halluc.data.readers.lines import Line
from halluc.data.texts import InputText, Item, paired, single
from halluc.data.texts_fields import Fields
from halluc.data.texts_records import record
from halluc.data.texts_rows import texts_of_rows
from halluc.data.texts_sniffing import BLANKS, Format
from halluc.data.tokenization import Tokenize

_USUAL = Fields()
_PAIR = "a raw line has both texts of a pair with one tab between; else see --format jsonl and --format csv"


def read_texts(
    lines: Iterable[Line], form: Format, tokenize: Tokenize, fields: Fields = _USUAL, file: str = ""
) -> Iterator[Item]:
    """Each text, or why it cannot be read, in the order of the input; of rows the delimiter is known.

    Raises:
        HallucError D116: a column is not there, or stands there twice.
    """
    if form == "csv":
        yield from texts_of_rows(lines, fields, tokenize, file)
        return
    if form == "conll":
        yield from _sentences(lines, fields.most)
        return
    for line in lines:
        if isinstance(line, BadLine):
            yield line
        elif form == "text":
            yield _raw(*line, fields, tokenize)
        elif line[1].strip():
            yield record(*line, fields, tokenize)


def _raw(number: int, line: str, fields: Fields, tokenize: Tokenize) -> Item:
    """A line that is a text, or the two of a pair with a tab between."""
    identity = f"line-{number}"
    if fields.second is None or not line.strip():
        return single(number, identity, line, tokenize)
    first, _, second = line.partition("\t")
    tabs = line.count("\t")
    if tabs != 1:
        told = f"a pair has two texts, and the line has {tabs or 'no'} tab{'s' * (tabs > 1)}"
        return BadLine("D113", "", number, told, _PAIR)
    try:
        return paired(number, identity, first, second, tokenize)
    except Unreadable as bad:
        return BadLine(bad.code, "", number, bad.problem, _PAIR)


def _sentences(lines: Iterable[Line], most: int) -> Iterator[Item]:
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
        if size > most:
            bad = bad or _endless(first, most)
        if bad is None:
            tokens.append(token)


def _first_cell(line: str) -> str:
    """Up to the first tab, for a token may be empty or hold a space there; else up to the first space."""
    return line.split("\t", 1)[0].strip(" ") if "\t" in line else BLANKS.split(line.strip(" "), maxsplit=1)[0]


def _endless(line: int, most: int) -> BadLine:
    problem = f"a sentence of more than {most:,} characters"
    return BadLine("D114", "", line, problem, "a blank line ends a sentence: is this --format text?")
