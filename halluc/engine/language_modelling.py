"""Token sequences as features for a causal language model: each token is predicted from the previous ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch.nn import functional

from halluc.engine.batching import Batch, padded_arrays, sorted_batches, tensors
from halluc.engine.features import Features

# The label that cross-entropy ignores.
_IGNORED = -100


@dataclass(frozen=True)
class SequenceFeatures:
    """Token sequences as training targets.

    ``starts`` is, for each sequence, the position of its first predicted token (at least 1); ``unpredicted`` are tokens
    that are read but never predicted.
    """

    sequences: Sequence[Sequence[int]]
    starts: Sequence[int]
    pad: int
    unpredicted: frozenset[int] = frozenset()

    @cached_property
    def lengths(self) -> Sequence[int]:
        return [len(one) for one in self.sequences]

    @cached_property
    def weights(self) -> Sequence[int]:
        """The predicted tokens of each sequence."""
        return [
            sum(token not in self.unpredicted for token in one[start:])
            for one, start in zip(self.sequences, self.starts, strict=True)
        ]

    def collate(self, indexes: Sequence[int]) -> Batch:
        """Padded on the right: ids, mask and labels, each (rows, longest sequence)."""
        inputs = padded([self.sequences[index] for index in indexes], self.pad)
        labels = inputs["input_ids"].masked_fill(inputs["attention_mask"] == 0, _IGNORED)
        for row, index in enumerate(indexes):
            labels[row, : self.starts[index]] = _IGNORED
        for token in self.unpredicted:
            labels[labels == token] = _IGNORED
        return Batch(inputs, labels, tuple(indexes), int((labels != _IGNORED).sum()))

    def loss(self, outputs: Any, batch: Batch) -> torch.Tensor:
        """Cross-entropy in nats, summed over the predicted tokens."""
        logits = outputs.logits[:, :-1].float()
        labels = batch.labels[:, 1:]
        return functional.cross_entropy(
            logits.reshape(-1, logits.shape[-1]), labels.reshape(-1), ignore_index=_IGNORED, reduction="sum"
        )

    def ids(self, indexes: Sequence[int]) -> list[str]:
        return [f"sequence {index + 1}" for index in indexes]


@torch.inference_mode()
def mean_loss(
    model: Any, features: Features, batch_tokens: int, device: torch.device, autocast: Callable[[], Any]
) -> float:
    """The mean cross-entropy per predicted token in nats; infinite if there is none.

    Args:
        batch_tokens: positions of a batch, including padding.
        autocast: a context for the computation, such as for bf16.
    """
    was_training = model.training
    model.eval()
    total, weight = 0.0, 0
    try:
        for indexes in sorted_batches(features.lengths, batch_tokens):
            batch = features.collate(indexes).to(device)
            with autocast():
                outputs = model(**batch.inputs)
            total += float(features.loss(outputs, batch))
            weight += batch.weight
    finally:
        model.train(was_training)
    return total / weight if weight else math.inf


class SelectedPositions(torch.nn.Module):
    """A language model that computes its head only at selected positions.

    The head is the larger part of a small model's computation, and most positions are not needed.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model
        self._selected: torch.Tensor | None = None
        model.base_model.register_forward_hook(self._select)

    def forward(self, selected: torch.Tensor, **inputs: torch.Tensor) -> torch.Tensor:
        """Logits (selected, vocabulary); ``selected`` are positions in the flattened batch."""
        self._selected = selected
        try:
            logits: torch.Tensor = self.model(**inputs).logits.squeeze(0)
        finally:
            self._selected = None
        return logits

    def _select(self, module: torch.nn.Module, args: Any, output: Any) -> Any:
        if self._selected is not None:
            hidden = output.last_hidden_state
            output.last_hidden_state = hidden.reshape(1, -1, hidden.shape[-1])[:, self._selected]
        return output


def padded(rows: Sequence[Sequence[int]], pad: int, *, left: bool = False) -> dict[str, torch.Tensor]:
    return tensors(padded_arrays(rows, pad, left=left))
