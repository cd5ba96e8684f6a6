"""Losses of labelled texts: cross-entropy over classes or a sigmoid for each, weighted, smoothed, focal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch.nn import functional

# Target of a text that teaches nothing.
UNLABELLED = -100


@dataclass(frozen=True)
class TextLoss:
    """How a text's loss comes from its logits.

    ``weights`` has one an output: of one label a text the weight of the class, of several that of having the label.
    """

    multi_label: bool
    kind: Literal["cross_entropy", "focal"] = "cross_entropy"
    gamma: float = 2.0
    smoothing: float = 0.0
    weights: tuple[float, ...] | None = None

    def __call__(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """The loss of each text.

        Args:
            logits: (texts, outputs).
            labels: (texts,) numbers of classes, or ``UNLABELLED``, whose loss is 0; of several labels a text
                (texts, outputs) of 0 and 1, whose loss is the mean over outputs.

        Returns:
            (texts,) float32.
        """
        weights = None if self.weights is None else torch.tensor(self.weights, device=logits.device)
        of_each = self._sigmoid if self.multi_label else self._softmax
        return of_each(logits.float(), labels, weights)

    def _softmax(self, logits: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor | None) -> torch.Tensor:
        losses = functional.cross_entropy(
            logits, labels, weights, ignore_index=UNLABELLED, reduction="none", label_smoothing=self.smoothing
        )
        if self.kind == "focal":
            right = logits.log_softmax(-1).gather(-1, labels.clamp(min=0)[:, None])[:, 0].exp()
            losses = losses * (1 - right) ** self.gamma
        return losses

    def _sigmoid(self, logits: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor | None) -> torch.Tensor:
        smooth = labels * (1 - self.smoothing) + self.smoothing / 2
        losses = functional.binary_cross_entropy_with_logits(logits, smooth, reduction="none", pos_weight=weights)
        if self.kind == "focal":
            right = (logits * (2 * labels - 1)).sigmoid()
            losses = losses * (1 - right) ** self.gamma
        return losses.mean(-1)
