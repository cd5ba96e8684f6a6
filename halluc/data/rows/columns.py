"""Columns, as in CoNLL: one token per line; a sentence ends with a blank line or by a column of sentence numbers."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, cast

from halluc.core.errors import HallucError, Location, data_error
from halluc.data.rows.delimited import QUOTES
from halluc.data.rows.lines import BLANKS, Line, bare_return
from halluc.data.rows.row import BadLine, Layout, Notice, Row, Unreadable, excerpt, quoted

DOCUMENT_START, NEW_DOCUMENT = "-DOCSTART-", "# newdoc"
_SEPARATORS = {"tab": "\t", "space": " "}
# The most characters of a block of lines.
_MOST_CHARACTERS = 1 << 16
# Sentences with more tokens on average, or a single one with more full stops inside, are probably several sentences.
_MOST_TOKENS, _MOST_STOPS, _STOPS = 250, 2, frozenset(".!?\u3002")
_PREFIX = re.compile(r"[BIESULM][-_]")


def sentences(lines: Iterable[Line], layout: Layout, file: str) -> Iterator[Row | BadLine | Notice]:
    """A row for each sentence: for each requested column, by number or name, the cells of all tokens; for all columns,
    by number, if none is requested.

    Raises:
        HallucError D116: a requested column is not in the header.
    """
    yield from _Sentences(layout, file).rows(lines)


def column(row: Row, which: str | int) -> tuple[str, ...]:
    """The cells of a column.

    Raises:
        Unreadable: there is no column of this name.
    """
    if which not in row.fields:
        raise Unreadable("D116", f"no {named(which)}; the row has {quoted(row.fields)}")
    return cast("tuple[str, ...]", row.fields[which])


def named(which: str | int) -> str:
    """The name of a column for messages."""
    if isinstance(which, str):
        return f"column `{which}`"
    return f"column {which}" if which >= 0 else "the last column" if which == -1 else f"column {which} (from the right)"


class _Sentences:
    """Reads sentences. ``cells``, by column, and ``lines``, for each token, belong to the current sentence.

    ``sound``: the sentence has no unreadable line. ``lost``: the previous line was unreadable, and its sentence number
    with it, so it may belong to the sentence before or after.
    """

    def __init__(self, layout: Layout, file: str) -> None:
        self.layout, self.file = layout, file
        self.requested: list[str | int] = list(dict.fromkeys(layout.token_columns or layout.requested_fields))
        special = [one for one in (layout.sentence_column, layout.word_id_column) if one is not None]
        self.needed = max(min(2, len(self.requested)), Layout(requested_fields=(*self.requested, *special)).least)
        self.names: list[str] = []
        self.lines: list[int] = []
        self.cells: list[list[str]] = []
        self.width = self.size = self.document = self.sentences = self.tokens = self.stops = 0
        self.first, self.sound = "", True
        self.number: str | None = None
        self.lost = False
        self.header, self.comment = layout.header is True, layout.comment
        separator = _SEPARATORS.get(layout.separator, layout.separator)
        self.quoting = layout.quoting if layout.quoting != "auto" else separator in (",", ";")
        self.split = self._splitter(separator)
        self.separator = separator if separator != "whitespace" else ""
        # Spreadsheets write a blank line as a row of empty cells, so this also ends a sentence.
        self.blanks = " \t" if self.separator in ("", "\t", " ") else f" \t{self.separator}"
        self.is_plain = layout.columns is None and layout.sentence_column is None and layout.word_id_column is None
        self._numbers: tuple[int, int] | tuple[()] | None = ()

    def rows(self, lines: Iterable[Line]) -> Iterator[Row | BadLine | Notice]:
        block: list[Line] = []
        size = 0
        for item in lines:
            block.append(item)
            line = "" if isinstance(item, BadLine) else item[1]
            size += len(line)
            if not line or size > _MOST_CHARACTERS:
                row = self._plain(block) if self.is_plain else None
                yield from self._each(block) if row is None else (row,)
                block, size = [], 0
        yield from self._each(block)
        yield from self._ended()
        if notice := self._one_sentence():
            yield Notice(self.file, 1, notice)

    def _plain(self, block: list[Line]) -> Row | None:
        """The sentence of a block of regular lines that ends with an empty one, three times as fast as ``_each``; None
        for other blocks."""
        if self.lines or not self.sound or self.width < 2 or len(block) < 2 or isinstance(block[-1], BadLine):
            return None
        numbers, lines = zip(*cast("list[tuple[int, str]]", block), strict=True)
        text = "\n".join(lines)  # with the empty line at its end
        separator = self.separator or ("\t" if "\t" in text else " ")
        around = (f"\n{separator}", f"{separator}\n", separator * 2, " " if separator == "\t" else "\t")
        if (
            lines[-1]
            or DOCUMENT_START in text
            or "\r" in text
            or (self.comment is not None and self.comment in text)
            or (self.quoting and '"' in text)
            # several blanks between cells:
            or (not self.separator and (text.startswith(separator) or any(one in text for one in around)))
            or not all(line.strip(self.blanks) for line in lines[:-1])
        ):
            return None
        cells = [line.split(separator) for line in lines[:-1]]
        if set(map(len, cells)) != {self.width}:
            return None
        columns = list(zip(*cells, strict=True))
        if self._numbers is not None:
            for cell in columns[0]:
                self._remember(cell)
        return self._row(numbers[:-1], [columns[place] for place in self.places])

    def _each(self, lines: Iterable[Line]) -> Iterator[Row | BadLine]:
        """The sentences that a block of any lines completes."""
        comment, split, word_id = self.comment, self.split, self.layout.word_id_column
        for item in lines:
            if isinstance(item, BadLine):
                self._lose()
                yield item
                continue
            number, line = item
            # Only spaces and tabs make a line blank: a no-break space may be a token.
            is_blank = not line.strip(self.blanks)
            is_comment = comment is not None and not is_blank and line.startswith(comment)
            if is_blank or line.startswith(DOCUMENT_START) or (is_comment and line.startswith(NEW_DOCUMENT)):
                yield from self._ended()
                self.document += not is_blank
                continue
            if is_comment:
                continue
            if "\r" in line:
                self._lose()
                yield bare_return(self.file, number, line)
                continue
            try:
                cells = split(line)
            except csv.Error as error:
                self._lose()
                yield BadLine("D118", self.file, number, f"not readable as CSV: {error}", QUOTES, *excerpt(line))
                continue
            if self.header:
                self.names, self.header = [cell.strip() for cell in cells], False
                self._set_width(line, cells)
                continue
            if len(cells) != self.width and (bad := self._unfit(number, line, cells)):
                self._lose()
                yield bad
                continue
            # In CoNLL-U, a range of words (`1-2`) or an empty node (`1.1`).
            if word_id is not None and not cells[self._place(word_id)].isdecimal():
                continue
            if self._begins_sentence(cells):
                yield from self._ended()
                self.sound = not self.lost
            self.lost = False
            self.size = self.size + len(line) + 1 if self.lines else 0
            if self.size > self.layout.max_line_bytes:  # no more of it is kept
                if self.sound:
                    problem = f"a sentence of more than {self.layout.max_line_bytes:,} characters"
                    help = "sentences must end with a blank line; is this `format: text`?"
                    yield BadLine("D114", self.file, self.lines[0], problem, help)
                self.sound = False
                continue
            self.lines.append(number)
            for place, kept in zip(self.places, self.cells, strict=True):
                kept.append(cells[place])

    def _lose(self) -> None:
        """Drop the sentence of an unreadable line, and the next one if only sentence numbers separate them."""
        self.sound = False
        self.lost = self.layout.sentence_column is not None

    def _splitter(self, separator: str) -> Callable[[str], Sequence[str]]:
        """The function that splits a line into cells."""
        most = -1 if self.layout.columns is None else self.layout.columns - 1
        if self.quoting and len(separator) == 1:

            def by_quotes(line: str) -> Sequence[str]:
                if '"' not in line:
                    return line.split(separator, most)
                cells = next(csv.reader((line,), delimiter=separator, strict=True))
                return cells if most < 0 else [*cells[:most], separator.join(cells[most:])]

            return by_quotes
        if separator != "whitespace":
            return lambda line: line.split(separator, most)

        def by_blanks(line: str) -> Sequence[str]:
            cells = line.split(" ")
            if most < 0 and "" not in cells and "\t" not in line:
                return cells
            return BLANKS.split(line.strip(" \t"), maxsplit=max(most, 0))

        return by_blanks

    def _unfit(self, number: int, line: str, cells: Sequence[str]) -> BadLine | None:
        """Why a line with another number of columns cannot be read; the first line sets the number."""
        result, has_comments = len(cells), self.layout.comment is not None
        if result < self.needed:
            code, problem = "D105", f"{result} column{'s' if result != 1 else ''}, but {self.needed} are needed"
            help = "check `data.separator`, `data.token_column` and `data.tag_column`"
            if line.startswith("#") and not has_comments:
                help = "if lines like this are comments, set `data.comment`"
        elif not self.width:
            self._set_width(line, cells)
            return None
        else:  # columns could not be selected by number
            code, problem = "D113", f"{result} columns, but the previous lines have {self.width}"
            help = "if a token contains a space, set `data.separator: tab`"
            if "#" in (line[0], self.first[0]) and not has_comments:
                help = "if lines that start with # are comments, set `data.comment`"
            elif result > self.width and _PREFIX.match(cells[self.width - 1]):
                columns = f"`data.columns: {self.width}`"
                help = f"if a label contains a space, set {columns}: the rest of a line is then the last column"
        return BadLine(code, self.file, number, problem, help, line, 1, len(line))

    def _set_width(self, line: str, cells: Sequence[str]) -> None:
        """Set the number of columns from the first line, and find the requested columns.

        Raises:
            HallucError C106: two of them are the same.
        """
        self.width, self.first = len(cells), line
        self.requested = self.requested or list(range(self.width))
        self.places = [self._place(which) for which in self.requested]
        self.cells = [[] for _ in self.places]
        for place in self.places:
            if self.places.count(place) > 1:
                one, other = [which for which, at in zip(self.requested, self.places, strict=True) if at == place][:2]
                message = f"the columns {one} and {other} are the same one of {self.width} columns"
                help = "set `data.token_column` and `data.tag_column` to different columns"
                raise HallucError("C106", message, help=help)

    def _place(self, which: str | int) -> int:
        if isinstance(which, int):
            return which if which >= 0 else self.width + which
        if which in self.names:
            return self.names.index(which)
        have = quoted(self.names) if self.names else "none: set `data.header: true`"
        message = f"no column `{which}`; named are {have}"
        help = "or set its number, from 0"
        raise data_error("D116", message, Location(self.file, 1, text=excerpt(self.first)[0]), help)

    def _begins_sentence(self, cells: Sequence[str]) -> bool:
        which = self.layout.sentence_column
        if which is None:
            self._remember(cells[0])
            return False
        number = cells[self._place(which)].strip()
        if not number or number == self.number:  # an empty cell continues the sentence
            return False
        self.number = number
        return bool(self.lines)

    def _ended(self) -> Iterator[Row]:
        """The current sentence, if it has tokens and is sound; then begin a new one."""
        if self.lines and self.sound:
            yield self._row(self.lines, list(map(tuple, self.cells)))
        if self.lines or not self.sound:
            self.lines, self.sound, self.cells = [], True, [[] for _ in self.cells]

    def _row(self, lines: Sequence[int], columns: list[tuple[str, ...]]) -> Row:
        first, last = lines[0], lines[-1]
        if not self.sentences:
            self.stops = sum(cell in _STOPS for cell in columns[0][:-1])
        self.sentences, self.tokens = self.sentences + 1, self.tokens + len(lines)
        numbers: Any = range(first, last + 1) if last - first < len(lines) else tuple(lines)
        return Row(self.file, first, dict(zip(self.requested, columns, strict=True)), "", 0, numbers, self.document)

    def _remember(self, cell: str) -> None:
        """Record whether the first column may number sentences, like 0 0 0 1 1 2."""
        if self._numbers is None:
            return
        number = int(cell) if cell.isdecimal() and len(cell) < 10 else -1
        first, last = self._numbers or (number, number)
        self._numbers = (first, number) if number >= 0 and 0 <= number - last <= 1 else None

    def _one_sentence(self) -> str | None:
        """The notice about a file whose sentences are probably not separated by blank lines."""
        if not self.sentences or self.layout.sentence_column is not None:
            return None
        first, last = self._numbers or (0, 0)
        if self.sentences == 1 and first < last and last - first + 1 < self.tokens and not self.document:
            return (
                f"the whole file is one sentence of {self.tokens:,} tokens, because no blank line ends a sentence. "
                "Its first column seems to be a sentence number: set `data.sentence_column: 0`"
            )
        if self.tokens > _MOST_TOKENS * self.sentences or (self.sentences == 1 and self.stops > _MOST_STOPS):
            return (
                f"{self.sentences:,} sentence{'s' * (self.sentences > 1)} of {self.tokens:,} tokens in all: "
                "a blank line ends a sentence; if a column has the sentence number, set `data.sentence_column`"
            )
        return None
