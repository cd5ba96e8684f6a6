"""Sentences as windows of word pieces that fit a model, with a target for each word."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count, repeat
from typing import TYPE_CHECKING, Any, NamedTuple

from halluc.core.edits import Range
from halluc.tasks.encoders import padded
from halluc.tasks.losses import UNLABELLED, Loss, divergence
from halluc.tasks.mention_masking import MentionMasking
from halluc.tasks.token_classification.border_smoothing import Alternative, moved_loss
from halluc.tasks.token_classification.gazetteer import MarkedNames
from halluc.tasks.token_classification.tagged_sentence import Tagged

if TYPE_CHECKING:
    import numpy
    import torch

    from halluc.engine.batching import Batch


class Window(NamedTuple):
    """A run of words that fits the model. ``first`` is the position of each word's first piece in ``pieces``."""

    example: int
    start: int
    pieces: tuple[int, ...]
    first: tuple[int, ...]


def windows_of(
    example: int, words: Sequence[list[int]], space: int, before: Sequence[int], behind: Sequence[int]
) -> Iterator[Window]:
    """Overlapping runs of whole words that fit ``space`` pieces; one where all fit.

    A word of more than a quarter of the space is cut to that, so that every window moves on. Each window but the
    first begins so that it repeats the last half of the one before.
    """
    longest = max(1, space // 4)
    words = [pieces[:longest] for pieces in words]
    sizes = [len(pieces) for pieces in words]
    start = 0
    while True:
        end, used = start, 0
        while end < len(words) and used + sizes[end] <= space:
            used += sizes[end]
            end += 1
        pieces, first = list(before), []
        for word in words[start:end]:
            first.append(len(pieces))
            pieces += word
        yield Window(example, start, (*pieces, *behind), tuple(first))
        if end >= len(words):
            return
        repeated, restart = 0, end
        while restart - 1 > start and repeated + sizes[restart - 1] <= space // 2:
            restart -= 1
            repeated += sizes[restart]
        start = restart


@dataclass
class EncodedTokens:
    """Windows of word pieces with a target at each word's first piece. Sizes are counted in word pieces.

    ``behind`` is the number of special pieces at the end of each window. ``alternatives`` are, for each example, those
    of its tags; none without smoothing at borders. ``names`` are those of a gazetteer, of which training leaves out the
    share ``name_dropout``.
    """

    examples: Sequence[Tagged]
    windows: list[Window]
    targets: list[list[int]]
    outputs: tuple[str, ...]
    pad: int
    notes: dict[str, int]
    token_loss: Loss = field(default_factory=Loss)
    behind: int = 0
    masking: MentionMasking | None = None
    alternatives: Sequence[Sequence[Alternative]] = ()
    names: MarkedNames | None = None
    name_dropout: float = 0.0
    lengths: list[int] = field(init=False)
    weights: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.lengths = [len(window.pieces) for window in self.windows]
        self.weights = [
            sum(target != UNLABELLED for target in self.targets[w.example][w.start : w.start + len(w.first)])
            for w in self.windows
        ]

    def collate(self, indexes: Sequence[int]) -> Batch:
        """``input_ids``, ``attention_mask`` and labels, each (windows, longest window); the features of names."""
        import torch

        from halluc.engine.batching import Batch

        windows = [self.windows[index] for index in indexes]
        inputs = padded([window.pieces for window in windows], self.pad)
        labels = torch.full_like(inputs["input_ids"], UNLABELLED)
        for row, window in enumerate(windows):
            labels[row, list(window.first)] = torch.tensor(
                self.targets[window.example][window.start : window.start + len(window.first)]
            )
        if self.names is not None:
            inputs["added_features"] = self._features(indexes, labels, repeat(False))
        return Batch(
            inputs,
            labels,
            tuple(indexes),
            sum(self.weights[index] for index in indexes),
        )

    def _features(self, indexes: Sequence[int], labels: torch.Tensor, dropped: Iterator[bool]) -> torch.Tensor:
        assert self.names is not None, "asked for where there are names"
        windows = (self.windows[index] for index in indexes)
        rows, pieces = labels.shape
        return self.names.features((rows, pieces), [(w.example, dict(self.words(w))) for w in windows], dropped)

    def words(self, window: Window) -> Iterator[tuple[int, Range]]:
        """Each word of a window, as its number in its example, and the pieces that it has there."""
        ends = (*window.first[1:], len(window.pieces) - self.behind)
        yield from enumerate(zip(window.first, ends, strict=True), window.start)

    def varied(self, batch: Batch, generator: numpy.random.Generator) -> Batch:
        """The batch as a step trains on it: names of the gazetteer are left out, and words of mentions masked."""
        if self.names is not None and self.name_dropout:
            dropped = (bool(generator.random() < self.name_dropout) for _ in count())
            features = self._features(batch.indexes, batch.labels, dropped)
            batch = replace(batch, inputs={**batch.inputs, "added_features": features})
        if self.masking is None:
            return batch
        words = []
        for window in (self.windows[index] for index in batch.indexes):
            inside = {at for span in self.examples[window.example].spans for at in range(span.start, span.end)}
            words.append([pieces for word, pieces in self.words(window) if word in inside])
        return self.masking.masked(batch, words, generator)

    def loss(self, outputs: Any, batch: Batch) -> torch.Tensor:
        """The loss summed over labelled tokens, each times the weight of its class."""
        logits, labels = outputs.logits.view(-1, outputs.logits.shape[-1]), batch.labels.view(-1)
        loss = self.token_loss.summed(logits, labels)
        return loss + moved_loss(self.token_loss, logits, labels, self._moved(batch)) if self.alternatives else loss

    def _moved(self, batch: Batch) -> list[tuple[int, int, float]]:
        """The alternatives in a batch, with the position of their word in the flattened batch."""
        found, width = [], batch.labels.shape[1]
        for row, window in enumerate(self.windows[index] for index in batch.indexes):
            for word, tag, share in self.alternatives[window.example]:
                if 0 <= (at := word - window.start) < len(window.first):
                    found.append((row * width + window.first[at], tag, share))
        return found

    def divergence(self, outputs: Any, others: Any, batch: Batch) -> torch.Tensor:
        """Summed over labelled tokens."""
        labelled = batch.labels != UNLABELLED
        return divergence(outputs.logits[labelled], others.logits[labelled]).sum()

    def ids(self, indexes: Sequence[int]) -> list[str]:
        return [self.examples[self.windows[index].example].id for index in indexes]
