"""From labelled texts to model input: word pieces, windows, and targets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy

from halluc.core.edits import Range
from halluc.core.errors import HallucError, Location, data_error, refuse
from halluc.core.labels import OUT_OF_SCOPE
from halluc.engine.batching import padded_arrays, tensors
from halluc.tasks.encoders import (
    ArrayT,
    Encoder,
    Frame,
    frame_of_pair,
    max_pieces,
    mean_of_pieces,
    remaining_pieces,
    special_pieces,
    word_pieces,
)
from halluc.tasks.losses import UNLABELLED, Loss, class_weights, divergence
from halluc.tasks.text_classification.config import LongTexts
from halluc.tasks.text_classification.labelled_text import Labelled

if TYPE_CHECKING:
    import torch

    from halluc.engine.batching import Batch, Rows
    from halluc.tasks.text_classification.config import TextClassificationConfig

# The ranges of a text's pieces in a window, from left to right.
TextPart = tuple[Range, ...]


def parts_of(length: int, space: int, how: LongTexts) -> list[TextPart]:
    """The part of a text of ``length`` pieces in each window of at most ``space`` pieces.

    Windows are full, evenly spaced, and overlap by at least a quarter. ``head_tail`` keeps a quarter from the beginning
    and three quarters from the end (Sun et al. 2019, "How to Fine-Tune BERT for Text Classification?", section 5.3.1).
    """
    if length <= space:
        return [((0, length),)]
    if how == "head":
        return [((0, space),)]
    if how == "tail":
        return [((length - space, length),)]
    if how == "head_tail":
        head = space // 4
        return [((0, head), (length - space + head, length))]
    overlap = space // 4
    last = -(-(length - overlap) // (space - overlap)) - 1
    return [((start, start + space),) for start in [number * (length - space) // last for number in range(last + 1)]]


def parts_of_pair(first: int, second: int, space: int, how: LongTexts) -> list[tuple[TextPart, TextPart]]:
    """The same for a pair of texts that share ``space``: the longer one is cut first, but not below half of the space.

    With windows, only the longer text is split into parts. Each is combined with the other text, of which at most the
    first ``space // 2`` pieces are used.
    """
    if first + second <= space:
        return [(((0, first),), ((0, second),))]
    kept = min(first, second, space // 2)
    (short,) = parts_of(min(first, second), kept, "head" if how == "windows" else how)
    long = parts_of(max(first, second), space - kept, how)
    return [(short, part) for part in long] if first < second else [(part, short) for part in long]


def cover_all(parts: list[TextPart], length: int) -> bool:
    """Whether the parts contain every piece of a text, so that nothing is cut."""
    done = 0
    for start, end in sorted(one for part in parts for one in part):
        if start > done:
            return False
        done = max(done, end)
    return done >= length


# The total weight of a text if some texts have several windows; it is divided among the windows of a text.
TEXT_WEIGHT = 1000


class TextWindow(NamedTuple):
    """One model input. ``types`` distinguish the two texts of a pair, if the model has token types."""

    example: int
    pieces: tuple[int, ...]
    types: tuple[int, ...] = ()


@dataclass
class EncodedTexts:
    """Windows of word pieces; each has the labels of its text. Sizes are counted in word pieces.

    ``targets`` are, by example, the indexes of the gold outputs; None if none of them is known. The ``weights`` of a
    text's windows have the same sum for all texts (to a thousandth). ``is_mean``: the model has logits for each piece,
    and those of a window are the mean over its pieces. ``answers`` are the texts of the answers, by label.
    """

    examples: Sequence[Labelled]
    windows: list[TextWindow]
    targets: list[tuple[int, ...] | None]
    outputs: tuple[str, ...]
    pad: int
    notes: dict[str, int]
    text_loss: Loss
    is_mean: bool = False
    answers: Mapping[str, str] | None = None
    lengths: list[int] = field(init=False)
    weights: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.lengths = [len(window.pieces) for window in self.windows]
        count = Counter(window.example for window in self.windows)
        whole = TEXT_WEIGHT if any(number > 1 for number in count.values()) else 1
        self.weights = [
            0 if self.targets[window.example] is None else max(1, round(whole / count[window.example]))
            for window in self.windows
        ]

    def inputs(self, indexes: Sequence[int]) -> dict[str, numpy.ndarray]:
        """``input_ids``, ``attention_mask`` and, for pairs, ``token_type_ids``, each (windows, longest window)."""
        windows = [self.windows[index] for index in indexes]
        inputs = padded_arrays([window.pieces for window in windows], self.pad)
        if any(window.types for window in windows):
            inputs["token_type_ids"] = numpy.zeros_like(inputs["input_ids"])
            for row, window in enumerate(windows):
                inputs["token_type_ids"][row, : len(window.types)] = window.types
        return inputs

    def collate(self, indexes: Sequence[int]) -> Batch:
        """``inputs`` with labels in the form of ``Loss``."""
        from halluc.engine.batching import Batch

        return Batch(
            tensors(self.inputs(indexes)),
            self._labels([self.windows[index].example for index in indexes]),
            tuple(indexes),
            sum(self.weights[index] for index in indexes),
        )

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
        """The loss summed over windows, weighted."""
        return self._weighted_sum(self.text_loss(self.window_logits(outputs.logits, batch), batch.labels), batch)

    def divergence(self, outputs: Any, others: Any, batch: Batch) -> torch.Tensor:
        """Summed over windows, weighted; with several labels per text, the mean over outputs."""
        import torch

        one, other = (self.window_logits(side.logits, batch) for side in (outputs, others))
        if not self.text_loss.multi_label:
            return self._weighted_sum(divergence(one, other), batch)
        # A sigmoid is a softmax over the logit and 0.
        one, other = (torch.stack((logits, torch.zeros_like(logits)), -1) for logits in (one, other))
        return self._weighted_sum(divergence(one, other).mean(-1), batch)

    def _weighted_sum(self, of_windows: torch.Tensor, batch: Batch) -> torch.Tensor:
        import torch

        weights = torch.tensor([float(self.weights[index]) for index in batch.indexes], device=of_windows.device)
        return (of_windows * weights).sum()

    def decisions(
        self, outputs: Any, batch: Batch, rows: Sequence[torch.Tensor]
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Windows: their logits, the rows of their texts in ``rows`` (1, outputs), and their weights."""
        import torch

        soft = torch.cat([rows[self.windows[index].example] for index in batch.indexes])
        weights = torch.tensor([float(self.weights[index]) for index in batch.indexes])
        return self.window_logits(outputs.logits, batch), soft, weights

    def window_logits(self, logits: ArrayT, batch: Rows) -> ArrayT:
        """The logits of each window, (windows, outputs)."""
        return mean_of_pieces(logits, batch.inputs["attention_mask"]) if self.is_mean else logits

    def ids(self, indexes: Sequence[int]) -> list[str]:
        return [self.examples[self.windows[index].example].id for index in indexes]


