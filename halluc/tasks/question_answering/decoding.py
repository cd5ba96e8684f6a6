"""From start and end logits of windows to the best answer of each question, and the decision to give none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy

from halluc.core.edits import Range
from halluc.tasks.question_answering.encoding import MASKED, EncodedQuestions
from halluc.tasks.question_answering.examples import AnswerPrediction, ContextQuestion

if TYPE_CHECKING:
    from halluc.engine.batching import Outputs

# The score difference if a window cannot contain an answer, as for an empty context.
_NEVER = 1e6


@dataclass(frozen=True)
class BestAnswer:
    """The best answer as tokens of the context, None if there is none; its score, and that of no answer."""

    span: Range | None
    score: float
    null: float

    @property
    def difference(self) -> float:
        """The score of no answer minus that of the answer."""
        return _NEVER if self.span is None else self.null - self.score


def best_span(
    start: numpy.ndarray, end: numpy.ndarray, first: numpy.ndarray, last: numpy.ndarray, candidates: int, longest: int
) -> tuple[float, Range] | None:
    """The span with the largest sum of start and end logits; None if the best starts and ends form no span.

    Args:
        start, end: logits of the words in which an answer may begin, and may end. first, last: the indexes of these
            words, ascending. candidates: the number of the best starts and ends that are combined.
        longest: the maximum number of words of an answer.
    """
    starts = numpy.argsort(-start, kind="stable")[:candidates]
    ends = numpy.argsort(-end, kind="stable")[:candidates]
    sizes = last[ends][None] - first[starts][:, None] + 1
    sums = numpy.where((sizes >= 1) & (sizes <= longest), start[starts][:, None] + end[ends][None], -numpy.inf)
    if not sums.size or numpy.isneginf(best := sums.max()):
        return None
    row, column = numpy.unravel_index(int(sums.argmax()), sums.shape)
    return float(best), (int(first[starts[row]]), int(last[ends[column]]) + 1)


def rows_of_questions(encoded: EncodedQuestions, outputs: Outputs) -> list[numpy.ndarray]:
    """Start and end logits of each question, (2, pieces of all its windows concatenated).

    They are ``MASKED`` where no answer may begin or end.

    Args:
        outputs: batches with their logits (windows, pieces, 2).

    Raises:
        RuntimeError: a window without a prediction, which would be a bug.
    """
    by_window: list[numpy.ndarray | None] = [None] * len(encoded.windows)
    for batch, logits in outputs:
        for row, index in enumerate(batch.indexes):
            by_window[index] = numpy.asarray(logits[row, : encoded.lengths[index]]).T
    parts: list[list[numpy.ndarray]] = [[] for _ in encoded.examples]
    for window, scores in zip(encoded.windows, by_window, strict=True):
        if scores is None:
            raise RuntimeError("a window without a prediction")
        masked = numpy.full_like(scores, MASKED)
        masked[:, 0] = scores[:, 0]
        for side, places in enumerate((window.context.first, window.context.last)):
            positions = window.positions(places)
            masked[side, positions] = scores[side, positions]
        parts[window.example].append(masked)
    return [numpy.concatenate(part, axis=1) for part in parts]


def best_answers(
    encoded: EncodedQuestions, rows: Sequence[numpy.ndarray], candidates: int, longest: int
) -> list[BestAnswer]:
    """The best answer of each question over its windows, with the smallest no-answer score of the windows.

    Args:
        rows: as returned by ``rows_of_questions``.
    """
    answers: list[BestAnswer] = [BestAnswer(None, -numpy.inf, numpy.inf) for _ in encoded.examples]
    done = [0] * len(encoded.examples)
    for window, length in zip(encoded.windows, encoded.lengths, strict=True):
        begin = done[window.example]
        scores = rows[window.example][:, begin : begin + length].astype(numpy.float64)
        done[window.example] += length
        context, known = window.context, answers[window.example]
        null = float(scores[:, 0].sum())
        best = best_span(
            scores[0, window.positions(context.first)],
            scores[1, window.positions(context.last)],
            window.words(context.first),
            window.words(context.last),
            candidates,
            longest,
        )
        span, score = known.span, known.score
        if best is not None and best[0] > known.score:
            span, score = window.context.tokens(best[1]), best[0]
        answers[window.example] = BestAnswer(span, score, min(null, known.null))
    return answers


def predict_answer(example: ContextQuestion, best: BestAnswer, threshold: float | None) -> AnswerPrediction:
    """The prediction for a question: its best answer, unless no answer scores higher by more than ``threshold``."""
    difference = best.difference
    if best.span is None or (threshold is not None and difference > threshold):
        return AnswerPrediction(example.id, None, best.span, (), difference)
    text = example.context.part(*best.span)
    logits = numpy.array([[best.null - (threshold or 0.0), best.score]])
    confidence = float(1 / (1 + numpy.exp(numpy.clip(logits[0, 0] - logits[0, 1], -700, 700))))
    return AnswerPrediction(example.id, text, best.span, (confidence,), difference, (logits,), (1,))


def fit_threshold(differences: Sequence[float], answered: Sequence[float], refused: Sequence[float]) -> float:
    """The threshold that maximises the total score if questions with smaller differences are answered.

    It is halfway between two differences; for ties, the one with the fewest answers.

    Args:
        differences: for each question, the score of no answer minus that of the best answer. answered, refused: its
            score if the best answer is given, and if none is.
    """
    order = numpy.argsort(differences, kind="stable")
    sorted_differences = numpy.asarray(differences, dtype=float)[order]
    gain = (numpy.asarray(answered, dtype=float) - numpy.asarray(refused, dtype=float))[order]
    totals = numpy.concatenate([[0.0], numpy.cumsum(gain)])
    borders = numpy.concatenate([[sorted_differences[0] - 1], sorted_differences, [sorted_differences[-1] + 1]])
    between = numpy.flatnonzero(numpy.diff(borders) > 0)  # equal differences stay on one side
    best = int(between[numpy.argmax(numpy.round(totals[between], 9))])
    return float((borders[best] + borders[best + 1]) / 2)
