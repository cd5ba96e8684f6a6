"""Sentences as word pieces with markers around head and tail; long sentences are truncated to a window around both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate, chain, pairwise
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from halluc.core.edits import Range
from halluc.engine.batching import padded_arrays, tensors
from halluc.tasks.encoders import ArrayT
from halluc.tasks.losses import UNLABELLED, Loss, divergence
from halluc.tasks.mention_masking import MentionMasking
from halluc.tasks.relation_extraction.examples import Related

if TYPE_CHECKING:
    import numpy
    import torch

    from halluc.engine.batching import Batch

MARKERS = ("[HEAD]", "[/HEAD]", "[TAIL]", "[/TAIL]")


class PairWindow(NamedTuple):
    """The model input for one sentence, and the pieces (half open) whose states represent head and tail.

    ``words`` are the pieces of each word of head and tail.
    """

    pieces: tuple[int, ...]
    head: Range
    tail: Range
    words: tuple[Range, ...] = ()


@dataclass(frozen=True)
class PairFraming:
    """Adds special pieces to a sentence, and markers around head and tail.

    ``space`` is the number of pieces that fit besides the special ones; ``types`` has the pieces of each entity type.
    """

    before: tuple[int, ...]
    after: tuple[int, ...]
    space: int
    markers: tuple[int, ...]
    types: dict[str, tuple[int, ...]]

    def window(
        self, example: Related, words: Sequence[Sequence[int]], representation: Literal["start", "mean", "cls"]
    ) -> tuple[PairWindow, bool]:
        """The window of a sentence, and whether it is truncated.

        Head and tail are always included. If they are too far apart, the middle of the text between them is cut.
        """
        opening = (self.markers[0], self.markers[2])
        closing = (self.markers[1], self.markers[3])
        spans = sorted([(example.head, 0), (example.tail, 1)])
        marked, inside = [], []
        for span, role in spans:
            label = self.types.get(span.label, ())
            most = max(1, self.space // 2 - len(label) - 2)
            mention = list(chain.from_iterable(words[span.start : span.end]))
            mention_cut = mention[:most]
            marked.append([opening[role], *label, *mention_cut, closing[role]])
            inside.append((1 + len(label), 1 + len(label) + len(mention_cut), len(mention_cut) < len(mention)))
        (first, _), (second, _) = spans
        left = list(chain.from_iterable(words[: first.start]))
        middle = list(chain.from_iterable(words[first.end : second.start]))
        right = list(chain.from_iterable(words[second.end :]))
        room = self.space - len(marked[0]) - len(marked[1])
        kept = middle if len(middle) <= room else [*middle[: room // 2], *middle[len(middle) - (room - room // 2) :]]
        room -= len(kept)
        on_left = min(len(left), max(room // 2, room - len(right)))
        left_kept, right_kept = left[len(left) - on_left :], right[: min(len(right), room - on_left)]
        is_cut = len(left_kept) + len(kept) + len(right_kept) < len(left) + len(middle) + len(right)
        is_cut |= any(cut for *_, cut in inside)
        pieces = (*self.before, *left_kept, *marked[0], *kept, *marked[1], *right_kept, *self.after)
        begins = [len(self.before) + on_left, len(self.before) + on_left + len(marked[0]) + len(kept)]
        places = {}
        in_mentions: list[Range] = []
        for begin, (start, end, _), (span, role) in zip(begins, inside, spans, strict=True):
            edges = [*accumulate(map(len, words[span.start : span.end]), initial=begin + start)]
            in_mentions += [(low, min(high, begin + end)) for low, high in pairwise(edges) if low < begin + end]
            places[role] = {"start": (begin, begin + 1), "mean": (begin + start, begin + end), "cls": (0, 1)}[
                representation
            ]
        return PairWindow(pieces, places[0], places[1], tuple(in_mentions)), is_cut


@dataclass
class EncodedPairs:
    """One window per sentence; ``targets`` are the indexes of the gold outputs, ``UNLABELLED`` if the model lacks one.
    Sizes are counted in word pieces."""

    examples: Sequence[Related]
    windows: list[PairWindow]
    targets: list[int]
    outputs: tuple[str, ...]
    pad: int
    notes: dict[str, int]
    pair_loss: Loss
    masking: MentionMasking | None = None
    lengths: list[int] = field(init=False)
    weights: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.lengths = [len(window.pieces) for window in self.windows]
        self.weights = [int(target >= 0) for target in self.targets]

    def inputs(self, indexes: Sequence[int]) -> dict[str, numpy.ndarray]:
        """``input_ids`` and ``attention_mask``, each (sentences, longest window)."""
        return padded_arrays([self.windows[index].pieces for index in indexes], self.pad)

    def collate(self, indexes: Sequence[int]) -> Batch:
        """``inputs`` with labels (sentences,)."""
        import torch

        from halluc.engine.batching import Batch

        return Batch(
            tensors(self.inputs(indexes)),
            torch.tensor([self.targets[index] for index in indexes]),
            tuple(indexes),
            sum(self.weights[index] for index in indexes),
        )

    def varied(self, batch: Batch, generator: numpy.random.Generator) -> Batch:
        """The batch for a training step, with some masked words of head and tail."""
        if self.masking is None:
            return batch
        return self.masking.mask_batch(batch, [self.windows[index].words for index in batch.indexes], generator)

    def pair_logits(self, logits: torch.Tensor, indexes: Sequence[int]) -> torch.Tensor:
        """The logits of pairs, (sentences, relations), from those of pieces, (sentences, pieces, 2 x relations)."""
        import torch

        return torch.stack([self.single_pair_logits(*row) for row in zip(logits, indexes, strict=True)])

    def single_pair_logits(self, logits: ArrayT, index: int) -> ArrayT:
        """The same for one pair, (relations,), from (pieces, 2 x relations)."""
        width, window = len(self.outputs), self.windows[index]
        of_head, of_tail = logits[slice(*window.head), :width], logits[slice(*window.tail), width:]
        result: ArrayT = of_head.mean(0) + of_tail.mean(0)
        return result

    def loss(self, outputs: Any, batch: Batch) -> torch.Tensor:
        """The loss summed over pairs, a scalar."""
        return self.pair_loss.summed(self.pair_logits(outputs.logits.float(), batch.indexes), batch.labels)

    def divergence(self, outputs: Any, others: Any, batch: Batch) -> torch.Tensor:
        """Summed over pairs with a known relation."""
        one, other = (self.pair_logits(of.logits.float(), batch.indexes) for of in (outputs, others))
        return divergence(one, other)[batch.labels != UNLABELLED].sum()

    def decisions(
        self, outputs: Any, batch: Batch, rows: Sequence[torch.Tensor]
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Pairs: their logits, the row of each in ``rows`` (1, relations), and a weight of 0 without a target."""
        import torch

        weights = torch.tensor([float(self.weights[index]) for index in batch.indexes])
        return self.pair_logits(outputs.logits, batch.indexes), torch.cat([rows[i] for i in batch.indexes]), weights

    def ids(self, indexes: Sequence[int]) -> list[str]:
        return [self.examples[index].id for index in indexes]
