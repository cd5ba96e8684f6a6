"""Inputs and targets as word pieces, for encoder-decoder models and for causal models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from halluc.engine.batching import padded_arrays, tensors
from halluc.tasks.losses import UNLABELLED
from halluc.tasks.text_generation.source_text import Sourced

if TYPE_CHECKING:
    import torch

    from halluc.engine.batching import Batch


@dataclass(frozen=True)
class SequenceFraming:
    """Properties of a model: whether it has an encoder, its padding and end pieces, and ``start``, the first piece of
    the decoder's input. ``label_smoothing`` is that of the loss; ``more_ends`` are further pieces that may end an
    output. ``selects_logits``: the model can compute logits at selected positions only (``logits_to_keep``)."""

    has_encoder: bool
    pad: int
    end: int
    start: int
    label_smoothing: float = 0.0
    more_ends: tuple[int, ...] = ()
    selects_logits: bool = False


@dataclass
class EncodedSequences:
    """One input and one target per example, in word pieces. A target ends with the end piece; an example without a
    target has an empty one. ``firsts`` are the required first pieces of the outputs; None: the model's default."""

    examples: Sequence[Sourced]
    sources: list[list[int]]
    targets: list[list[int]]
    framing: SequenceFraming
    tokenizer: Any
    notes: dict[str, int]
    firsts: Sequence[int | None] = ()
    lengths: list[int] = field(init=False)
    weights: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.firsts = self.firsts or [None] * len(self.sources)
        self.lengths = [len(s) + len(t) for s, t in zip(self.sources, self.targets, strict=True)]
        self.weights = list(map(len, self.targets))

    def with_targets(self, targets: Sequence[Sequence[int]]) -> EncodedSequences:
        """The same inputs with other targets, such as the model's outputs."""
        return replace(self, targets=[list(one) for one in targets])

    def collate(self, indexes: Sequence[int]) -> Batch:
        """Inputs and labels, padded on the right.

        With an encoder: ``input_ids`` and ``attention_mask`` (examples, longest input), ``decoder_input_ids`` and
        labels (examples, longest target). Without: input and target concatenated, (examples, longest of both); a label
        belongs to the position before its piece, and only positions with a label have logits if the model supports it:
        prompts are longer than targets, and the head is a fifth of a small model's computation.
        """
        import torch

        from halluc.engine.batching import Batch

        framing = self.framing
        targets = [self.targets[index] or [framing.end] for index in indexes]
        sources = [self.sources[index] for index in indexes]
        if framing.has_encoder:
            inputs = padded_arrays(sources, framing.pad)
            shifted = [[framing.start, *target[:-1]] for target in targets]
            inputs["decoder_input_ids"] = padded_arrays(shifted, framing.pad)["input_ids"]
            before = [0] * len(indexes)
        else:
            inputs = padded_arrays(
                [source + target for source, target in zip(sources, targets, strict=True)], framing.pad
            )
            before = list(map(len, sources))
        width = inputs["decoder_input_ids" if framing.has_encoder else "input_ids"].shape[1]
        labels = torch.full((len(indexes), width), UNLABELLED)
        for row, (index, start) in enumerate(zip(indexes, before, strict=True)):
            target = self.targets[index]
            labels[row, start : start + len(target)] = torch.tensor(target, dtype=torch.long)
        batch = tensors(inputs)
        if not framing.has_encoder:
            labels = labels[:, 1:]
            if framing.selects_logits:
                batch["logits_to_keep"] = (labels != UNLABELLED).any(0).nonzero()[:, 0]
                labels = labels[:, batch["logits_to_keep"]]
        return Batch(batch, labels, tuple(indexes), sum(self.weights[index] for index in indexes))

    def loss(self, outputs: Any, batch: Batch) -> torch.Tensor:
        """Cross-entropy in nats, summed over the pieces of the targets; with label smoothing that share of each target
        is distributed evenly over all pieces (Szegedy et al. 2016)."""
        from torch.nn import functional

        return functional.cross_entropy(
            self.predicting_logits(outputs.logits, batch).flatten(0, 1).float(),
            batch.labels.flatten(),
            ignore_index=UNLABELLED,
            reduction="sum",
            label_smoothing=self.framing.label_smoothing,
        )

    def predicting_logits(self, logits: torch.Tensor, batch: Batch) -> torch.Tensor:
        """The logits that predict the labels: the last piece of a causal model's input predicts none."""
        return logits[:, : batch.labels.shape[1]]

    def ids(self, indexes: Sequence[int]) -> list[str]:
        return [self.examples[index].id for index in indexes]
