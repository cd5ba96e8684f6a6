"""Logits of single decisions, such as the tag of a word, and the mean of the probabilities of several models.

The mean of probabilities (Lakshminarayanan et al. 2017, arXiv 1612.01474, section 2.4) is converted back to logits, so
that decoding, confidence, temperature scaling and abstention are the same for one model and for several.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy

Array = numpy.ndarray


@dataclass(frozen=True)
class DecisionScores:
    """Logits, an array (decisions, outputs) for each example: one row per word, or one row for a whole text.

    ``independent``: each output has its own sigmoid; otherwise a softmax is taken over the outputs. ``pieces`` is a
    hash of the word pieces if outputs are pieces, None if they are labels. ``threshold`` is the model's decision
    threshold, if it has one.
    """

    rows: Sequence[Array]
    independent: bool = False
    pieces: str | None = None
    threshold: float | None = None

    def reordered(self, order: Sequence[int]) -> DecisionScores:
        """The scores with output ``order[i]`` at position ``i``."""
        return replace(self, rows=[row[:, list(order)] for row in self.rows])


def log_probabilities(logits: Array, temperature: float = 1.0) -> Array:
    """The log softmax over the last axis of logits divided by a temperature."""
    scaled = numpy.asarray(logits, dtype=numpy.float64) / temperature
    odds = scaled - scaled.max(-1, keepdims=True)
    return numpy.asarray(odds - numpy.log(numpy.exp(odds).sum(-1, keepdims=True)))


class MeanProbabilities:
    """The mean of the probabilities of several models (or of several passes of one), added one at a time."""

    def __init__(self, temperature: float = 1.0) -> None:
        self.temperature, self.count = temperature, 0
        self._first: DecisionScores | None = None
        # Sums of probabilities as logarithms; for a sigmoid also of the complements.
        self._sums: list[list[Array]] = []
        self._thresholds: list[float | None] = []

    def add(self, scores: DecisionScores) -> None:
        """
        Raises:
            ValueError: the scores belong to other decisions than the earlier ones; the message says how they differ.
        """
        first = self._first = self._first or scores
        if scores.independent != first.independent:
            raise ValueError("one model predicts a single label per text, and another several")
        if scores.pieces != first.pieces:
            raise ValueError("their tokenizers split the texts into different word pieces")
        if (scores.threshold is None) != (first.threshold is None):
            raise ValueError("one model has a threshold for answers, and another has none")
        signs = (1.0, -1.0) if scores.independent else (1.0,)
        for side, sign in enumerate(signs):
            logs = [self._logs(row, sign, scores.independent) for row in scores.rows]
            if self.count:
                logs = [numpy.logaddexp(total, own) for total, own in zip(self._sums[side], logs, strict=True)]
            self._sums[side : side + 1] = [logs]
        self._thresholds.append(scores.threshold)
        self.count += 1

    def _logs(self, row: Array, sign: float, independent: bool) -> Array:
        if independent:
            return -numpy.logaddexp(0.0, -sign * row.astype(numpy.float64) / self.temperature)
        return log_probabilities(row, self.temperature)

    def probabilities(self) -> list[Array]:
        """The means, an array (decisions, outputs) for each example."""
        return [numpy.exp(row) / self.count for row in self._sums[0]]

    def result(self) -> DecisionScores:
        """The scores whose softmax (or sigmoid) gives the means, with the mean of the thresholds."""
        assert self._first is not None, "there is a model"
        if self._first.independent:
            rows = [yes - no for yes, no in zip(*self._sums, strict=True)]
        else:
            rows = [row - numpy.log(self.count) for row in self._sums[0]]
        thresholds = [threshold for threshold in self._thresholds if threshold is not None]
        mean = sum(thresholds) / len(thresholds) if thresholds else None
        return replace(self._first, rows=rows, threshold=mean)
