"""Texts with their labels as lists of integers, for language models that write both together.

As in DAGA (Ding et al. 2020) labels are part of the token stream; here a mention is enclosed in an opening and a
closing label token, and the tokens at the beginning name the labels that occur. A sequence is

    condition tokens, <start>, word pieces and label tokens, <end>

with one condition token for each label that occurs, ``<no mention>`` if mentions are labelled and none occurs, or
``<unlabelled>`` for text of another domain. The roles of a relation (head and tail) are labels of mentions, and the
border between the texts of a pair is a separate token.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from halluc.augmentation.methods.base import Rejected, or_rejected
from halluc.augmentation.models.spelling import INSIDE, Spelling, TokenizerPieces, WordPieces, is_spellable
from halluc.core.edits import Editable, Range
from halluc.core.examples import Span
from halluc.core.files import write_text
from halluc.engine.pretrained import load_tokenizer
from halluc.engine.references import ModelSource
from halluc.engine.scratch import train_pieces

_FILE = "codec.json"
_SPECIAL = ("<pad>", "<unknown>", "<start>", "<end>", "<border>", "<no mention>", "<unlabelled>")
# For each label of a mention: its condition token, and those before and after the mention.
_CONDITION, _OPEN, _CLOSE = range(3)


class StreamCodec:
    """Converts labelled examples to sequences of token ids and back; ``of`` learns the codec from examples.

    Words are restored exactly; a word that cannot be spelled (see ``spelling``) is the piece ``<unknown>``.

    ``size`` is the number of ids, ``pad`` fills up batches, ``end`` ends a sequence. ``never_sampled`` are ids that
    cannot occur after ``<start>`` in a valid sequence. The pieces of words have the lowest ids. From
    ``first_span_label`` on, each label of mentions has three tokens: its condition, and those that open and close a
    mention.
    """

    def __init__(self, span_labels: Sequence[str], text_labels: Sequence[str], spelling: Spelling) -> None:
        self.span_labels, self.text_labels, self.spelling = tuple(span_labels), tuple(text_labels), spelling
        first = spelling.size
        self.pad, self.unknown, self.start, self.end, self.border, self.no_mention, self.unlabelled = range(
            first, first + len(_SPECIAL)
        )
        self.first_span_label = first + len(_SPECIAL)
        first_text_label = self.first_span_label + 3 * len(self.span_labels)
        self.size = first_text_label + len(self.text_labels)
        self._span_label = {label: self.first_span_label + 3 * n for n, label in enumerate(self.span_labels)}
        self._text_label = {label: first_text_label + n for n, label in enumerate(self.text_labels)}
        self._words: dict[str, list[int]] = {}

    @classmethod
    def of(cls, examples: Iterable[Editable], vocabulary: int) -> StreamCodec:
        """Learn labels and at most ``vocabulary`` word pieces; deterministic."""
        labels, words = _labels_and_words(examples)
        spellable = {word: count for word, count in words.items() if is_spellable(word)}
        return cls(*labels, WordPieces(train_pieces(spellable, vocabulary, INSIDE)))

    @classmethod
    def with_tokenizer(cls, examples: Iterable[Editable], tokenizer: Any, rows: int) -> StreamCodec:
        """Learn labels, and spell words with the tokenizer of a pre-trained model with ``rows`` embeddings.

        Raises:
            HallucError E411: its tokenizer cannot be used.
        """
        labels, _ = _labels_and_words(examples)
        return cls(*labels, TokenizerPieces(tokenizer, rows))

    @cached_property
    def never_sampled(self) -> tuple[int, ...]:
        conditions = [first + _CONDITION for first in self._span_label.values()]
        special = (self.pad, self.unknown, self.start, self.no_mention, self.unlabelled)
        return (*self.spelling.unusable, *special, *conditions, *self._text_label.values())

    def opening(self, label: str) -> int:
        """The token before a mention with this label."""
        return self._span_label[label] + _OPEN

    def closing(self, label: str) -> int:
        """The token after a mention with this label."""
        return self._span_label[label] + _CLOSE

    def encode(self, example: Editable) -> list[int]:
        """The whole sequence of an example, from its condition to ``<end>``.

        Raises:
            Rejected: one of its labels is unknown.
        """
        ids = self.condition(example)
        opened = {span.start: self._span_label[span.label] for span in example.spans}
        closed = {span.end: self._span_label[span.label] for span in example.spans}
        borders = {start for start, end in example.locked if start == end}
        for at, token in enumerate(example.tokens):
            if at in closed:
                ids.append(closed[at] + _CLOSE)
            if at in borders:
                ids.append(self.border)
            if at in opened:
                ids.append(opened[at] + _OPEN)
            ids += self.word(token)
        if len(example.tokens) in closed:
            ids.append(closed[len(example.tokens)] + _CLOSE)
        return [*ids, self.end]

    def encode_unlabelled(self, tokens: Sequence[str]) -> list[int]:
        """The whole sequence of a text without labels, marked as such."""
        pieces = (piece for token in tokens for piece in self.word(token))
        return [self.unlabelled, self.start, *pieces, self.end]

    def word(self, token: str) -> list[int]:
        """The pieces of a word; ``<unknown>`` alone if it cannot be spelled."""
        pieces = self._words.get(token)
        if pieces is None:
            pieces = self._words[token] = self.spelling.spell(token) or [self.unknown]
        return pieces

    def condition(self, like: Editable) -> list[int]:
        """The tokens at the beginning of a new example with the labels of ``like``, including ``<start>``.

        Raises:
            Rejected: one of its labels is unknown.
        """
        labels = {span.label for span in like.spans}
        if not labels <= self._span_label.keys() or not self._text_label.keys() >= {*like.labels}:
            raise Rejected("unknown label")
        spans = [first + _CONDITION for label, first in self._span_label.items() if label in labels]
        texts = [number for label, number in self._text_label.items() if label in like.labels]
        none = [self.no_mention] if self.span_labels and not spans else []
        return [*texts, *spans, *none, self.start]

    def prompt(self, like: Editable, longest: int) -> list[int] | Rejected:
        """``condition(like)``, or the reason why no sample of at most ``longest`` tokens can replace ``like``."""
        if has_locked_words(like):
            return Rejected("locked")
        condition = or_rejected(self.condition, like)
        is_short = isinstance(condition, Rejected) or len(condition) < longest
        return condition if is_short else Rejected("too long")

    def decode_or_reject(self, ids: Sequence[int], like: Editable) -> Editable | Rejected:
        """``decode``, with a rejection as its result."""
        return or_rejected(self.decode, ids, like)

    def decode(self, ids: Sequence[int], like: Editable) -> Editable:
        """The example that was sampled after ``condition(like)``; ``ids`` are the ones after ``<start>``.

        The labels of the whole are those of ``like``. If a task locks mentions (head and tail of a relation), each must
        occur once, and is locked in the result.

        Raises:
            Rejected: the sample is not a valid example, or does not have the labels of ``like``.
        """
        if has_locked_words(like):
            raise Rejected("locked")
        if self.end not in ids:
            raise Rejected("too long")
        tokens, spans, borders = self._parse_ids(ids[: list(ids).index(self.end)])
        held = {*like.locked}
        wanted = [span.label for span in like.spans]
        sampled = [span.label for span in spans]
        is_exact = any(span[:2] in held for span in like.spans)
        if {*wanted} != {*sampled} or (is_exact and sorted(wanted) != sorted(sampled)):
            raise Rejected("other labels than asked")
        if len(borders) != sum(start == end for start, end in like.locked):
            raise Rejected("other number of texts")
        locked_labels = {span.label for span in like.spans if span[:2] in held}
        locked = [*borders, *((span.start, span.end) for span in spans if span.label in locked_labels)]
        return Editable(tokens, spans, tuple(sorted(locked)), like.labels)

    def _parse_ids(self, ids: Sequence[int]) -> tuple[tuple[str, ...], tuple[Span, ...], tuple[Range, ...]]:
        """Decode the ids before ``<end>``: tokens, mentions, and borders between texts.

        Raises:
            Rejected: they are not a valid sequence, or not a valid example.
        """
        words: list[str] = []
        spans: list[Span] = []
        borders: list[Range] = []
        pieces: list[int] = []
        opened: tuple[int, int] | None = None
        for number in (*ids, self.border):
            if number < self.spelling.size:
                pieces.append(number)
                continue
            words += self.spelling.words(pieces)
            pieces.clear()
            if number == self.border:
                if opened is not None:
                    raise Rejected("unclosed label")
                if len(words) == (borders[-1][0] if borders else 0):
                    raise Rejected("empty text")
                borders.append((len(words), len(words)))
            else:
                opened = self._label_token(number, opened, len(words), spans)
        return tuple(words), tuple(spans), tuple(borders[:-1])

    def _label_token(
        self, number: int, opened: tuple[int, int] | None, at: int, spans: list[Span]
    ) -> tuple[int, int] | None:
        """Process a label token; returns the label of the mention that is open after it, and its first word."""
        if number in self.never_sampled:
            raise Rejected("unknown word" if number == self.unknown else "misplaced token")
        label, kind = divmod(number - self.first_span_label, 3)
        if kind == _OPEN:
            if opened is not None:
                raise Rejected("nested label")
            return label, at
        if opened is None or opened[0] != label:
            raise Rejected("unopened label")
        if opened[1] == at:
            raise Rejected("empty mention")
        spans.append(Span(opened[1], at, self.span_labels[label]))
        return None

    def save_pretrained(self, folder: Path) -> None:
        """Write ``codec.json`` and, if a pre-trained model's tokenizer is used, its files.

        Raises:
            HallucError E401: they cannot be written.
        """
        value: dict[str, Any] = {"span_labels": self.span_labels, "text_labels": self.text_labels}
        if isinstance(self.spelling, WordPieces):
            value["pieces"] = self.spelling.pieces
        else:
            assert isinstance(self.spelling, TokenizerPieces)
            value["rows"] = self.spelling.size
            self.spelling.tokenizer.save_pretrained(folder)
        write_text(folder / _FILE, json.dumps(value) + "\n")

    @classmethod
    def load(cls, folder: Path) -> StreamCodec:
        """Load the output of ``save_pretrained``.

        Raises:
            OSError, ValueError, KeyError, TypeError: ``codec.json`` is missing or damaged. HallucError E411: the
                tokenizer is.
        """
        value = json.loads((folder / _FILE).read_bytes())
        if "pieces" in value:
            spelling: Spelling = WordPieces(value["pieces"])
        else:
            spelling = TokenizerPieces(load_tokenizer(ModelSource(str(folder))), value["rows"])
        return cls(value["span_labels"], value["text_labels"], spelling)


def has_locked_words(example: Editable) -> bool:
    """Whether an example has locked words, which a sample cannot preserve.

    Mentions that are locked as a whole do not count: a sample can have the same labels.
    """
    spans = {span[:2] for span in example.spans}
    return any(start < end and (start, end) not in spans for start, end in example.locked)


def _labels_and_words(examples: Iterable[Editable]) -> tuple[tuple[list[str], list[str]], Counter[str]]:
    """The labels of mentions and those of whole texts, each sorted, and the frequency of each word."""
    words: Counter[str] = Counter()
    span_labels: set[str] = set()
    text_labels: set[str] = set()
    for example in examples:
        words.update(example.tokens)
        span_labels.update(span.label for span in example.spans)
        text_labels.update(example.labels)
    return (sorted(span_labels), sorted(text_labels)), words
