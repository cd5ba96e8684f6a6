"""Sentences as windows of word pieces that fit a model, with a target for each word."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import count, repeat
from typing import TYPE_CHECKING, Any, NamedTuple

from halluc.core.edits import Range
from halluc.core.errors import HallucError
from halluc.core.mapped import number_array
from halluc.core.packed import OnDemand, Packed, Ragged
from halluc.engine.batching import padded_arrays, tensors
from halluc.tasks.losses import UNLABELLED, Loss, divergence
from halluc.tasks.mention_masking import MentionMasking
from halluc.tasks.token_classification.border_smoothing import Alternative, smoothing_loss
from halluc.tasks.token_classification.tagged_sentence import Tagged
from halluc.tasks.token_classification.viterbi import SavedChain
from halluc.tasks.token_classification.word_features import WordFeatures

if TYPE_CHECKING:
    import numpy
    import torch

    from halluc.engine.batching import Batch
    from halluc.tasks.token_classification.crf import Chains, LinearChain


class Window(NamedTuple):
    """A model input: consecutive words from word ``start`` of an example, possibly of several examples of a document.
    ``first`` is the position of each word's first piece in ``pieces``."""

    example: int
    start: int
    pieces: tuple[int, ...]
    first: tuple[int, ...]


class Windows(OnDemand[Window]):
    """Windows stored as flat arrays, created at each access. No piece is larger than ``most_piece``.

    If ``is_mapped``, the arrays are in temporary files.
    """

    def __init__(self, most_piece: int, *, is_mapped: bool = False) -> None:
        self._examples, self._starts = (number_array("i", is_mapped=is_mapped) for _ in range(2))
        self.pieces, self._first = Ragged(most=most_piece, is_mapped=is_mapped), Ragged(is_mapped=is_mapped)

    def extend(self, windows: Iterable[Window]) -> None:
        for window in windows:
            self._examples.append(window.example)
            self._starts.append(window.start)
            self.pieces.append(window.pieces)
            self._first.append(window.first)

    def evict(self) -> None:
        self.pieces.evict()
        self._first.evict()

    def split_examples(self) -> set[int]:
        """The examples that have several windows."""
        return {example for example, start in zip(self._examples, self._starts, strict=True) if start}

    def __len__(self) -> int:
        return len(self._examples)

    def at(self, place: int) -> Window:
        return Window(self._examples[place], self._starts[place], self.pieces[place], self._first[place])


