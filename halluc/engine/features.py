"""The interface of encoded examples for the training loop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy
import torch

from halluc.engine.batching import Batch


class Features(Protocol):
    """Encoded training examples: ``lengths`` are word pieces per feature, ``weights`` labelled tokens per feature."""

    @property
    def lengths(self) -> Sequence[int]: ...

    @property
    def weights(self) -> Sequence[int]: ...

    def collate(self, indexes: Sequence[int]) -> Batch: ...

    def loss(self, outputs: object, batch: Batch) -> torch.Tensor:
        """The loss summed over the labelled tokens of the batch, a scalar."""
        ...

    def ids(self, indexes: Sequence[int]) -> list[str]:
        """The ids of the examples of features, for messages."""
        ...


@runtime_checkable
class VariedFeatures(Protocol):
    """Features that vary in each training step, such as with masked words."""

    def varied(self, batch: Batch, generator: numpy.random.Generator) -> Batch:
        """The batch for one training pass: a function of only the batch and the generator."""
        ...
