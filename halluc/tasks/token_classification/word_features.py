"""Input features of words besides their pieces: casing, and names of a gazetteer.

An uncased tokenizer drops capital letters, which are the strongest evidence of a name in English. The casing feature
restores them (Collobert et al. 2011, section 4.2: "capitalization feature").
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy

from halluc.core.edits import Range
from halluc.tasks.token_classification.gazetteer import MarkedNames, labels_of, stored_setting

# The setting in config.json that says whether a model uses casing features, and their number.
CASING, CASINGS = "casing", 3


def casing_of(word: str) -> int | None:
    """0: all letters are capitals; 1: only the first character is one; 2: another character is; None: no capitals."""
    capitals = [char.isupper() for char in word]
    if not any(capitals):
        return None
    if sum(capitals) > 1 and word.isupper():
        return 0
    return 1 if capitals[0] and not any(capitals[1:]) else 2


def has_casing(settings: Any) -> bool:
    return stored_setting(settings, CASING) is True


def width_of(settings: Any) -> int:
    """The number of features of a model: two for each label of its gazetteer, then those of casing; 0 without any."""
    return 2 * len(labels_of(settings)) + CASINGS * has_casing(settings)


@dataclass(frozen=True)
class WordFeatures:
    """The features of the words of examples.

    Args:
        labels: the number of gazetteer labels of the model; 0 without a gazetteer.
        names: the gazetteer's names in each example; None: no names.
        casing: for each word of all examples, concatenated, the result of ``casing_of``; None: no casing features.
        dropout: the share of the names that training drops.
    """

    labels: int
    names: MarkedNames | None
    casing: Sequence[int | None] | None
    dropout: float = 0.0

    def features(
        self,
        shape: tuple[int, ...],
        rows: Sequence[tuple[Sequence[tuple[int, int]], Mapping[int, Range]]],
        dropped: Iterator[bool],
    ) -> numpy.ndarray:
        """(rows, pieces, features) of 0 and 1.

        Args:
            shape: rows and pieces.
            rows: for each row its examples, each with the number of its first word, and the pieces of words by number.
            dropped: for each name of each row whether it is dropped.
        """
        width = 2 * self.labels + (CASINGS if self.casing is not None else 0)
        values = numpy.zeros((*shape, width), dtype=numpy.float32)
        if self.names is not None:
            values[..., : 2 * self.labels] = self.names.features(shape, rows, dropped)
        if self.casing is not None:
            for row, (_, pieces) in enumerate(rows):
                for word, (start, end) in pieces.items():
                    if (casing := self.casing[word]) is not None:
                        values[row, start:end, 2 * self.labels + casing] = 1
        return values
