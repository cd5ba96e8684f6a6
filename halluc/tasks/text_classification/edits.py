"""Which tokens of a text augmentation may change, and the border between the texts of an edited pair."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Literal

from halluc.core.edits import Editable, EditError, Range
from halluc.core.examples import Origin
from halluc.tasks.text_classification.labelled_text import Labelled

Side = Literal["both", "first", "second"]


class LockedWords:
    """Words and phrases that augmentation does not change; case and tokenization do not matter."""

    def __init__(self, words: Iterable[str]) -> None:
        self._words = frozenset(filter(None, ("".join(word.casefold().split()) for word in words)))
        self._beginnings = frozenset(word[:size] for word in self._words for size in range(1, len(word)))

    def ranges(self, tokens: Sequence[str], border: int | None) -> list[Range]:
        """Their positions from left to right, without those that cross ``border``; overlapping ones are merged."""
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
    """The tokens of a text, with ``words`` locked and, for a pair, the text that must not change.

    An empty locked range separates the two texts, and no edit crosses it. An insertion at this place belongs to the
    first text if both may change.
    """
    border = example.second
    locked = words.ranges(example.tokens, border)
    if border is not None:
        side_start, side_end = {
            "both": (border, border), "first": (border, len(example.tokens)), "second": (0, border),
        }[side]  # fmt: skip
        outside = ((start, end) for start, end in locked if start < side_start or end > side_end)
        locked = sorted({(side_start, side_end), (border, border), *outside})
    return Editable(example.tokens, (), tuple(locked), example.labels)


def rebuilt(example: Labelled, edited: Editable, side: Side, identity: str, origin: Origin) -> Labelled:
    """The example with the text of ``edited``.

    Raises:
        EditError: a text of a pair is empty, the locked text has changed, or the start of the second text is unknown.
    """
    if example.second is None:
        return replace(example, id=identity, origin=origin, tokens=edited.tokens, labels=edited.labels)
    second = _border(edited, side)
    if not 0 < second < len(edited.tokens):
        raise EditError(f"one text would be empty in the pair {example.id}")
    # A locked range allows insertions at both of its ends.
    if edited.tokens[_locked_text(second, side)] != example.tokens[_locked_text(example.second, side)]:
        raise EditError(f"an edit changes the text of the pair {example.id} that must not change")
    return replace(example, id=identity, origin=origin, tokens=edited.tokens, labels=edited.labels, second=second)


def _locked_text(border: int, side: Side) -> slice:
    """The text of a pair that must not change; empty if both may change."""
    return {"both": slice(0), "first": slice(border, None), "second": slice(border)}[side]


def _border(edited: Editable, side: Side) -> int:
    """The first token of the second text; edits move the locked ranges of ``editable``, but keep their order."""
    if side == "both":
        places = [start for start, end in edited.locked if start == end]
    elif side == "first":
        places = [start for start, _ in edited.locked[-1:]]
    else:
        places = [end for _, end in edited.locked[:1]]
    if not places:
        raise EditError("an edited pair without its border")
    return places[0]
