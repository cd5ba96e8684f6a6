"""Token classification: a linear head over an encoder, and exactly one prediction for every word."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

from pydantic import Field

from halluc.config.schema import ModelConfig, Section
from halluc.core.claims import Claim
from halluc.core.edits import Editable
from halluc.core.errors import HallucError, did_you_mean, environment_error
from halluc.core.examples import Corpus, Origin, Span, Tagged, surface
from halluc.core.labels import UnknownTag, read_spans, split_tag, tag_set, write_tags
from halluc.data.writers import as_record

if TYPE_CHECKING:
    import numpy
    import torch

    from halluc.engine.batching import Batch
    from halluc.tasks.encoders import Encoder

# What the loss leaves out: padding, special pieces, and all but the first piece of a word (Devlin et al. 2019).
UNLABELLED = -100


class TokenClassificationConfig(Section):
    type: Literal["token_classification"]
    label_smoothing: float = Field(default=0.0, ge=0, lt=1, description="share of the target spread over all tags")


@dataclass(frozen=True, slots=True)
class TagPrediction:
    """What the model says of one example: a raw tag a word, and the spans that conlleval's reading makes of them.

    ``confidences`` has one entry a span: the geometric mean of the probabilities of its tags (DEFINITIONS, 3);
    ``scores`` the logits behind it, (tokens of the span, tags), for who wants to calibrate them.
    """

    id: str
    tags: tuple[str, ...]
    spans: tuple[Span, ...]
    confidences: tuple[float, ...]
    scores: tuple[numpy.ndarray, ...] = ()


class Window(NamedTuple):
    """A run of words that fits the model. ``first`` is the position of each word's first piece in ``pieces``."""

    example: int
    start: int
    pieces: tuple[int, ...]
    first: tuple[int, ...]


