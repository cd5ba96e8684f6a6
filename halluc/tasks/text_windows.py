"""Texts as word pieces that fit a model: whole, cut, or in windows."""

from __future__ import annotations

from typing import Literal

from halluc.core.edits import Range

LongTexts = Literal["windows", "head", "tail", "head_tail"]

# The pieces of one text that a window shows, from left to right.
Shown = tuple[Range, ...]


def shown(length: int, space: int, how: LongTexts) -> list[Shown]:
    """What each window shows of a text of ``length`` pieces, in at most ``space``; one window where all fit.

    Windows are full, lie evenly, and repeat at least a quarter of the one before. ``head_tail`` keeps a quarter of the
    beginning and three of the end (Sun et al. 2019, "How to Fine-Tune BERT for Text Classification?", section 5.3.1).
    """
    if length <= space:
        return [((0, length),)]
    if how == "head":
        return [((0, space),)]
    if how == "tail":
        return [((length - space, length),)]
    if how == "head_tail":
        head = space // 4
        return [((0, head), (length - space + head, length))]
    overlap = space // 4
    last = -(-(length - overlap) // (space - overlap)) - 1
    return [((start, start + space),) for start in [number * (length - space) // last for number in range(last + 1)]]


def shown_of_pair(first: int, second: int, space: int, how: LongTexts) -> list[tuple[Shown, Shown]]:
    """The same of two texts that share ``space``: the longer one is cut first, down to half of it.

    In windows it is the longer one that is read piece by piece, beside the whole of the other; of that, the first half
    of the space where both are longer than this.
    """
    if first + second <= space:
        return [(((0, first),), ((0, second),))]
    kept = min(first, second, space // 2)
    (short,) = shown(min(first, second), kept, "head" if how == "windows" else how)
    long = shown(max(first, second), space - kept, how)
    return [(short, part) for part in long] if first < second else [(part, short) for part in long]


def covers(parts: list[Shown], length: int) -> bool:
    """Whether the windows show every piece of a text, or some of it is cut."""
    done = 0
    for start, end in sorted(one for part in parts for one in part):
        if start > done:
            return False
        done = max(done, end)
    return done >= length
