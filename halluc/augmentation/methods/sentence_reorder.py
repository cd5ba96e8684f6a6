"""Sentences of a document, or clauses, in another order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field

from halluc.augmentation.methods.base import Augmenter, Lexicon, MethodConfig
from halluc.config.section import Share
from halluc.core.edits import Edit, Editable, Range, Reorder, between_borders, free_runs
from halluc.core.rng import Draws

_SENTENCE_ENDS = frozenset(". ! ? 。 ！ ？ ؟ … .. ... .... !! !!! ?? ??? ?! !?".split())  # noqa: SIM905
_CLAUSE_ENDS = _SENTENCE_ENDS | frozenset(", ; : 、 ， ； ،".split())  # noqa: SIM905
_CLOSING = frozenset("'' ” ’ ) ] } » 」 』 ） 】 》 -RRB- -RSB-".split())  # noqa: SIM905
# Quotes that open and close: the second of a pair closes.
_EITHER = frozenset("\"'")


class SentenceReorderConfig(MethodConfig):
    type: Literal["sentence_reorder"]
    unit: Literal["sentence", "clause"] = Field(
        default="sentence",
        description="what is reordered. sentence: up to a full stop or similar; clause: also up to a comma or similar; "
        "these marks stay in place",
    )
    rate: Share = Field(default=1.0, description="share of the examples of two pieces or more that is reordered")


class SentenceReorder(Augmenter):
    """Puts the sentences of an example, or its clauses, in another order."""

    Config: ClassVar[type[MethodConfig]] = SentenceReorderConfig

    def __init__(self, config: SentenceReorderConfig, training: Lexicon) -> None:
        self.config = config
        self._ends = _SENTENCE_ENDS if config.unit == "sentence" else _CLAUSE_ENDS

    def propose(self, example: Editable, draws: Draws) -> Sequence[Edit]:
        if self._ends.isdisjoint(example.tokens) or not draws.chance(self.config.rate):
            return ()
        edits = (self._draw_order(example, pieces, draws) for pieces in _movable(example, self._ends))
        return [edit for edit in edits if edit is not None]

    def _draw_order(self, example: Editable, pieces: Sequence[Range], draws: Draws) -> Reorder | None:
        if self.config.unit == "clause":
            pieces = [_strip_marks(example, piece, self._ends) for piece in pieces]
            pieces = [(start, end) for start, end in pieces if start < end]
        texts = [example.tokens[start:end] for start, end in pieces]
        if len(pieces) < 2 or texts.count(texts[0]) == len(texts):
            return None
        order = draws.shuffled(range(len(pieces)))
        if all(texts[piece] == text for piece, text in zip(order, texts, strict=True)):
            order = [*range(1, len(pieces)), 0]
        return _reorder(pieces, order)


def _movable(example: Editable, ends: frozenset[str]) -> list[list[Range]]:
    """For each run without locked tokens, its pieces; a piece with a locked token is not moved."""
    pieces = [piece for field in between_borders(example) for piece in _pieces(example, field, ends)]
    return [
        [(start, end) for start, end in pieces if first <= start < end <= last] for first, last in free_runs(example)
    ]


def _pieces(example: Editable, run: Range, ends: frozenset[str]) -> list[Range]:
    """The pieces of a run, each with its mark and the closing quotes and brackets after it."""
    tokens = example.tokens
    inside = {position for start, end, _ in example.spans for position in range(start + 1, end)}
    pieces: list[Range] = []
    begin, stop = run
    is_ended = False
    is_open = {mark: tokens[:begin].count(mark) % 2 == 1 for mark in _EITHER}
    for position in range(begin, stop):
        token = tokens[position]
        closes = token in _CLOSING or is_open.get(token, False)
        if is_ended and position not in inside and not (closes or token in ends):
            pieces.append((begin, position))
            begin, is_ended = position, False
        is_ended = token in ends or (is_ended and closes)
        if token in is_open:
            is_open[token] = not is_open[token]
    return [*pieces, (begin, stop)]


def _strip_marks(example: Editable, piece: Range, ends: frozenset[str]) -> Range:
    """A clause without the marks at its end, unless they are in a mention."""
    start, end = piece
    held = max((span.end for span in example.spans if span.start < end), default=0)
    while end > max(start, held) and example.tokens[end - 1] in ends:
        end -= 1
    return start, end


def _reorder(pieces: Sequence[Range], order: Sequence[int]) -> Reorder:
    """The permutation of ``pieces``, with the tokens between them kept in place."""
    cuts: list[int] = [pieces[0][0]]
    number_of: list[int] = []
    slots: list[int | None] = []
    for start, end in pieces:
        if start > cuts[-1]:
            slots.append(None)
            cuts.append(start)
        number_of.append(len(slots))
        slots.append(len(number_of) - 1)
        cuts.append(end)
    moved = [number if slot is None else number_of[order[slot]] for number, slot in enumerate(slots)]
    return Reorder(tuple(cuts), tuple(moved), "reordered")