Pieces = Sequence[int]


def encode_texts(examples: Sequence[Labelled], encoder: Encoder, config: TextClassificationConfig) -> EncodedTexts:
    """Encode texts and labels, and count the notes.

    Raises:
        HallucError D136, D137: see ``refuse_labels``. E411: the tokenizer leaves no room, or lacks a piece.
    """
    refuse_labels(examples, multi_label=config.multi_label)
    words, dropped = word_pieces(encoder.tokenizer, [example.tokens for example in examples])
    framing = Framing(encoder, config.long_texts)
    unknown = encoder.tokenizer.unk_token_id
    notes = {"words": sum(map(len, words)), "dropped_words": dropped, "unknown_words": 0}
    notes |= {"windowed_texts": 0, "windows": 0, "cut_texts": 0}
    windows: list[TextWindow] = []
    for number, (example, pieces) in enumerate(zip(examples, words, strict=True)):
        notes["unknown_words"] += sum(of_word == [unknown] for of_word in pieces)
        sides = [pieces] if example.second is None else [pieces[: example.second], pieces[example.second :]]
        own, is_cut = framing.windows(number, [list(chain.from_iterable(side)) for side in sides])
        notes["windowed_texts"] += len(own) > 1
        notes["cut_texts"] += is_cut
        windows += own
    notes["windows"] = len(windows)
    targets = _targets(examples, encoder.outputs, config.multi_label, notes)
    return EncodedTexts(
        examples, windows, targets, encoder.outputs, encoder.padding, notes, _loss(targets, encoder.outputs, config),
        config.retrieval is not None,
    )  # fmt: skip


def _loss(
    targets: Sequence[tuple[int, ...] | None], outputs: Sequence[str], config: TextClassificationConfig
) -> Loss:  # fmt: skip
    weights = class_weights(
        config,
        outputs,
        ([outputs[number] for number in target] for target in targets if target is not None),
        multi_label=config.multi_label,
    )
    return Loss.of(config, weights, multi_label=config.multi_label)