class TokenClassification:
    """Labels spans of tokens: named-entity recognition and its kin."""

    name: ClassVar[str] = "token_classification"
    primary: ClassVar[str] = "entity_f1"
    scores: ClassVar[str] = "tagging"
    detectors: ClassVar[tuple[str, ...]] = ("gold_spans",)
    Config: ClassVar[type[Section]] = TokenClassificationConfig

    def __init__(self, config: TokenClassificationConfig) -> None:
        self.config = config

    def labels(self, corpus: Corpus[Tagged]) -> tuple[str, ...]:
        return tuple(sorted({span.label for example in corpus for span in example.spans}))

    def build(self, config: ModelConfig, labels: Sequence[str], attention: str) -> Encoder:
        from halluc.tasks.encoders import load_encoder

        tags = tag_set(labels)
        names = {"id2label": dict(enumerate(tags)), "label2id": {tag: index for index, tag in enumerate(tags)}}
        return load_encoder("AutoModelForTokenClassification", config, attention, **names)

    def restore(self, config: ModelConfig, names: Mapping[str, str | None], attention: str) -> Encoder:
        """A token classifier with tags in any scheme, or with plain labels.

        Raises:
            HallucError C203: a name for a label that the model does not have.
        """
        from halluc.tasks.encoders import load_encoder

        encoder = load_encoder("AutoModelForTokenClassification", config, attention)
        return replace(encoder, outputs=_renamed(encoder.outputs, names))

    def encode(self, examples: Sequence[Tagged], encoder: Encoder) -> EncodedTokens:
        """Pieces, windows and targets. A label that the model does not know has no target: it is left out of the loss
        and counted, and the metrics count it as missed."""
        from halluc.tasks.encoders import room, special_pieces, word_pieces

        before, behind = special_pieces(encoder.tokenizer)
        space = room(encoder.tokenizer, encoder.model.config) - len(before) - len(behind)
        if space < 1:
            message = "the tokenizer's `model_max_length` leaves no room for words"
            raise environment_error("E411", message, "mend its tokenizer_config.json")
        unknown = encoder.tokenizer.unk_token_id
        words, dropped = word_pieces(encoder.tokenizer, [example.tokens for example in examples])
        windows: list[Window] = []
        notes = {"words": sum(map(len, words)), "dropped_words": dropped, "unknown_words": 0, "cut_words": 0}
        notes |= {"windowed_sentences": 0, "windows": 0, "unknown_label_tokens": 0}
        for index, sentence in enumerate(words):
            notes["unknown_words"] += sum(pieces == [unknown] for pieces in sentence)
            notes["cut_words"] += sum(len(pieces) > max(1, space // 4) for pieces in sentence)
            made = list(_windows(index, sentence, space, before, behind))
            notes["windowed_sentences"] += len(made) > 1
            windows += made
        notes["windows"] = len(windows)
        tag_ids = {tag: index for index, tag in reversed(list(enumerate(encoder.outputs)))}
        targets = []
        for example in examples:
            gold = write_tags(len(example.tokens), example.spans)
            targets.append([tag_ids.get(tag, UNLABELLED) for tag in gold])
            notes["unknown_label_tokens"] += targets[-1].count(UNLABELLED)
        pad = encoder.tokenizer.pad_token_id or 0
        return EncodedTokens(examples, windows, targets, encoder.outputs, pad, notes, self.config.label_smoothing)

    def decode(
        self, encoded: EncodedTokens, outputs: Iterable[tuple[Batch, torch.Tensor]]
    ) -> list[TagPrediction]:  # fmt: skip
        """The most probable tag of every word, from the window that shows most of the words around it.

        Raises:
            RuntimeError: a word without a prediction, which would be a bug.
        """
        import numpy

        classes = len(encoded.outputs)
        logits = [numpy.zeros((len(example.tokens), classes), dtype=numpy.float32) for example in encoded.examples]
        context = [numpy.full(len(example.tokens), -1, dtype=numpy.int64) for example in encoded.examples]
        for batch, scores in outputs:
            table = scores.numpy()
            for row, index in enumerate(batch.indexes):
                window = encoded.windows[index]
                first = numpy.asarray(window.first)
                inside = slice(window.start, window.start + len(first))
                seen = numpy.minimum(first, len(window.pieces) - first)
                better = seen > context[window.example][inside]
                context[window.example][inside][better] = seen[better]
                logits[window.example][inside][better] = table[row, first][better]
        if any((numbers < 0).any() for numbers in context):
            raise RuntimeError("a word has no prediction")
        return [
            _prediction(example.id, rows, encoded.outputs, encoded.is_iob)
            for example, rows in zip(encoded.examples, logits, strict=True)
        ]

    def claims(self, example: Tagged, prediction: TagPrediction) -> tuple[Claim, ...]:
        """Each predicted span with its label is one claim."""
        spans = zip(prediction.spans, prediction.confidences, strict=True)
        return tuple(_claim(example, span, confidence) for span, confidence in spans)

    def editable(self, example: Tagged) -> Editable:
        """Tokens and spans; no label depends on anything else, so nothing is locked."""
        return Editable(example.tokens, example.spans)

    def rebuild(self, example: Tagged, edited: Editable, identity: str, origin: Origin) -> Tagged:
        return Tagged(identity, origin, edited.tokens, edited.spans)

    def record(self, example: Tagged) -> dict[str, Any]:
        return as_record(example)

    def gold(self, example: Tagged) -> tuple[Claim, ...]:
        """What the annotation says, in the form of claims."""
        return tuple(_claim(example, span) for span in example.spans)


def _claim(example: Tagged, span: Span, confidence: float | None = None) -> Claim:
    return Claim(example.id, "span", surface(example.tokens, span), span, span.label, confidence)


def _renamed(outputs: Sequence[str], names: Mapping[str, str | None]) -> tuple[str, ...]:
    """The tags behind a model's outputs, labels renamed; an output without a prefix is read as an inside tag."""
    parsed = []
    for name in outputs:
        try:
            parsed.append(split_tag(name))
        except UnknownTag:
            parsed.append(("I", name))
    known = sorted({label for _, label in parsed if label})
    for label in names:
        if label not in known:
            near = did_you_mean(label, known)
            help = f"did you mean `{near}`?" if near else f"it has {', '.join(known)}"
            raise HallucError("C203", f"`eval.labels`: the model has no label `{label}`", help=help)
    renamed = [(prefix, names.get(label, label)) for prefix, label in parsed]
    return tuple(f"{prefix}-{label}" if label else "O" for prefix, label in renamed)


def _prediction(identity: str, logits: numpy.ndarray, outputs: Sequence[str], is_iob: bool) -> TagPrediction:
    """The best tag of each row of ``logits``, (words, tags), and what follows from it."""
    import numpy

    peaks = logits.max(-1, keepdims=True)
    # log softmax of the best tag: its logit less the logarithm of the sum of exponentials
    certainty = -numpy.log(numpy.exp(logits - peaks, dtype=numpy.float64).sum(-1))
    tags: Sequence[str] = [outputs[number] for number in logits.argmax(-1).tolist()]
    spans = read_spans(tags)
    if not is_iob:  # BIOES, BMES, or labels without B-: its spans are what the model says
        tags = write_tags(len(tags), spans)
    confidences = tuple(math.exp(float(certainty[span.start : span.end].mean())) for span in spans)
    scores = tuple(logits[span.start : span.end] for span in spans)
    return TagPrediction(identity, tuple(tags), spans, confidences, scores)


def _windows(
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
    """Windows of word pieces with a target at each word's first piece. Sizes are counted in word pieces."""

    examples: Sequence[Tagged]
    windows: list[Window]
    targets: list[list[int]]
    outputs: tuple[str, ...]
    pad: int
    notes: dict[str, int]
    label_smoothing: float = 0.0
    is_iob: bool = field(init=False)
    lengths: list[int] = field(init=False)
    weights: list[int] = field(init=False)

    def __post_init__(self) -> None:
        prefixes = {output[0] for output in self.outputs}
        self.is_iob = "B" in prefixes and prefixes <= set("BIO")
        self.lengths = [len(window.pieces) for window in self.windows]
        self.weights = [
            sum(target != UNLABELLED for target in self.targets[w.example][w.start : w.start + len(w.first)])
            for w in self.windows
        ]

    def collate(self, indexes: Sequence[int]) -> Batch:
        """``input_ids``, ``attention_mask`` and labels, each (windows, longest window)."""
        import torch

        from halluc.engine.batching import Batch

        windows = [self.windows[index] for index in indexes]
        shape = (len(windows), max(len(window.pieces) for window in windows))
        ids = torch.full(shape, self.pad, dtype=torch.long)
        mask = torch.zeros(shape, dtype=torch.long)
        labels = torch.full(shape, UNLABELLED, dtype=torch.long)
        for row, window in enumerate(windows):
            ids[row, : len(window.pieces)] = torch.tensor(window.pieces)
            mask[row, : len(window.pieces)] = 1
            targets = self.targets[window.example][window.start : window.start + len(window.first)]
            labels[row, list(window.first)] = torch.tensor(targets)
        weight = sum(self.weights[index] for index in indexes)
        return Batch({"input_ids": ids, "attention_mask": mask}, labels, tuple(indexes), weight)

    def loss(self, outputs: Any, batch: Batch) -> torch.Tensor:
        """Cross-entropy summed over labelled tokens."""
        import torch

        logits = outputs.logits
        return torch.nn.functional.cross_entropy(
            logits.view(-1, logits.shape[-1]).float(),
            batch.labels.view(-1),
            ignore_index=UNLABELLED,
            reduction="sum",
            label_smoothing=self.label_smoothing,
        )

    def ids(self, indexes: Sequence[int]) -> list[str]:
        return [self.examples[self.windows[index].example].id for index in indexes]
