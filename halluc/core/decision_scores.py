"""Logits of the decisions that predictions rest on, and the mean of the probabilities of several models.

The mean of probabilities (a linear opinion pool; Lakshminarayanan et al. 2017, arXiv 1612.01474, section 2.4) is kept
as logits whose softmax, or sigmoid, it is. So decoding, confidence, temperature scaling and abstention need not know
whether one model made them or several.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy

Array = numpy.ndarray


@dataclass(frozen=True)
class DecisionScores:
    """Logits, an array (decisions, outputs) for each example: a row for each word, or one for a whole text.

    ``independent``: each output is judged by itself, by a sigmoid; else a softmax over outputs judges them together.
    ``pieces`` is a hash of the word pieces, where outputs are pieces; None where they are labels. ``threshold`` is what
    the model keeps beside its weights to decide by, if anything.
    """

    rows: Sequence[Array]
    independent: bool = False
    pieces: str | None = None
    threshold: float | None = None

    def reordered(self, order: Sequence[int]) -> DecisionScores:
        """With output ``order[i]`` in place ``i``."""
        return replace(self, rows=[row[:, list(order)] for row in self.rows])


def log_probabilities(logits: Array, temperature: float = 1.0) -> Array:
    """The log softmax over the last axis of logits divided by a temperature."""
    scaled = numpy.asarray(logits, dtype=numpy.float64) / temperature
    odds = scaled - scaled.max(-1, keepdims=True)
    return numpy.asarray(odds - numpy.log(numpy.exp(odds).sum(-1, keepdims=True)))


class MeanProbabilities:
    """The mean of the probabilities of models (or of passes of one), which are added one after the other."""

    def __init__(self, temperature: float = 1.0) -> None:
        self.temperature, self.count = temperature, 0
        self._first: DecisionScores | None = None
        # Sums of probabilities as logarithms; of a sigmoid also those that an output is not claimed.
        self._sums: list[list[Array]] = []
        self._thresholds: list[float | None] = []

    def add(self, scores: DecisionScores) -> None:
        """
        Raises:
            ValueError: the scores are of other decisions than those before; says in what they differ.
        """
        first = self._first = self._first or scores
        if scores.independent != first.independent:
            raise ValueError("one model gives a text one label, and another gives it several")
        if scores.pieces != first.pieces:
            raise ValueError("their tokenizers cut the texts into different word pieces")
        if (scores.threshold is None) != (first.threshold is None):
            raise ValueError("one model has a threshold for its answers, and another has none")
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
        """The scores whose softmax (or sigmoid) are the means, with the mean of the thresholds."""
        assert self._first is not None, "there is a model"
        if self._first.independent:
            rows = [yes - no for yes, no in zip(*self._sums, strict=True)]
        else:
            rows = [row - numpy.log(self.count) for row in self._sums[0]]
        known = [one for one in self._thresholds if one is not None]
        return replace(self._first, rows=rows, threshold=sum(known) / len(known) if known else None)