def _targets(
    examples: Sequence[Labelled], outputs: Sequence[str], multi_label: bool, notes: dict[str, int]
) -> list[tuple[int, ...] | None]:
    """The indexes of the gold outputs. A label that the model does not have is counted, and has no output."""
    numbers = {name: number for number, name in reversed(list(enumerate(outputs)))}
    result: list[tuple[int, ...] | None] = []
    notes |= {"unknown_label_texts": 0, "unanswerable_texts": 0}
    for example in examples:
        is_outside = not example.labels and not multi_label
        gold = (OUT_OF_SCOPE,) if is_outside else example.labels
        known = tuple(numbers[label] for label in gold if label in numbers)
        if len(known) < len(gold):
            notes["unanswerable_texts" if is_outside else "unknown_label_texts"] += 1
        result.append(known if known or multi_label else None)
    return result


def refuse_labels(examples: Sequence[Labelled], *, multi_label: bool) -> None:
    """Refuse texts that are invalid for the task.

    Raises:
        HallucError or ManyErrors D136: several labels, but one is required. D137: the reserved name for no label.
    """
    refuse(_bad_labels(examples, multi_label))


def _bad_labels(examples: Sequence[Labelled], multi_label: bool) -> Iterator[HallucError]:
    for example in examples:
        where = Location(example.origin.file, example.origin.line)
        if len(example.labels) > 1 and not multi_label:
            text = ", ".join(f"`{label}`" for label in example.labels[:5])
            yield data_error(
                "D136",
                f"a text with {len(example.labels)} labels: {text}",
                where,
                "set `task.multi_label: true`, or keep one of them",
            )
        elif OUT_OF_SCOPE in example.labels:
            yield data_error(
                "D137",
                f"the label `{OUT_OF_SCOPE}` is reserved for texts without a label",
                where,
                f"set `data.out_of_scope_label: {OUT_OF_SCOPE}`, or rename it",
            )


@dataclass
class Framing:
    """Adds the special pieces of a tokenizer to texts and pairs."""

    encoder: Encoder
    how: LongTexts

    @cached_property
    def single_frame(self) -> tuple[list[int], list[int]]:
        return special_pieces(self.encoder.tokenizer)

    @cached_property
    def pair_frame(self) -> Frame:
        return frame_of_pair(self.encoder.tokenizer)

    @cached_property
    def has_types(self) -> bool:
        """Whether the model distinguishes the texts of a pair by token types."""
        return getattr(self.encoder.model.config, "type_vocab_size", 0) > 1

    def windows(self, example: int, sides: Sequence[Pieces]) -> tuple[list[TextWindow], bool]:
        """The windows of a text or a pair, and whether something is cut."""
        if len(sides) == 2:
            return self._pair_windows(example, *sides)
        (pieces,), (before, after) = sides, self.single_frame
        parts = parts_of(len(pieces), self._space(len(before) + len(after), 1), self.how)
        windows = [TextWindow(example, (*before, *_pieces_of(pieces, part), *after)) for part in parts]
        return windows, not cover_all(parts, len(pieces))

    def _pair_windows(self, example: int, first: Pieces, second: Pieces) -> tuple[list[TextWindow], bool]:
        frame = self.pair_frame
        parts = parts_of_pair(len(first), len(second), self._space(frame.size, 2), self.how)
        windows = []
        for of_first, of_second in parts:
            one, two = _pieces_of(first, of_first), _pieces_of(second, of_second)
            pieces = (*frame.before.pieces, *one, *frame.between.pieces, *two, *frame.after.pieces)
            types = (
                *(*frame.before.types, *[frame.first] * len(one), *frame.between.types),
                *(*[frame.second] * len(two), *frame.after.types),
            )
            windows.append(TextWindow(example, pieces, types if self.has_types else ()))
        is_whole = cover_all([part for part, _ in parts], len(first)) and cover_all(
            [part for _, part in parts], len(second)
        )
        return windows, not is_whole

    def _space(self, special: int, least: int) -> int:
        return remaining_pieces(least, max_pieces(self.encoder.tokenizer, self.encoder.model.config), special)


def _pieces_of(pieces: Pieces, part: TextPart) -> list[Any]:
    return [piece for start, end in part for piece in pieces[start:end]]
