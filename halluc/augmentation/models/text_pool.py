"""Texts that take the place of training examples of about the same length."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from dataclasses import dataclass, field

from halluc.augmentation.filters.text_hashes import exact
from halluc.core.edits import Editable
from halluc.core.rng import Draws


@dataclass
class TextPool:
    """The texts of one group, and the training examples that they are drawn for, both by length.

    ``keys`` has a number for each training example: see ``length_key``.
    """

    texts: list[Editable] = field(default_factory=list)
    keys: array[int] = field(default_factory=lambda: array("Q"))

    def sort(self) -> None:
        self.texts.sort(key=lambda one: len(one.tokens))
        self.keys = array("Q", sorted(self.keys))

    def drawn(self, like: Editable, draws: Draws) -> Editable:
        """A text of about the same quantile of length as ``like``.

        Where there are as many texts as training examples, each of these has a part of its own, so that no two get the
        same text. Where there are fewer, half of the draws are from a wider part, and half of those from a still wider
        one, in case its text was used before.
        """
        size, examples = len(self.texts), max(1, len(self.keys))
        rank = min(bisect_left(self.keys, length_key(like)), examples - 1)
        start = rank * size // examples
        end = max(start + 1, (rank + 1) * size // examples)
        width = end - start
        while width < size < examples and draws.chance(0.5):
            width *= 4
        first = max(0, min((start + end - width) // 2, size - width))
        return self.texts[first + draws.below(min(width, size))]


def length_key(example: Editable) -> int:
    """A number that sorts examples by length, and differs between those of the same length."""
    return min(len(example.tokens), (1 << 20) - 1) << 44 | exact(example.tokens) >> 20
