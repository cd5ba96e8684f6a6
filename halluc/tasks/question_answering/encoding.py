"""Questions with windows of their contexts, as word pieces."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate, chain
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy

from halluc.core.edits import Range
from halluc.engine.batching import padded_arrays, tensors
from halluc.tasks.encoders import Encoder, Frame, frame_of_pair, max_pieces, remaining_pieces, word_pieces
from halluc.tasks.losses import divergence
from halluc.tasks.question_answering.config import QuestionAnsweringConfig
from halluc.tasks.question_answering.examples import ContextQuestion

if TYPE_CHECKING:
    import torch

    from halluc.engine.batching import Batch

# The logit of a position where no answer may begin or end.
MASKED = -1e9


@dataclass(frozen=True)
class ContextPieces:
    """The word pieces of a context; ``first`` and ``last`` (words,) are the positions of each word's first and last
    piece.

    ``starts`` (words + 1,) are the first tokens of the words, followed by the number of tokens.
    """

    pieces: tuple[int, ...]
    first: numpy.ndarray
    last: numpy.ndarray
    starts: numpy.ndarray

    @classmethod
    def of(cls, words: Sequence[Sequence[int]], starts: Sequence[int]) -> ContextPieces:
        ends = numpy.array(list(accumulate(map(len, words))), dtype=numpy.int64)
        firsts = ends - numpy.array(list(map(len, words)))
        return cls(tuple(chain.from_iterable(words)), firsts, ends - 1, numpy.array(starts, dtype=numpy.int64))

    def words(self, tokens: Range) -> Range:
        """The words that contain the tokens."""
        start, end = numpy.searchsorted(self.starts, [tokens[0], tokens[1] - 1], "right")
        return int(start) - 1, int(end)

    def tokens(self, words: Range) -> Range:
        return int(self.starts[words[0]]), int(self.starts[words[1]])


class AnswerWindow(NamedTuple):
    """A question and pieces ``start`` to ``end`` (half open) of its context, which are at ``offset`` in the input."""

    example: int
    question: tuple[int, ...]
    context: ContextPieces
    start: int
    end: int
    offset: int

    def words(self, places: numpy.ndarray) -> numpy.ndarray:
        """The words whose piece at ``places`` is in the window, ascending."""
        low, high = numpy.searchsorted(places, [self.start, self.end])
        return numpy.arange(low, high)

    def positions(self, places: numpy.ndarray) -> numpy.ndarray:
        """The positions of these pieces in the input."""
        values: numpy.ndarray = places[self.words(places)] - self.start + self.offset
        return values


def window_starts(length: int, space: int, stride: int) -> list[int]:
    """The starts of windows of ``space`` pieces in ``length`` pieces; the last window ends with the text."""
    step = min(stride, space)
    return [0, *range(step, length - space + step, step)] if length > space else [0]


@dataclass
class EncodedQuestions:
    """Windows of word pieces; sizes are counted in pieces.

    ``targets`` are, by window, the positions of the first and the last piece of the answer; (0, 0), the first piece of
    the input, if the window does not contain an answer.
    """

    examples: Sequence[ContextQuestion]
    windows: list[AnswerWindow]
    frame: Frame
    has_types: bool
    pad: int
    notes: dict[str, int]
    targets: list[tuple[int, int]] = field(init=False)
    lengths: list[int] = field(init=False)
    weights: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.targets = [self._target(window) for window in self.windows]
        self.lengths = [self.frame.size + len(w.question) + w.end - w.start for w in self.windows]
        self.weights = [1] * len(self.windows)

    @cached_property
    def fingerprint(self) -> str:
        """A hash of the pieces and windows: models with the same hash have logits for the same pieces."""
        digest = hashlib.sha256()
        for window in self.windows:
            digest.update(repr((window.example, window.question, window.start, window.end, window.offset)).encode())
        for context in {id(window.context): window.context for window in self.windows}.values():
            digest.update(repr(context.pieces).encode())
        return digest.hexdigest()

    def _target(self, window: AnswerWindow) -> tuple[int, int]:
        answers = self.examples[window.example].answers
        if not answers:
            return 0, 0
        start, end = window.context.words(answers[0])
        first, last = int(window.context.first[start]), int(window.context.last[end - 1])
        if first < window.start or last >= window.end:
            return 0, 0
        return first - window.start + window.offset, last - window.start + window.offset

    def inputs(self, indexes: Sequence[int]) -> dict[str, numpy.ndarray]:
        """``input_ids``, ``attention_mask`` and, if the model has them, ``token_type_ids``, each (windows, longest
        window)."""
        frame, windows = self.frame, [self.windows[index] for index in indexes]
        inputs = padded_arrays(
            [
                (
                    *frame.before.pieces, *w.question, *frame.between.pieces, *w.context.pieces[w.start : w.end],
                    *frame.after.pieces,
                )
                for w in windows
            ],
            self.pad,
        )  # fmt: skip
        if self.has_types:
            types = numpy.zeros_like(inputs["input_ids"])
            for row, w in enumerate(windows):
                of_first = [*frame.before.types, *[frame.first] * len(w.question), *frame.between.types]
                of_second = [*[frame.second] * (w.end - w.start), *frame.after.types]
                types[row, : len(of_first) + len(of_second)] = [*of_first, *of_second]
            inputs["token_type_ids"] = types
        return inputs

    def collate(self, indexes: Sequence[int]) -> Batch:
        """``inputs`` with labels (windows, 2)."""
        import torch

        from halluc.engine.batching import Batch

        labels = torch.tensor([self.targets[index] for index in indexes])
        return Batch(tensors(self.inputs(indexes)), labels, tuple(indexes), len(indexes))

    def loss(self, outputs: Any, batch: Batch) -> torch.Tensor:
        """The mean of the cross-entropies of start and end, summed over windows; a scalar."""
        import torch

        labels = batch.labels.T.reshape(-1)
        logits = self._masked_logits(outputs, batch).flatten(0, 1)
        return torch.nn.functional.cross_entropy(logits, labels, reduction="sum") / 2

    def divergence(self, outputs: Any, others: Any, batch: Batch) -> torch.Tensor:
        """The mean of the divergences of start and end, summed over windows."""
        return divergence(self._masked_logits(outputs, batch), self._masked_logits(others, batch)).sum() / 2

    def _masked_logits(self, outputs: Any, batch: Batch) -> torch.Tensor:
        """Logits of start and end, (2, windows, pieces), ``MASKED`` where no answer may begin or end."""
        import torch

        logits = torch.stack((outputs.start_logits, outputs.end_logits)).float()
        mask = torch.ones(logits.shape, dtype=torch.bool)
        mask[:, :, 0] = False
        for row, index in enumerate(batch.indexes):
            window = self.windows[index]
            for side, places in enumerate((window.context.first, window.context.last)):
                mask[side, row, torch.from_numpy(window.positions(places))] = False
        return logits.masked_fill(mask.to(logits.device), MASKED)

    def ids(self, indexes: Sequence[int]) -> list[str]:
        return [self.examples[self.windows[index].example].id for index in indexes]


def encode_questions(
    examples: Sequence[ContextQuestion], encoder: Encoder, config: QuestionAnsweringConfig
) -> EncodedQuestions:
    """Windows and targets, with counts for the notes. The context of several questions is split into pieces once.

    Raises:
        HallucError E411: the tokenizer leaves no room, or lacks a piece.
    """
    tokenizer, settings = encoder.tokenizer, encoder.model.config
    frame, unknown = frame_of_pair(tokenizer), tokenizer.unk_token_id
    questions, dropped = word_pieces(tokenizer, [example.question.tokens for example in examples])
    # Texts with the same tokens may differ in their words, if an answer divides a word.
    keys = [(example.context.tokens, example.context.divided) for example in examples]
    distinct = {key: example.context for key, example in zip(keys, examples, strict=True)}
    cut, lost = word_pieces(tokenizer, [context.words for context in distinct.values()])
    contexts = {
        key: ContextPieces.of(words, distinct[key].word_starts) for key, words in zip(distinct, cut, strict=True)
    }
    counts = dict(zip(distinct, ([len(words), sum(w == [unknown] for w in words)] for words in cut), strict=True))
    notes = dict.fromkeys(("words", "unknown_words", "cut_questions", "windowed_contexts", "windows"), 0)
    notes["dropped_words"] = dropped + lost
    whole = remaining_pieces(2, min(config.window, max_pieces(tokenizer, settings)), frame.size)
    windows: list[AnswerWindow] = []
    for number, (key, of_question) in enumerate(zip(keys, questions, strict=True)):
        pieces, context = tuple(chain.from_iterable(of_question)), contexts[key]
        kept = pieces[: min(config.max_question, whole // 2)]
        space, offset = whole - len(kept), len(frame.before.pieces) + len(kept) + len(frame.between.pieces)
        size = len(context.pieces)
        own = [
            AnswerWindow(number, kept, context, start, min(start + space, size), offset)
            for start in window_starts(size, space, config.stride)
        ]
        count, count_unknown = counts[key]
        notes["words"] += count + len(of_question)
        notes["unknown_words"] += count_unknown + sum(word == [unknown] for word in of_question)
        notes["cut_questions"] += len(kept) < len(pieces)
        notes["windowed_contexts"] += len(own) > 1
        windows += own
    notes["windows"] = len(windows)
    has_types = getattr(settings, "type_vocab_size", 0) > 1
    return EncodedQuestions(examples, windows, frame, has_types, encoder.padding, notes)
