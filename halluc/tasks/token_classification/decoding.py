"""From the logits of words to tags, spans and confidences: argmax, Viterbi, the marginals of a CRF, annotated tags."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy

from halluc.config.evaluation import Decoding
from halluc.core.claims import Claim
from halluc.core.decision_scores import DecisionScores
from halluc.core.examples import Span
from halluc.core.labels import read_spans, scheme_of, write_tags
from halluc.task import AnnotatedPrediction
from halluc.tasks.example_labels import probabilities
from halluc.tasks.losses import UNLABELLED
from halluc.tasks.token_classification.encoding import EncodedTokens
from halluc.tasks.token_classification.examples import TagPrediction
from halluc.tasks.token_classification.marginals import Marginals
from halluc.tasks.token_classification.viterbi import SavedChain, best_legal_tags, best_tags, transitions

if TYPE_CHECKING:
    from halluc.engine.batching import Outputs
    from halluc.tasks.token_classification.crf import LinearChain


# The maximum number of words whose scores are in memory in double precision.
_WORDS_AT_ONCE = 1 << 16


def decided(
    encoded: EncodedTokens, scored: DecisionScores, decoding: Decoding | None
) -> list[TagPrediction]:  # fmt: skip
    """A tag for every word.

    ``constrained``: the most probable legal sequence of tags for each whole sentence; ``argmax``, or if the tags fit no
    scheme: the most probable tag of each word.
    """
    lengths = [len(example.tokens) for example in encoded.examples]
    scores = numpy.concatenate(scored.rows) if lengths else numpy.zeros((0, len(encoded.outputs)), numpy.float32)
    scheme = scheme_of(encoded.outputs)
    argmax = best = scores.argmax(-1)
    if scheme and decoding == "constrained":
        best = best_legal_tags(scores, lengths, transitions(encoded.outputs, scheme))
    encoded.notes["constrained_words"] = int((best != argmax).sum())
    log_probabilities = _log_probabilities(scores, best)

    def evidence(start: int, spans: Sequence[Span], own: Sequence[int]) -> SpanEvidence:
        places = [slice(start + span.start, start + span.end) for span in spans]
        return SpanEvidence(
            tuple(math.exp(float(log_probabilities[place].mean())) for place in places),
            tuple(scores[place] for place in places),
            tuple(number for span in spans for number in own[span.start : span.end]),
        )

    return _predictions(encoded, lengths, best, evidence)


def decode_chains(
    encoded: EncodedTokens, crf: LinearChain | SavedChain, scores: numpy.ndarray, decoding: Decoding | None
) -> list[TagPrediction]:
    """The most probable sequence of tags of the CRF, or with ``argmax`` the most probable tag of each word.

    The confidence of a span is the marginal probability of its tags.
    """
    weights, tags = crf.weights(), crf.tags
    lengths = [len(example.tokens) for example in encoded.examples]
    marginals = Marginals.of(scores, lengths, weights, tags)
    best = marginals.word_log_probs.argmax(-1) if decoding == "argmax" else best_tags(scores, lengths, weights)
    names = {tag[2:]: name[2:] for tag, name in zip(tags, encoded.outputs, strict=True) if tag != "O"}

    def evidence(start: int, spans: Sequence[Span], own: Sequence[int]) -> SpanEvidence:
        rows, claimed = [], []
        for span in spans:
            numbers = own[span.start : span.end]
            rows.append(marginals.label_log_probs(span, start, numbers, tuple(names)))
            claimed.append(list(names).index(tags[numbers[0]][2:]))
        confidences = tuple(math.exp(row[place]) for row, place in zip(rows, claimed, strict=True))
        return SpanEvidence(confidences, tuple(row[None] for row in rows), tuple(claimed), tuple(names.values()))

    return _predictions(encoded, lengths, best, evidence)


def split_by_example(encoded: EncodedTokens, scores: numpy.ndarray) -> DecisionScores:
    return DecisionScores(numpy.split(scores, encoded.starts[1:-1]) if encoded.examples else [])


def odds_of_words(encoded: EncodedTokens, outputs: Outputs) -> numpy.ndarray:
    """Logits (words, tags) whose softmax gives the probabilities of tags; with a CRF, the log marginals."""
    scores = scores_of_words(encoded, outputs)
    if encoded.crf is None:
        return scores
    lengths = [len(example.tokens) for example in encoded.examples]
    return Marginals.of(scores, lengths, encoded.crf.weights(), encoded.crf.tags).word_log_probs


def scores_of_words(encoded: EncodedTokens, outputs: Outputs) -> numpy.ndarray:
    """Logits (words, tags), the words of all examples concatenated; of several windows, that with the most context.

    Raises:
        RuntimeError: a word without a prediction, which would be a bug.
    """
    words = encoded.starts[-1]
    scores = numpy.zeros((words, len(encoded.outputs)), dtype=numpy.float32)
    context = numpy.full(words, -1, dtype=numpy.int64)
    for batch, logits in outputs:
        table = numpy.asarray(logits)
        for row, index in enumerate(batch.indexes):
            window = encoded.windows[index]
            first = numpy.asarray(window.first, dtype=numpy.int64)
            inside = encoded.words(window)
            around = numpy.minimum(first, len(window.pieces) - first)
            better = around > context[inside]
            context[inside][better] = around[better]
            scores[inside][better] = table[row, first][better]
    if (context < 0).any():
        raise RuntimeError("a word has no prediction")
    return scores


class SpanEvidence(NamedTuple):
    """The fields of ``TagPrediction`` for the spans of a sentence."""

    confidences: tuple[float, ...]
    scores: tuple[numpy.ndarray, ...]
    claimed: tuple[int, ...]
    labels: tuple[str, ...] = ()


def _predictions(
    encoded: EncodedTokens,
    lengths: Sequence[int],
    best: numpy.ndarray,
    evidence: Callable[[int, Sequence[Span], Sequence[int]], SpanEvidence],
) -> list[TagPrediction]:
    """Predictions from the index ``best`` of each word's tag, (words,).

    Args:
        evidence: takes the first word of a sentence, its spans and the indexes of its tags.
    """
    # Only IOB2 tags are kept as they are, even if they are illegal; tags of other schemes are rewritten from spans.
    keeps_tags = {output[0] for output in encoded.outputs} <= set("BIO") and scheme_of(encoded.outputs) != "iob1"
    numbers, predictions, start = best.tolist(), [], 0
    for example, length in zip(encoded.examples, lengths, strict=True):
        own = numbers[start : start + length]
        tags: Sequence[str] = [encoded.outputs[number] for number in own]
        spans = read_spans(tags)
        if not keeps_tags:
            tags = write_tags(length, spans)
        predictions.append(TagPrediction(example.id, tuple(tags), spans, *evidence(start, spans, own)))
        start += length
    return predictions


def _log_probabilities(scores: numpy.ndarray, best: numpy.ndarray) -> numpy.ndarray:
    """The log softmax, (words,), of the tags ``best``, (words,), from their logits, (words, tags)."""
    values = numpy.empty(len(best))
    for start in range(0, len(best), _WORDS_AT_ONCE):
        part = slice(start, start + _WORDS_AT_ONCE)
        odds = scores[part].astype(numpy.float64)
        odds -= numpy.take_along_axis(odds, best[part, None], axis=1)
        peaks = odds.max(-1, keepdims=True)
        values[part] = -peaks[:, 0] - numpy.log(numpy.exp(odds - peaks).sum(-1))
    return values


def annotated_tags(
    targets: Sequence[Sequence[int]], predictions: Sequence[TagPrediction], scores: numpy.ndarray
) -> list[AnnotatedPrediction]:
    """Predictions with the probability of the annotated tags.

    Args:
        targets: the index of each word's annotated tag, by sentence; ``UNLABELLED`` if the model does not have it.
        scores: logits (words, tags), the words of all sentences concatenated.
    """
    results, start = [], 0
    for of_sentence, prediction in zip(targets, predictions, strict=True):
        share = probabilities(scores[start : start + len(of_sentence)].astype(numpy.float64))
        tags = numpy.array(of_sentence, dtype=numpy.int64)
        known = tags != UNLABELLED
        words = numpy.where(known, share[numpy.arange(len(tags)), numpy.where(known, tags, 0)], 0.0)
        results.append(AnnotatedPrediction(prediction, partial(_probability, words)))
        start += len(of_sentence)
    return results


def _probability(words: numpy.ndarray, claims: Sequence[Claim]) -> float:
    """The minimum probability of an annotated tag in the spans of the claims.

    A mean over tags would hide one wrong tag, such as a wrong boundary of a long mention.
    """
    return min(float(words[claim.where.start : claim.where.end].min()) for claim in claims if claim.where is not None)
