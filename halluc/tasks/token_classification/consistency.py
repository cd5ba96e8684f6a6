"""``eval.consistency: document``: the mentions of a surface in a document vote for a common label.

Krishnan & Manning 2006 make the mentions of a document agree in a second pass; here the vote is a mean of
probabilities.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import NamedTuple

import numpy

from halluc.core.examples import Span, surface
from halluc.core.labels import write_tags
from halluc.tasks.token_classification.examples import TagPrediction
from halluc.tasks.token_classification.tagged_sentence import Tagged


class _LabelVote(NamedTuple):
    """A possible label of a predicted span: its confidence, and the indexes of its ``claimed`` outputs."""

    confidence: float
    claimed: tuple[int, ...]


_LabelVotes = Mapping[str, _LabelVote]


def consistent(
    examples: Sequence[Tagged], predictions: Sequence[TagPrediction], outputs: Sequence[str]
) -> list[TagPrediction]:
    """The predictions with one label for all mentions of a surface in a document: the one with the highest mean
    probability.

    The probability of a label is the confidence that the mention would have with it. Boundaries do not change, and
    sentences without a document keep their labels.

    Args:
        outputs: the tags of the model.
    """
    choices = [_choices(prediction, outputs) for prediction in predictions]
    votes: dict[tuple[str, int, str], list[_LabelVotes]] = defaultdict(list)
    for example, prediction, own in zip(examples, predictions, choices, strict=True):
        for span, by_label in zip(prediction.spans, own, strict=True):
            votes[_key(example, span)].append(by_label)
    chosen = {key: _winner(cast) for key, cast in votes.items() if len(cast) > 1}
    return [
        _relabel(example, prediction, own, [chosen.get(_key(example, span)) for span in prediction.spans])
        if example.origin.number
        else prediction
        for example, prediction, own in zip(examples, predictions, choices, strict=True)
    ]


def _key(example: Tagged, span: Span) -> tuple[str, int, str]:
    return example.origin.file, example.origin.document, surface(example.tokens, span)


def _winner(cast: Sequence[_LabelVotes]) -> str:
    """The label with the highest sum; the alphabetically first one for ties."""
    labels = sorted({label for by_label in cast for label in by_label})
    sums = [math.fsum(by_label[label].confidence for by_label in cast if label in by_label) for label in labels]
    return labels[int(numpy.argmax(sums))]


def _relabel(
    example: Tagged, prediction: TagPrediction, choices: Sequence[_LabelVotes], labels: Sequence[str | None]
) -> TagPrediction:
    spans, confidences = list(prediction.spans), list(prediction.confidences)
    claimed = [by_label[span.label].claimed for span, by_label in zip(spans, choices, strict=True)]
    for place, label in enumerate(labels):
        if label in (None, spans[place].label) or label not in choices[place]:
            continue
        confidences[place], claimed[place] = choices[place][label]
        spans[place] = spans[place]._replace(label=label)
    if spans == list(prediction.spans):
        return prediction
    return replace(
        prediction,
        tags=tuple(write_tags(len(example.tokens), spans)),
        spans=tuple(spans),
        confidences=tuple(confidences),
        claimed=tuple(chain.from_iterable(claimed)),
    )


def _choices(prediction: TagPrediction, outputs: Sequence[str]) -> list[_LabelVotes]:
    """The possible labels of each span."""
    if prediction.labels:
        columns = {label: column for column, label in reversed(list(enumerate(prediction.labels))) if label}
        return [
            {label: _LabelVote(math.exp(rows[0, column]), (column,)) for label, column in columns.items()}
            | {span.label: _LabelVote(math.exp(rows[0, own]), (own,))}
            for span, rows, own in zip(prediction.spans, prediction.scores, prediction.claimed, strict=True)
        ]
    votes, start = [], 0
    for span, rows in zip(prediction.spans, prediction.scores, strict=True):
        own = prediction.claimed[start : start + len(rows)]
        start += len(rows)
        votes.append(_span_votes(span, rows, own, outputs))
    return votes


def _span_votes(span: Span, rows: numpy.ndarray, own: Sequence[int], outputs: Sequence[str]) -> _LabelVotes:
    """
    Args:
        rows: the logits of the words of a span, (words, tags). own: the indexes of their tags.
    """
    places = {tag: number for number, tag in reversed(list(enumerate(outputs)))}
    paths = {span.label: tuple(own)}
    for label in {tag[2:] for tag in outputs} - {"", span.label}:
        path = [places.get(outputs[number][:2] + label) for number in own]
        if None not in path:
            paths[label] = tuple(number for number in path if number is not None)
    logits = rows.astype(numpy.float64)
    peaks = logits.max(-1, keepdims=True)
    certainty = logits - peaks - numpy.log(numpy.exp(logits - peaks).sum(-1, keepdims=True))
    words = numpy.arange(len(rows))
    return {label: _LabelVote(math.exp(certainty[words, path].mean()), path) for label, path in paths.items()}
