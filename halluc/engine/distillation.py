"""Knowledge distillation: the teachers' distribution for each decision is a second target (Hinton et al. 2015, arXiv
1503.02531).

The loss of a decision with logits z and target y is ``(1 - w) hard(z, y) + w T^2 KL(q_T || softmax(z / T))``, where q_T
is the mean over teachers of the softmax of their logits divided by T. The factor T^2 keeps the size of the gradient of
the soft part as T changes (section 2). If outputs are judged independently, the soft part is the mean over outputs of
the divergence of the two Bernoulli distributions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy
import torch
from torch.nn import functional

from halluc.engine.batching import Batch
from halluc.engine.features import Features


class Decides(Features, Protocol):
    """Features with access to their individual decisions."""

    def decisions(
        self, outputs: object, batch: Batch, rows: Sequence[torch.Tensor]
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """The logits (n, outputs) of the labelled decisions of a batch, the corresponding ``rows`` (n, outputs), and
        the weight of each in the loss (n,). ``rows`` are by example, (decisions, outputs)."""
        ...


@dataclass(frozen=True)
class Distilled:
    """Training features with soft targets: the teachers' probabilities, by example, (decisions, outputs) each."""

    features: Decides
    soft: Sequence[torch.Tensor]
    temperature: float
    weight: float
    independent: bool

    @property
    def lengths(self) -> Sequence[int]:
        return self.features.lengths

    @property
    def weights(self) -> Sequence[int]:
        return self.features.weights

    def collate(self, indexes: Sequence[int]) -> Batch:
        return self.features.collate(indexes)

    def ids(self, indexes: Sequence[int]) -> list[str]:
        return self.features.ids(indexes)

    def varied(self, batch: Batch, generator: numpy.random.Generator) -> Batch:
        """The batch as varied for one step, if the features support that (``features.VariedFeatures``)."""
        vary = getattr(self.features, "varied", None)
        varied: Batch = batch if vary is None else vary(batch, generator)
        return varied

    def divergence(self, outputs: Any, others: Any, batch: Batch) -> torch.Tensor:
        """As in ``regularisation.ComparableFeatures``: every task with teachers implements it."""
        features: Any = self.features
        compared: torch.Tensor = features.divergence(outputs, others, batch)
        return compared

    def loss(self, outputs: Any, batch: Batch) -> torch.Tensor:
        """Hard and soft loss summed over the labelled decisions of the batch, a scalar."""
        logits, soft, weights = self.features.decisions(outputs, batch, self.soft)
        result = divergence(logits.float() / self.temperature, soft.to(logits.device), self.independent)
        soft_loss = self.temperature**2 * (result * weights.to(logits.device)).sum()
        return (1 - self.weight) * self.features.loss(outputs, batch) + self.weight * soft_loss


def divergence(logits: torch.Tensor, target: torch.Tensor, independent: bool) -> torch.Tensor:
    """The Kullback-Leibler divergence of logits from target probabilities, (n, outputs) to (n,)."""
    if not independent:
        return functional.kl_div(logits.log_softmax(-1), target, reduction="none").sum(-1)
    yes = functional.kl_div(functional.logsigmoid(logits), target, reduction="none")
    no = functional.kl_div(functional.logsigmoid(-logits), 1 - target, reduction="none")
    return (yes + no).mean(-1)