def windows_of(
    example: int, words: Sequence[list[int]], space: int, before: Sequence[int], after: Sequence[int]
) -> Iterator[Window]:
    """Overlapping windows of whole words with at most ``space`` pieces.

    Words are truncated to a quarter of the space, so that each window has new words. Each window except the first
    repeats the last half of the previous one.
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
        yield Window(example, start, (*pieces, *after), tuple(first))
        if end >= len(words):
            return
        repeated, restart = 0, end
        while restart - 1 > start and repeated + sizes[restart - 1] <= space // 2:
            restart -= 1
            repeated += sizes[restart]
        start = restart


def rows_of(
    examples: Sequence[Tagged],
    sentences: Sequence[list[list[int]]],
    space: int,
    before: Sequence[int],
    after: Sequence[int],
) -> Iterator[Window]:
    """Windows of at most ``space`` pieces with consecutive sentences of a document, without separators; a sentence that
    does not fit is split as in ``windows_of``."""
    longest = max(1, space // 4)
    sizes = [sum(min(len(pieces), longest) for pieces in sentence) for sentence in sentences]
    begin = 0
    while begin < len(examples):
        end, used = begin + 1, sizes[begin]
        while (
            end < len(examples)
            and used + sizes[end] <= space
            and examples[end - 1].origin.precedes(examples[end].origin)
        ):
            used += sizes[end]
            end += 1
        yield from windows_of(begin, [word for one in sentences[begin:end] for word in one], space, before, after)
        begin = end


@dataclass
class EncodedTokens:
    """Windows of word pieces with a target at each word's first piece. Sizes are counted in word pieces.

    ``after`` is the number of special pieces at the end of each window. ``alternatives`` are, for each example, those
    of its tags; empty without border smoothing. ``features`` are further inputs of words besides their pieces.
    """

    examples: Sequence[Tagged]
    windows: Sequence[Window]
    targets: Sequence[Sequence[int]]
    outputs: tuple[str, ...]
    pad: int
    notes: dict[str, int]
    token_loss: Loss = field(default_factory=Loss)
    after: int = 0
    masking: MentionMasking | None = None
    alternatives: Sequence[Sequence[Alternative]] = ()
    crf: LinearChain | SavedChain | None = None
    features: WordFeatures | None = None
    lengths: Sequence[int] = field(init=False)
    weights: Sequence[int] = field(init=False)
    starts: Sequence[int] = field(init=False)

    def __post_init__(self) -> None:
        lengths, weights = (number_array("i", is_mapped=isinstance(self.examples, Packed)) for _ in range(2))
        # For the concatenated words of all examples: the first word of each example, and the targets.
        flat = self.targets if isinstance(self.targets, Ragged) else Ragged(self.targets)
        self.starts, self._targets = flat.ends, flat.values
        for window in self.windows:
            lengths.append(len(window.pieces))
            weights.append(self._labelled_word_count(window))
        self.lengths, self.weights = lengths, weights

    def _labelled_word_count(self, window: Window) -> int:
        own = self._targets[self.words(window)]
        return len(own) - own.count(UNLABELLED)

    def words(self, window: Window) -> slice:
        """The indexes of a window's words among those of all examples."""
        begin = self.starts[window.example] + window.start
        return slice(begin, begin + len(window.first))

    def _examples_of(self, window: Window) -> range:
        """The numbers of the examples whose words are in a window."""
        return range(window.example, bisect_left(self.starts, self.words(window).stop))

    def inputs(self, indexes: Sequence[int]) -> dict[str, numpy.ndarray]:
        """``input_ids`` and ``attention_mask``, each (windows, longest window); the features of words."""
        inputs = padded_arrays([self.windows[index].pieces for index in indexes], self.pad)
        if self.features is not None:
            inputs["added_features"] = self._features(indexes, inputs["input_ids"].shape, repeat(False))
        return inputs

    def collate(self, indexes: Sequence[int]) -> Batch:
        """``inputs`` with labels (windows, longest window)."""
        import torch

        from halluc.engine.batching import Batch

        inputs = tensors(self.inputs(indexes))
        labels = torch.full_like(inputs["input_ids"], UNLABELLED)
        for row, window in enumerate(self.windows[index] for index in indexes):
            labels[row, list(window.first)] = torch.tensor(self._targets[self.words(window)])
        return Batch(inputs, labels, tuple(indexes), sum(self.weights[index] for index in indexes))

    def _features(self, indexes: Sequence[int], shape: tuple[int, ...], dropped: Iterator[bool]) -> numpy.ndarray:
        assert self.features is not None, "the callers check it"
        rows = []
        for window in (self.windows[index] for index in indexes):
            starts = [(number, self.starts[number]) for number in self._examples_of(window)]
            rows.append((starts, dict(self._pieces(window))))
        return self.features.features(shape, rows, dropped)

    def _pieces(self, window: Window) -> Iterator[tuple[int, Range]]:
        """Each word of a window, by its index among those of all examples, with its pieces there."""
        ends = (*window.first[1:], len(window.pieces) - self.after)
        yield from enumerate(zip(window.first, ends, strict=True), self.words(window).start)

    @cached_property
    def _mention_words(self) -> set[int]:
        """The words of mentions, by index among those of all examples."""
        pairs = zip(self.starts, self.examples, strict=False)
        return {start + at for start, e in pairs for span in e.spans for at in range(span.start, span.end)}

    def varied(self, batch: Batch, generator: numpy.random.Generator) -> Batch:
        """The batch for a training step: some names of the gazetteer are dropped, some words of mentions masked."""
        if self.features is not None and self.features.names is not None and self.features.dropout:
            share = self.features.dropout
            dropped = (bool(generator.random() < share) for _ in count())
            features = tensors({"added_features": self._features(batch.indexes, batch.labels.shape, dropped)})
            batch = replace(batch, inputs={**batch.inputs, **features})
        if self.masking is None:
            return batch
        words = [
            [pieces for word, pieces in self._pieces(self.windows[index]) if word in self._mention_words]
            for index in batch.indexes
        ]
        return self.masking.mask_batch(batch, words, generator)

    def loss(self, outputs: Any, batch: Batch) -> torch.Tensor:
        """The loss summed over labelled tokens, weighted by class; with a CRF over sentences."""
        if self.crf is not None:
            assert not isinstance(self.crf, SavedChain), "an exported model is not trained"
            return self.crf.loss(self._chains(outputs.logits, batch))
        logits, labels = outputs.logits.view(-1, outputs.logits.shape[-1]), batch.labels.view(-1)
        loss = self.token_loss.summed(logits, labels)
        if self.alternatives:
            loss = loss + smoothing_loss(self.token_loss, logits, labels, self._batch_alternatives(batch))
        return loss

    def _batch_alternatives(self, batch: Batch) -> list[tuple[int, int, float]]:
        """The alternatives in a batch: the position of the word in the flattened batch, the tag and the share."""
        results, width = [], batch.labels.shape[1]
        for row, window in enumerate(self.windows[index] for index in batch.indexes):
            begin = self.words(window).start
            for number, place in enumerate(window.first):
                word = self._alternatives_of_words.get(begin + number, ())
                results += [(row * width + place, tag, share) for tag, share in word]
        return results

    @cached_property
    def _alternatives_of_words(self) -> dict[int, list[tuple[int, float]]]:
        """The alternatives of words, by index among those of all examples."""
        result: dict[int, list[tuple[int, float]]] = {}
        for start, of_example in zip(self.starts, self.alternatives, strict=False):
            for word, tag, share in of_example:
                result.setdefault(start + word, []).append((tag, share))
        return result

    def divergence(self, outputs: Any, others: Any, batch: Batch) -> torch.Tensor:
        """Summed over labelled tokens.

        Raises:
            HallucError C221: the model has a CRF, which has probabilities only of whole sequences.
        """
        self._refuse_crf("train.r_drop")
        labelled = batch.labels != UNLABELLED
        return divergence(outputs.logits[labelled], others.logits[labelled]).sum()

    def decisions(
        self, outputs: Any, batch: Batch, rows: Sequence[torch.Tensor]
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Labelled words: their logits, the corresponding ``rows`` (words, tags) of each sentence, and ones.

        Raises:
            HallucError C221: the model has a CRF.
        """
        import torch

        self._refuse_crf("train.teacher")
        results = []
        for window in (self.windows[index] for index in batch.indexes):
            inside = self.words(window)
            parts = []
            for number in self._examples_of(window):
                start = self.starts[number]
                parts.append(rows[number][max(inside.start - start, 0) : inside.stop - start])
            results.append(torch.cat(parts)[torch.tensor(self._targets[inside]) != UNLABELLED])
        logits = outputs.logits[batch.labels != UNLABELLED]
        return logits, torch.cat(results), torch.ones(len(logits))

    def _refuse_crf(self, key: str) -> None:
        if self.crf is not None:
            message = f"`{key}` cannot be combined with `task.head: crf`, whose probabilities are over whole sequences"
            raise HallucError("C221", message, help=f"remove `{key}`, or use `head: linear`")

    def _chains(self, logits: torch.Tensor, batch: Batch) -> Chains:
        """The sentences of a batch, or their parts in its windows, as input of a CRF."""
        import torch
        from torch.nn.utils.rnn import pad_sequence

        from halluc.tasks.token_classification.crf import Chains

        parts, targets, begins, ends = [], [], [], []
        for row, window in enumerate(self.windows[index] for index in batch.indexes):
            inside = self.words(window)
            places = torch.tensor(window.first, device=logits.device)
            for number in self._examples_of(window):
                start, end = self.starts[number], self.starts[number + 1]
                own = slice(max(start, inside.start) - inside.start, min(end, inside.stop) - inside.start)
                if own.start < own.stop:
                    parts.append(logits[row, places[own]])
                    targets.append(batch.labels[row, places[own]])
                    begins.append(inside.start <= start)
                    ends.append(end <= inside.stop)
        sizes = torch.tensor([len(part) for part in parts], device=logits.device)
        return Chains(
            pad_sequence(parts, batch_first=True),
            pad_sequence(targets, batch_first=True, padding_value=UNLABELLED),
            torch.arange(int(sizes.max()), device=logits.device) < sizes[:, None],
            torch.tensor(begins, device=logits.device),
            torch.tensor(ends, device=logits.device),
        )

    def ids(self, indexes: Sequence[int]) -> list[str]:
        """The ids of the examples in windows."""
        return [self.examples[number].id for index in indexes for number in self._examples_of(self.windows[index])]
