"""How probable a model finds annotated tags."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy

from halluc.core.claims import Claim
from halluc.task import AnnotatedPrediction
from halluc.tasks.labels_of_wholes import probabilities
from halluc.tasks.losses import UNLABELLED
from halluc.tasks.token_classification.examples import TagPrediction


def annotated_tags(
    targets: Sequence[Sequence[int]], predictions: Sequence[TagPrediction], scores: numpy.ndarray
) -> list[AnnotatedPrediction]:
    """Predictions with the probability of the annotated tags.

    Args:
        targets: the number of each word's annotated tag, by sentence; ``UNLABELLED``: the model does not know it.
        scores: logits (words, tags), the words of all sentences one after the other.
    """
    result, start = [], 0
    for of_sentence, prediction in zip(targets, predictions, strict=True):
        rows = scores[start : start + len(of_sentence)].astype(numpy.float64)
        share = probabilities(rows)
        tags = numpy.array(of_sentence, dtype=numpy.int64)
        known = tags != UNLABELLED
        own = numpy.where(known, share[numpy.arange(len(tags)), numpy.where(known, tags, 0)], 0.0)
        result.append(AnnotatedPrediction(prediction, partial(_probability, own)))
        start += len(of_sentence)
    return result


def _probability(words: numpy.ndarray, claims: Sequence[Claim]) -> float:
    """The least probability of an annotated tag in the spans of the claims.

    One wrong tag makes an annotation wrong: a mean over the tags would hide a wrong boundary of a long mention.
    """
    return min(float(words[claim.where.start : claim.where.end].min()) for claim in claims if claim.where is not None)
