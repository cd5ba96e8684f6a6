"""What augmentation may change of a text, and how the border of a pair survives it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from halluc.core.edits import Editable, EditError, Range
from halluc.core.examples import Labelled, Origin

Side = Literal["both", "first", "second"]


def editable(example: Labelled, words: Collection[str], side: Side) -> Editable:
    """The tokens of a text, with ``words`` (case-folded) locked and, of a pair, the side that stays as it is.

    Where both sides may change, a locked range of no length lies between them, which no edit crosses. What is inserted
    exactly there belongs to the first text.
    """
    locked = [(at, at + 1) for at, token in enumerate(example.tokens) if token.casefold() in words] if words else []
    border = example.second
    if border is not None:
        held = {"both": (border, border), "first": (border, len(example.tokens)), "second": (0, border)}[side]
        locked = sorted([held, *(word for word in locked if not _inside(word, held))])
    return Editable(example.tokens, (), tuple(locked))


def rebuilt(example: Labelled, edited: Editable, side: Side, identity: str, origin: Origin) -> Labelled:
    """The text that ``edited`` makes of an example.

    Raises:
        EditError: nothing is left of a side of a pair, or it is not known where the second begins.
    """
    second = None if example.second is None else _border(edited, side)
    if second is not None and not 0 < second < len(edited.tokens):
        raise EditError(f"nothing would be left of one text of the pair {example.id}")
    return Labelled(identity, origin, edited.tokens, example.labels, second)


def _border(edited: Editable, side: Side) -> int:
    """Locked ranges move with their text and keep their order: the border is where ``editable`` put it."""
    if side == "both":
        found = [start for start, end in edited.locked if start == end]
    elif side == "first":
        found = [start for start, _ in edited.locked[-1:]]
    else:
        found = [end for _, end in edited.locked[:1]]
    if not found:
        raise EditError("an edited pair without its border")
    return found[0]


def _inside(one: Range, other: Range) -> bool:
    return other[0] <= one[0] and one[1] <= other[1]
