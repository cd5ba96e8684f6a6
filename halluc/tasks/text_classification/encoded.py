"""Labelled texts as windows of word pieces that fit a model, each with the labels of its text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from halluc.tasks.losses import UNLABELLED, Loss
from halluc.tasks.text_classification.labelled_text import Labelled

if TYPE_CHECKING:
    import torch

    from halluc.engine.batching import Batch

# What a text weighs where some are read in windows: each window of a text has its part of it.
PARTS = 1000


class TextWindow(NamedTuple):
    """What the model takes at once. ``types`` tell the two texts of a pair apart, where the model has such."""

    example: int
    pieces: tuple[int, ...]
    types: tuple[int, ...] = ()


@dataclass
class EncodedTexts:
    """Windows of word pieces; in training each is asked for the labels of its text. Sizes are counted in word pieces.

    ``targets`` are, by example, the numbers of the outputs that gold has; None where it teaches nothing. ``weights`` of
    the windows of a text sum up to what every other text weighs (to a thousandth).
    """

    examples: Sequence[Labelled]
    windows: list[TextWindow]
    targets: list[tuple[int, ...] | None]
    outputs: tuple[str, ...]
    pad: int
    notes: dict[str, int]
    text_loss: Loss
    lengths: list[int] = field(init=False)
    weights: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.lengths = [len(window.pieces) for window in self.windows]
        count = Counter(window.example for window in self.windows)
        whole = PARTS if any(number > 1 for number in count.values()) else 1
        self.weights = [
            0 if self.targets[window.example] is None else max(1, round(whole / count[window.example]))
            for window in self.windows
        ]

    def collate(self, indexes: Sequence[int]) -> Batch:
        """``input_ids``, ``attention_mask`` and, of pairs, ``token_type_ids``, each (windows, longest window); labels
        as ``Loss`` takes them."""
        import torch

        from halluc.engine.batching import Batch

        windows = [self.windows[index] for index in indexes]
        shape = (len(windows), max(len(window.pieces) for window in windows))
        inputs = {"input_ids": torch.full(shape, self.pad), "attention_mask": torch.zeros(shape, dtype=torch.long)}
        if any(window.types for window in windows):
            inputs["token_type_ids"] = torch.zeros(shape, dtype=torch.long)
        for row, window in enumerate(windows):
            inputs["input_ids"][row, : len(window.pieces)] = torch.tensor(window.pieces)
            inputs["attention_mask"][row, : len(window.pieces)] = 1
            if window.types:
                inputs["token_type_ids"][row, : len(window.types)] = torch.tensor(window.types)
        weight = sum(self.weights[index] for index in indexes)
        return Batch(inputs, self._labels([window.example for window in windows]), tuple(indexes), weight)

    def _labels(self, examples: Sequence[int]) -> torch.Tensor:
        import torch

        targets = [self.targets[example] for example in examples]
        if not self.text_loss.multi_label:
            return torch.tensor([UNLABELLED if target is None else target[0] for target in targets])
        labels = torch.zeros(len(targets), len(self.outputs))
        for row, target in enumerate(targets):
            labels[row, list(target or ())] = 1
        return labels

    def loss(self, outputs: Any, batch: Batch) -> torch.Tensor:
        """The loss summed over windows, each times its weight."""
        import torch

        weights = torch.tensor([float(self.weights[index]) for index in batch.indexes], device=outputs.logits.device)
        return (self.text_loss(outputs.logits, batch.labels) * weights).sum()

    def ids(self, indexes: Sequence[int]) -> list[str]:
        return [self.examples[self.windows[index].example].id for index in indexes]
