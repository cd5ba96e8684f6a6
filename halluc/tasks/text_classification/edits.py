"""What augmentation may change in a text, and how the border of a pair is preserved."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Literal

from halluc.core.edits import Editable, EditError, Range
from halluc.core.examples import Origin
from halluc.tasks.text_classification.labelled_text import Labelled

Side = Literal["both", "first", "second"]


class LockedWords:
    """Words that stay unchanged, in any case.

    A word of several tokens (`credit card`, or a word of characters) is found whatever the tokenization.
    """

    def __init__(self, words: Iterable[str]) -> None:
        self._words = frozenset(word for word in ("".join(word.casefold().split()) for word in words) if word)
        self._beginnings = frozenset(word[:size] for word in self._words for size in range(1, len(word)))

    def ranges(self, tokens: Sequence[str], border: int | None) -> list[Range]:
        """Their positions, from left to right; overlapping ones are merged, and none crosses ``border``."""
        ranges: list[Range] = []
        for start, end in self._matches(tokens) if self._words else ():
            if border is not None and start < border < end:
                continue
            if ranges and start < ranges[-1][1]:
                first, last = ranges.pop()
                start, end = first, max(end, last)
            ranges.append((start, end))
        return ranges

    def _matches(self, tokens: Sequence[str]) -> Iterator[Range]:
        folded = [token.casefold() for token in tokens]
        for start, text in enumerate(folded):
            for end in range(start + 1, len(folded) + 1):
                if text in self._words:
                    yield start, end
                if text not in self._beginnings or end == len(folded):
                    break
                text += folded[end]


def editable(example: Labelled, words: LockedWords, side: Side) -> Editable:
    """The tokens of a text, with ``words`` locked and, for a pair, the side that must stay.

    An empty locked range separates the two sides, and no edit crosses it. An insertion exactly there belongs to the
    first text if both may change.
    """
    border = example.second
    locked = words.ranges(example.tokens, border)
    if border is not None:
        held = {"both": (border, border), "first": (border, len(example.tokens)), "second": (0, border)}[side]
        locked = sorted({held, (border, border), *(word for word in locked if not _inside(word, held))})
    return Editable(example.tokens, (), tuple(locked), example.labels)


def rebuilt(example: Labelled, edited: Editable, side: Side, identity: str, origin: Origin) -> Labelled:
    """The example with the text of ``edited``.

    Raises:
        EditError: nothing is left of a side of a pair, the locked side has changed, or the start of the second text is
            unknown.
    """
    if example.second is None:
        return replace(example, id=identity, origin=origin, tokens=edited.tokens, labels=edited.labels)
    second = _border(edited, side)
    if not 0 < second < len(edited.tokens):
        raise EditError(f"one text would be empty in the pair {example.id}")
    # A locked range does not include insertions at its end, which is that of the pair, or at its beginning.
    if edited.tokens[_held(second, side)] != example.tokens[_held(example.second, side)]:
        raise EditError(f"an edit changes the text of the pair {example.id} that must not change")
    return replace(example, id=identity, origin=origin, tokens=edited.tokens, labels=edited.labels, second=second)


def _held(border: int, side: Side) -> slice:
    """The text of a pair that must stay; empty if both may change."""
    return {"both": slice(0), "first": slice(border, None), "second": slice(border)}[side]


def _border(edited: Editable, side: Side) -> int:
    """Locked ranges move with their text and keep their order: so the border is found where ``editable`` put it."""
    if side == "both":
        results = [start for start, end in edited.locked if start == end]
    elif side == "first":
        results = [start for start, _ in edited.locked[-1:]]
    else:
        results = [end for _, end in edited.locked[:1]]
    if not results:
        raise EditError("an edited pair without its border")
    return results[0]


def _inside(one: Range, other: Range) -> bool:
    return other[0] <= one[0] and one[1] <= other[1]
