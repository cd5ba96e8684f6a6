"""Texts to predict on, one by one or in pairs, and how many of them are held at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from halluc.core.examples import Span
from halluc.data.readers.base import BadLine
from halluc.data.readers.jsonl import Unreadable
from halluc.data.tokenization import Tokenize, Tokenizer

# What is held at once, in characters, beside the number of texts.
_MOST_CHARACTERS = 1 << 20


@dataclass(frozen=True, slots=True)
class InputText:
    """One text, or a pair of texts: the line it begins on, its id, and its tokens.

    ``bounds`` are the start and end of each token in characters of ``text``; both are None where only tokens are given.
    Of a pair, ``second`` is the token with which the second text begins; ``text`` and ``second_text`` are the two as
    they are given, and ``bounds`` is None.
    """

    line: int
    id: str | int | float
    tokens: tuple[str, ...]
    text: str | None = None
    bounds: Sequence[tuple[int, int]] | None = None
    second: int | None = None
    second_text: str | None = None

    def characters(self, span: Span) -> tuple[int, int] | None:
        """Where a span of tokens stands in the text."""
        return (self.bounds[span.start][0], self.bounds[span.end - 1][1]) if self.bounds is not None else None

    @property
    def size(self) -> int:
        return sum(map(len, self.tokens)) if self.text is None else len(self.text) + len(self.second_text or "")


Item = InputText | BadLine


def single(line: int, identity: str | int | float, text: str, tokenize: Tokenize) -> InputText:
    """A text with its tokens, none where it is blank."""
    if not text.strip():
        return InputText(line, identity, (), text, ())
    bounds, tokens = Tokenizer(tokenize).cut(text)
    return InputText(line, identity, tokens, text, bounds)


def paired(line: int, identity: str | int | float, first: str, second: str, tokenize: Tokenize) -> InputText:
    """A pair of texts.

    Raises:
        Unreadable: one of them is blank.
    """
    sides = [single(line, identity, text, tokenize).tokens for text in (first, second)]
    for place, tokens in zip(("first", "second"), sides, strict=True):
        if not tokens:
            raise Unreadable("D106", f"the {place} text of the pair is empty", "a pair needs both")
    before, behind = sides
    return InputText(line, identity, before + behind, first, None, len(before), second)


def in_chunks(items: Iterable[Item], most: int, waits: Callable[[], bool]) -> Iterator[list[Item]]:
    """At most ``most`` items at a time, and about a million characters; fewer where the next one ``waits``."""
    chunk: list[Item] = []
    size = 0
    for item in items:
        chunk.append(item)
        size += item.size if isinstance(item, InputText) else len(item.text or "")
        if len(chunk) >= most or size >= _MOST_CHARACTERS or waits():
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk
