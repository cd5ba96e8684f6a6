"""From the logits of windows to the prediction for each text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy

from halluc.core.labels import OUT_OF_SCOPE
from halluc.tasks.example_labels import independent_probabilities, probabilities
from halluc.tasks.text_classification.encoding import EncodedTexts

if TYPE_CHECKING:
    from halluc.engine.batching import Outputs

Pool = Literal["mean", "max"]


@dataclass(frozen=True, slots=True)
class TextPrediction:
    """The model's prediction for one text.

    ``labels`` are the claimed ones, ``confidences`` their probabilities, None if another tool does not state them.
    Without labels the prediction is ``out_of_scope``, unless texts may have several labels. ``in_scope`` is the highest
    probability of a label; None if texts may have several. ``scores`` has the logits of each claim, (1, outputs), and
    ``claimed`` the index of the claimed output, if that is not always the argmax. ``unclaimed`` are the logits,
    (outputs,), of a text predicted to be out of scope, minus that of its best label. ``positive`` is the probability of
    the label that ranks texts, without temperature scaling; None without ranking. ``answers`` are the texts of the
    labels with answer retrieval, None for answers without a text.
    """

    id: str
    labels: tuple[str, ...]
    confidences: tuple[float | None, ...]
    in_scope: float | None
    out_of_scope: bool = False
    scores: tuple[numpy.ndarray, ...] = ()
    claimed: tuple[int, ...] = ()
    unclaimed: numpy.ndarray | None = None
    positive: float | None = None
    answers: tuple[str | None, ...] = ()

    def scaled(self, temperature: float) -> TextPrediction:
        """With ``in_scope`` at a temperature; the ``confidences`` must already be those at this temperature."""
        if self.in_scope is None:
            return self
        if self.unclaimed is None:
            return replace(self, in_scope=self.confidences[0])
        return replace(self, in_scope=_probability(self.unclaimed / temperature))


def _probability(differences: numpy.ndarray) -> float:
    """The softmax probability of an output, from the differences of all logits to its own."""
    top = differences.max()
    return float(numpy.exp(-top) / numpy.exp(differences - top).sum()) if top < numpy.inf else 0.0


def pool_windows(encoded: EncodedTexts, outputs: Outputs, pool: Pool) -> numpy.ndarray:
    """The logits of each text, (texts, outputs): the mean or maximum over its windows.

    Raises:
        RuntimeError: a window without a prediction, which would be a bug.
    """
    logits = numpy.zeros((len(encoded.windows), len(encoded.outputs)), dtype=numpy.float64)
    is_predicted = numpy.zeros(len(encoded.windows), dtype=bool)
    for batch, scores in outputs:
        places = list(batch.indexes)
        logits[places], is_predicted[places] = encoded.window_logits(scores, batch), True
    text = numpy.array([window.example for window in encoded.windows], dtype=numpy.int64)
    starts = numpy.searchsorted(text, numpy.arange(len(encoded.examples)))
    if not is_predicted.all() or len(numpy.unique(text)) != len(encoded.examples):
        raise RuntimeError("texts without a prediction")
    if not len(starts):
        return logits
    if pool == "max":
        return numpy.asarray(numpy.maximum.reduceat(logits, starts))
    return numpy.asarray(numpy.add.reduceat(logits, starts) / numpy.bincount(text)[:, None])


def predict_single_label(
    ids: Sequence[str], logits: numpy.ndarray, outputs: Sequence[str], positive: str | None = None
) -> list[TextPrediction]:
    """The most probable output of each text, by softmax; there is no claim if this is the output for out of scope.

    Args:
        positive: the label that ranks texts.
    """
    if not len(logits):
        return []
    inside = numpy.array([name != OUT_OF_SCOPE for name in outputs], dtype=bool)
    probability = probabilities(logits)
    best = logits.argmax(-1)
    peaks = probability[numpy.arange(len(best)), best].tolist()
    predictions = []
    for row, number in enumerate(best.tolist()):
        if inside[number]:
            peak, scores = peaks[row], (logits[row : row + 1],)
            predictions.append(TextPrediction(ids[row], (outputs[number],), (peak,), peak, scores=scores))
        else:
            others = logits[row] - logits[row, inside].max(initial=-numpy.inf)
            predictions.append(
                TextPrediction(ids[row], (), (), _probability(others), out_of_scope=True, unclaimed=others)
            )
    if positive is None:
        return predictions
    # `eval.labels` may give several outputs the same name.
    positives = probability[:, [name == positive for name in outputs]].sum(-1).tolist()
    return [replace(one, positive=value) for one, value in zip(predictions, positives, strict=True)]


def label_sets(
    ids: Sequence[str], logits: numpy.ndarray, outputs: Sequence[str], threshold: float
) -> list[TextPrediction]:
    """Every label with a sigmoid probability above the threshold; if it has several outputs, the largest counts."""
    probability = independent_probabilities(logits)
    predictions = []
    for row, identity in enumerate(ids):
        best: dict[str, int] = {}
        for number in numpy.flatnonzero(probability[row] > threshold).tolist():
            name = outputs[number]
            if name != OUT_OF_SCOPE and logits[row, number] >= logits[row, best.get(name, number)]:
                best[name] = number
        claims = sorted(best.items())
        predictions.append(
            TextPrediction(
                id=identity,
                labels=tuple(name for name, _ in claims),
                confidences=tuple(float(probability[row, number]) for _, number in claims),
                in_scope=None,
                # A sigmoid is a softmax with a second logit of zero.
                scores=tuple(numpy.array([[logits[row, number], 0.0]]) for _, number in claims),
                claimed=(0,) * len(claims),
            )
        )
    return predictions
