"""Labels of whole examples: claims, probabilities of the annotation, corrections."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy

from halluc.core.claims import Claim, Mark
from halluc.task import AnnotatedPrediction


class LabelClaims:
    """The claims of a judge whose examples are labelled as a whole: one per label."""

    @abstractmethod
    def claim(self, example: Any, label: str, confidence: float | None = None) -> Claim:
        """The claim that an example has a label."""

    def claims(self, example: Any, prediction: Any) -> tuple[Claim, ...]:
        pairs = zip(prediction.labels, prediction.confidences, strict=True)
        return tuple(self.claim(example, *pair) for pair in pairs)

    def gold(self, example: Any) -> tuple[Claim, ...]:
        return tuple(self.claim(example, label) for label in example.labels)


def probabilities(logits: numpy.ndarray) -> numpy.ndarray:
    """Softmax of logits (examples, outputs)."""
    odds = numpy.exp(logits - logits.max(-1, keepdims=True, initial=-numpy.inf))
    return numpy.asarray(odds / odds.sum(-1, keepdims=True))


def independent_probabilities(logits: numpy.ndarray) -> numpy.ndarray:
    """Sigmoid of logits, without overflow."""
    return numpy.asarray(0.5 * (1 + numpy.tanh(logits / 2)))


def predict_annotated_label(
    outputs: Sequence[str], share: numpy.ndarray, gold: str, prediction: object
) -> AnnotatedPrediction:  # fmt: skip
    """A prediction with the probability of the annotated label.

    Args:
        share: the probability of each output, (outputs,). gold: the annotated label; the probabilities of several
            outputs with this name are added. If there is none, the result is 1 minus the largest probability.
    """
    own = [number for number, name in enumerate(outputs) if name == gold]
    probability = float(share[own].sum()) if own else float(1 - share.max())
    return AnnotatedPrediction(prediction, lambda claims: probability)


def predict_annotated_labels(
    outputs: Sequence[str], share: numpy.ndarray, gold: Sequence[str], prediction: object
) -> AnnotatedPrediction:
    """A prediction with the probability that each label is present or absent, as annotated.

    Args:
        share: the independent probability of each output, (outputs,); of several outputs with the same name, the
            largest counts.
    """
    by_label: dict[str, float] = {}
    for name, value in zip(outputs, share.tolist(), strict=True):
        by_label[name] = max(value, by_label.get(name, 0.0))
    return AnnotatedPrediction(prediction, partial(_min_probability, by_label, frozenset(gold)))


def _min_probability(by_label: dict[str, float], gold: frozenset[str], claims: Sequence[Claim]) -> float:
    shares = ((by_label.get(claim.label, 0.0), claim.label in gold) for claim in claims)
    return min(share if is_gold else 1 - share for share, is_gold in shares)


def sorted_labels(marks: Sequence[Mark], *, most: int | None = None) -> tuple[str, ...]:
    """The labels of marks, sorted.

    Raises:
        ValueError: there are more than ``most``, or a label twice.
    """
    result = tuple(sorted(label for _, _, label in marks))
    if len(set(result)) < len(result):
        raise ValueError(f"a repeated label: {', '.join(result)}")
    if most is not None and len(result) > most:
        raise ValueError(f"{len(result)} labels ({', '.join(result)}), but at most {most} is allowed")
    return result
