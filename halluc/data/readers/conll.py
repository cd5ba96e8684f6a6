"""CoNLL-like columns: a token a line, a blank line after a sentence."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from halluc.config.bounds import Text
from halluc.core.errors import HallucError
from halluc.data.readers.base import BadLine, RawSentence, SplitName, TaggedDataConfig, resolve
from halluc.data.readers.lines import numbered_lines

DOCUMENT_START = "-DOCSTART-"
_BLANKS = re.compile(r"[ \t]+")
# Of so many different sequences of tags, sentences share theirs.
_MOST_MET = 1 << 16
SEPARATORS = {"tab": "\t", "space": " "}


Column = Annotated[int, Field(ge=-1_000, le=1_000)]


class ConllConfig(TaggedDataConfig):
    format: Literal["conll"]
    separator: Text = Field(default="whitespace", description="between columns: whitespace, tab, space, or any text")
    token_column: Column = Field(default=0, description="which column is the token; negative counts from the right")
    tag_column: Column = Field(default=-1, description="which column is the tag; negative counts from the right")
    comment: Text | None = Field(default=None, description="lines that start with this are left out, such as `# `")

    @model_validator(mode="after")
    def _columns_differ(self) -> Self:
        if self.token_column == self.tag_column:
            raise ValueError(f"`data.token_column` and `data.tag_column` are both {self.tag_column}: they must differ")
        return self


class ConllReader:
    """CoNLL-like columns: any separator, any columns, comments, document boundaries, gzip."""

    makes: ClassVar[str] = "token_classification"
    Config: ClassVar[type[TaggedDataConfig]] = ConllConfig

    def __init__(self, config: ConllConfig) -> None:
        self.config = config
        self.separator = SEPARATORS.get(config.separator, config.separator)
        self._met: dict[tuple[str, ...], tuple[str, ...]] = {}
        needed = [c + 1 if c >= 0 else -c for c in (config.token_column, config.tag_column)]
        self.columns = max(2, *needed)

    def read(self, reference: str, split: SplitName) -> Iterator[RawSentence | BadLine]:
        path = resolve(reference, split)
        file, comment = str(path), self.config.comment
        token_column, tag_column = self.config.token_column, self.config.tag_column
        document, any_line, sound = 0, False, True
        lines: list[int] = []
        tokens: list[str] = []
        tags: list[str] = []
        width, first = 0, ""
        for item in numbered_lines(path, file, self.config.max_line_bytes):
            any_line = True
            if isinstance(item, BadLine):
                sound = False
                yield item
                continue
            number, line = item
            # Only spaces and tabs make a line blank: a no-break space may be a token.
            is_blank = not line.strip(" \t")
            if comment is not None and not is_blank and line.startswith(comment):
                continue
            if is_blank or line.startswith(DOCUMENT_START):
                if tokens and sound:
                    yield self._sentence(lines, tokens, tags, file, document, split)
                lines, tokens, tags, sound = [], [], [], True
                document += not is_blank
                continue
            cells = self._cells(line)
            if len(cells) != width:
                if len(cells) < self.columns:
                    sound = False
                    yield self._too_few(file, number, line, len(cells))
                    continue
                if width:
                    sound = False
                    yield self._ragged(file, number, line, len(cells), width, first)
                    continue
                width, first = len(cells), line
                self._refuse_one_column(width)
            lines.append(number)
            tokens.append(cells[token_column])
            tags.append(cells[tag_column])
        if tokens and sound:
            yield self._sentence(lines, tokens, tags, file, document, split)
        if not any_line:
            yield BadLine("D102", file, 1, "the file is empty", "is this the right file, and was it copied whole?")

    def _refuse_one_column(self, width: int) -> None:
        token, tag = self.config.token_column, self.config.tag_column
        if (token - tag) % width == 0:  # one of them counts from the right
            message = f"`data.token_column: {token}` and `data.tag_column: {tag}` are one column of {width}"
            raise HallucError("C106", message, help="name the column of the tags")

    def _cells(self, line: str) -> list[str]:
        if self.separator == "whitespace":
            cells = line.split(" ")
            if "" in cells or "\t" in line:
                cells = _BLANKS.split(line.strip(" \t"))
            return cells
        return line.split(self.separator)

    def _sentence(
        self, lines: list[int], tokens: list[str], tags: list[str], file: str, document: int, split: SplitName
    ) -> RawSentence:
        """Words and tags that stand in many sentences are in memory once."""
        first, last = lines[0], lines[-1]
        numbers = range(first, last + 1) if last - first < len(lines) else tuple(lines)
        told = tuple(map(sys.intern, tags))
        told = self._met.get(told, told)
        if len(self._met) < _MOST_MET:
            self._met[told] = told
        return RawSentence(f"{split}-{first}", file, numbers, document, tuple(map(sys.intern, tokens)), told)

    def _too_few(self, file: str, number: int, line: str, found: int) -> BadLine:
        problem = f"{found} column{'s' if found != 1 else ''} where {self.columns} are needed"
        help = "check `data.separator`, `data.token_column` and `data.tag_column`"
        if line.startswith("#") and self.config.comment is None:
            help = "if lines like this are comments, set `data.comment`"
        return BadLine("D105", file, number, problem, help, line, 1, len(line))

    def _ragged(self, file: str, number: int, line: str, found: int, width: int, first: str) -> BadLine:
        """A line of more or fewer columns than the lines before it: columns could not be told by number."""
        problem = f"{found} columns where the lines before have {width}"
        help = "a token with a space in it? set `data.separator: tab`"
        if "#" in (line[0], first[0]) and self.config.comment is None:
            help = "if lines that start with # are comments, set `data.comment`"
        return BadLine("D113", file, number, problem, help, line, 1, len(line))
