"""Marginal probabilities of tags in a linear chain, by the forward-backward algorithm (Rabiner 1989)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy

from halluc.core.examples import Span
from halluc.tasks.token_classification.viterbi import Transitions, sentence_batches, sentences_of

# The minimum log-probability of "none of the labels", so that it is finite.
_LEAST = -40.0


@dataclass(frozen=True)
class Marginals:
    """The marginals of the words of all sentences, concatenated, for the ``tags`` of a model.

    ``before`` and ``after``, both (words, tags): the log-sum-exp of the scores of all sequences up to a word's tag,
    including its own score, and after it, excluding its own. ``total``: of all sequences of its sentence, (words,).
    """

    scores: numpy.ndarray
    weights: Transitions
    tags: Sequence[str]
    before: numpy.ndarray
    after: numpy.ndarray
    total: numpy.ndarray

    @classmethod
    def of(
        cls, scores: numpy.ndarray, lengths: Sequence[int], weights: Transitions, tags: Sequence[str]
    ) -> Marginals:  # fmt: skip
        """
        Args:
            scores: (words, tags) logits; the words of all sentences. lengths: (sentences,) words of each.
        """
        scores = scores.astype(numpy.float64)
        before, after = numpy.empty_like(scores), numpy.empty_like(scores)
        total = numpy.empty(len(scores))
        for first, own in sentence_batches(*sentences_of(lengths), scores.shape[1]):
            _fill(scores, first, own, weights, before, after)
            summed = _log_sum(before[first + own - 1] + weights.end)
            for start, count, value in zip(first.tolist(), own.tolist(), summed.tolist(), strict=True):
                total[start : start + count] = value
        return cls(scores, weights, tags, before, after, total)

    @property
    def word_log_probs(self) -> numpy.ndarray:
        """The log-probability of each tag of each word, (words, tags)."""
        values: numpy.ndarray = self.before + self.after - self.total[:, None]
        return values

    def label_log_probs(self, span: Span, start: int, numbers: Sequence[int], labels: Sequence[str]) -> numpy.ndarray:
        """Log-probabilities, (labels + 1,): that the words of a span have the tags ``numbers`` with each of ``labels``
        as their label, and that they have none of these tag sequences.

        Args:
            start: the first word of the sentence. numbers: indexes of tags, (words of the span,).
        """
        prefixes = [self.tags[number][:2] for number in numbers]
        place = {tag: number for number, tag in enumerate(self.tags)}
        results = []
        for label in labels:
            path = [place.get(prefix + label) for prefix in prefixes]
            own = [number for number in path if number is not None]
            results.append(self._path_log_prob(start + span.start, own) if len(own) == len(path) else -numpy.inf)
        values = numpy.minimum(numpy.array(results), 0.0)
        others = numpy.log1p(-min(float(numpy.exp(values).sum()), 1.0 - 1e-16))
        return numpy.append(values, max(others, _LEAST))

    def _path_log_prob(self, at: int, path: Sequence[int]) -> float:
        value = self.before[at, path[0]]
        for offset in range(1, len(path)):
            value += self.weights.step[path[offset - 1], path[offset]] + self.scores[at + offset, path[offset]]
        return float(value + self.after[at + len(path) - 1, path[-1]] - self.total[at])


def _fill(
    scores: numpy.ndarray,
    first: numpy.ndarray,
    size: numpy.ndarray,
    weights: Transitions,
    before: numpy.ndarray,
    after: numpy.ndarray,
) -> None:
    """Compute ``before`` and ``after`` of sentences sorted by decreasing ``size``, which begin at ``first``."""
    before[first] = scores[first] + weights.start
    after[first + size - 1] = weights.end
    for place, count in _places(size):
        words = first[:count] + place
        before[words] = _log_sum((before[words - 1][:, :, None] + weights.step).swapaxes(1, 2)) + scores[words]
    for place, count in reversed(list(_places(size))):
        words = first[:count] + place
        after[words - 1] = _log_sum(weights.step + (scores[words] + after[words])[:, None, :])


def _places(size: numpy.ndarray) -> Iterator[tuple[int, int]]:
    """Each position except the first, and the number of sentences that are longer."""
    for place in range(1, int(size[0]) if len(size) else 0):
        yield place, int((size > place).sum())


def _log_sum(values: numpy.ndarray) -> numpy.ndarray:
    """Log-sum-exp over the last axis; minus infinity if all values are."""
    peak = values.max(-1, keepdims=True)
    peak = numpy.where(numpy.isfinite(peak), peak, 0.0)
    with numpy.errstate(divide="ignore"):
        result: numpy.ndarray = numpy.log(numpy.exp(values - peak).sum(-1)) + peak[..., 0]
    return result
