"""Texts to predict, single or in pairs, and chunks of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from halluc.core.examples import Span
from halluc.data.config import Column
from halluc.data.fields import Identity, Place, located, own_id, value_of
from halluc.data.rows.row import BadLine, Row, Unreadable
from halluc.data.tokenization import Tokenizer

# The most characters of a chunk.
_MOST_CHARACTERS = 1 << 20


@dataclass(frozen=True, slots=True)
class InputText:
    """One text, or a pair of texts: its first line, its id, and its tokens.

    ``bounds`` are the start and end of each token in characters of ``text``; both are None if only tokens are given.
    For a pair, ``second`` is the index of the first token of the second text; ``text`` and ``second_text`` are the
    original texts, and ``bounds`` is None. ``details`` is data that the reader of a task adds. ``document`` is the
    number of its document in the input.
    """

    line: int
    id: Identity
    tokens: tuple[str, ...]
    text: str | None = None
    bounds: Sequence[tuple[int, int]] | None = None
    second: int | None = None
    second_text: str | None = None
    details: Any = None
    document: int = 0

    def characters(self, span: Span) -> tuple[int, int] | None:
        """The position of a span of tokens in the text."""
        return (self.bounds[span.start][0], self.bounds[span.end - 1][1]) if self.bounds is not None else None

    @property
    def size(self) -> int:
        return sum(map(len, self.tokens)) if self.text is None else len(self.text) + len(self.second_text or "")


Item = InputText | BadLine


def identity_of(row: Row, field: Column) -> Identity:
    """The id of a row, unchanged; if it has none, its line.

    Raises:
        Unreadable: it is neither a string nor a finite number.
    """
    given = value_of(row.fields, field)
    own = own_id(row.fields.get("id") if given is None else given, field)
    return own if own is not None else f"item-{row.number}" if row.number else f"line-{row.line}"


def single(line: int, identity: Identity, text: str, tokenizer: Tokenizer) -> InputText:
    """A text with its tokens; without tokens if it is blank."""
    if not text.strip():
        return InputText(line, identity, (), text, ())
    bounds, tokens = tokenizer.cut(text)
    return InputText(line, identity, tokens, text, bounds)


def paired(
    line: int, identity: Identity, first: str, second: str, tokenizer: Tokenizer, help: str = "a pair needs both"
) -> InputText:
    """A pair of texts.

    Raises:
        Unreadable: one of them is blank.
    """
    before, after = (tokenizer.tokens(text) if text.strip() else () for text in (first, second))
    for place, tokens in (("first", before), ("second", after)):
        if not tokens:
            raise Unreadable("D106", f"the {place} text of the pair is empty", help)
    return InputText(line, identity, before + after, first, None, len(before), second)


def raw(row: Row, tokenizer: Tokenizer, is_pair: bool) -> InputText:
    """A line that is a text, or two texts separated by a tab.

    Raises:
        Unreadable: it is not a pair.
    """
    text, identity = str(row.fields["text"]), f"line-{row.line}"
    if not is_pair or not text.strip():
        return single(row.line, identity, text, tokenizer)
    help = "a line of plain text has both texts of a pair, separated by one tab; else use JSON Lines or CSV"
    if (tabs := text.count("\t")) != 1:
        raise Unreadable("D113", f"a pair needs two texts, but the line has {tabs or 'no'} tab{'s' * (tabs > 1)}", help)
    first, second = text.split("\t")
    return paired(row.line, identity, first, second, tokenizer, help)


def given_tokens(
    line: int,
    identity: Identity,
    words: Any,
    tokenizer: Tokenizer,
    texts: Sequence[Any] = (None, None),
    border: int | None = None,
    places: Sequence[Place] | None = None,
) -> InputText:
    """The input text of a record with tokens.

    Args:
        texts: the texts of the record, if it has them, from which the positions of tokens are computed.
        border: for a pair, the index of the first token of the second text.
        places: the positions of the tokens in their text, if known.

    Raises:
        Unreadable: they are not a list of strings.
    """
    if not isinstance(words, (list, tuple)) or not all(isinstance(word, str) for word in words):
        raise Unreadable("D107", "`tokens` is not a list of strings", "remove it, or set it to a list of words")
    if texts[0] is not None and not isinstance(texts[0], str):
        raise Unreadable("D107", "the text in addition to `tokens` is not a string", "remove it")
    tokens, kept = tokenizer.cleaned(words)
    parts = [words] if border is None else [words[:border], words[border:]]
    bounds = [
        places or located(part, text) if isinstance(text, str) else None
        for part, text in zip(parts, texts, strict=False)
    ]
    if border is None:
        of_tokens = bounds[0]
        if of_tokens is None:
            return InputText(line, identity, tokens)
        of_kept = of_tokens if kept is None else [of_tokens[index] for index in kept]
        return InputText(line, identity, tokens, texts[0], of_kept)
    second = border if kept is None else sum(index < border for index in kept)
    first_text, second_text = texts if None not in bounds else (None, None)
    return InputText(line, identity, tokens, first_text, None, second, second_text)


def in_chunks(items: Iterable[Item], most: int, waits: Callable[[], bool]) -> Iterator[list[Item]]:
    """At most ``most`` items and about a million characters per chunk; fewer if the next item ``waits``."""
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
