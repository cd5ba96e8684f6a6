"""Token classification: a linear head over an encoder, and exactly one prediction for every word."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from halluc.config.schema import Decoding, ModelConfig, Section
from halluc.core.claims import Claim, rounded
from halluc.core.edits import Editable
from halluc.core.errors import environment_error
from halluc.core.examples import Corpus, Origin, Span, Tagged, surface
from halluc.core.labels import read_spans, scheme_of, tag_set, write_tags
from halluc.data.inputs import InputText
from halluc.data.joining import Stated
from halluc.data.rows.references import SplitName
from halluc.data.statistics import SENTENCES, Words, counted
from halluc.gap.coverage import Coverage
from halluc.gap.knowledge import Knowledge
from halluc.gap.matching import BY_MENTIONS, Strata
from halluc.gap.units import WithheldUnits
from halluc.runs.schema import PredictedClaim, PredictedText, SpanPrediction
from halluc.task import Asserted
from halluc.tasks.label_names import named_tags, told_of_foreign
from halluc.tasks.losses import UNLABELLED, Loss, LossConfig, class_weights
from halluc.tasks.token_classification.encoding import EncodedTokens, Window, windows_of
from halluc.tasks.token_classification.writers import as_record

if TYPE_CHECKING:
    import numpy
    import torch

    from halluc.engine.batching import Batch
    from halluc.tasks.encoders import Encoder

# How many words' scores are in memory in double precision.
_WORDS_AT_ONCE = 1 << 16


class TokenClassificationConfig(LossConfig):
    type: Literal["token_classification"]


@dataclass(frozen=True, slots=True)
class TagPrediction:
    """What the model says of one example: a raw tag a word, and the spans that conlleval's reading makes of them.

    ``confidences`` has one entry a span: the geometric mean of the probabilities of its tags (DEFINITIONS, 3); None
    where another tool states none; ``scores`` the logits behind it, (tokens of the span, tags), for who wants to
    calibrate them, and ``claimed`` the place of each token's own tag among them, for all rows of ``scores``: it need
    not be that of the largest.
    """

    id: str
    tags: tuple[str, ...]
    spans: tuple[Span, ...]
    confidences: tuple[float | None, ...]
    scores: tuple[numpy.ndarray, ...] = ()
    claimed: tuple[int, ...] = ()


class TokenClassification:
    """Labels spans of tokens: named-entity recognition and its kin."""

    name: ClassVar[str] = "token_classification"
    primary: ClassVar[str] = "entity_f1"
    scores: ClassVar[str] = "tagging"
    detectors: ClassVar[tuple[str, ...]] = ("gold_spans",)
    head: ClassVar[str] = "ForTokenClassification"
    noun: ClassVar[str] = SENTENCES.examples
    words: ClassVar[Words] = SENTENCES
    notes: ClassVar[Mapping[str, str]] = {
        "windowed_sentences": "sentences longer than the model's limit, read in overlapping windows",
        "cut_words": "very long words cut to the first pieces",
        "dropped_words": "words that the tokenizer drops, read as the unknown piece",
        "unknown_label_tokens": "tokens with a label that the model does not know: counted as missed",
        "constrained_words": "words whose most probable tag would be illegal in its sentence: another was decoded",
    }
    gold_notes: ClassVar[frozenset[str]] = frozenset({"unknown_label_tokens"})
    columns: ClassVar[Mapping[str, str]] = {
        "words": "words",
        "windowed_sentences": "windowed sentences",
        "windows": "windows",
        "longest": "longest",
        "cut_words": "cut",
        "dropped_words": "dropped",
        "unknown_words": "unknown",
    }
    formats: ClassVar[tuple[str, ...]] = ("jsonl", "conll")
    units: ClassVar[tuple[str, ...]] = ("mention", "label", "example")
    covers: ClassVar[tuple[SplitName, ...]] = ("train",)
    takes_pairs: ClassVar[bool] = False
    shows: ClassVar[Literal["mentions", "words"]] = "mentions"
    Config: ClassVar[type[Section]] = TokenClassificationConfig

    def __init__(self, config: TokenClassificationConfig) -> None:
        self.config = config

    @classmethod
    def settings_of(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        return {}

    def labels(self, corpus: Corpus[Tagged]) -> tuple[str, ...]:
        return tuple(sorted({span.label for example in corpus for span in example.spans}))

    def classes(self, corpus: Corpus[Tagged]) -> tuple[str, ...]:
        return ("O", *self.labels(corpus))

    def lacks(self, corpus: Corpus[Tagged]) -> str | None:
        return None if any(example.spans for example in corpus) else "no mention"

    def strata(self, examples: Sequence[Tagged]) -> Strata:
        return BY_MENTIONS

    def coverage(self, splits: Mapping[SplitName, Corpus[Tagged]]) -> Coverage:
        return Coverage.of(splits["train"])

    def read_coverage(self, path: Path) -> Coverage:
        return Coverage.load(path)

    def knowledge(self, coverage: Coverage, withheld: WithheldUnits | None) -> Knowledge:
        return Knowledge(coverage, withheld)

    def build(
        self, config: ModelConfig, labels: Sequence[str], attention: str, texts: Iterable[Sequence[str]] = ()
    ) -> Encoder:
        from halluc.tasks.encoders import load_encoder

        tags = tag_set(labels)
        names = {"id2label": dict(enumerate(tags)), "label2id": {tag: index for index, tag in enumerate(tags)}}
        return load_encoder("AutoModelForTokenClassification", config, attention, texts, **names)

    def restore(self, config: ModelConfig, names: Mapping[str, str | None], attention: str) -> Encoder:
        """A token classifier with tags in any scheme, or with plain labels.

        Raises:
            HallucError C203: a name for a label that the model does not have.
        """
        from halluc.tasks.encoders import load_encoder

        encoder = load_encoder("AutoModelForTokenClassification", config, attention)
        return replace(encoder, outputs=named_tags(encoder.outputs, names))

    def decoding(self, outputs: Sequence[str], asked: Decoding) -> Decoding | None:
        """Constrained decoding needs a tag scheme."""
        return asked if scheme_of(outputs) else "argmax"

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
        notes["constrained_words"] = 0  # of ``decode``
        for index, sentence in enumerate(words):
            notes["unknown_words"] += sum(pieces == [unknown] for pieces in sentence)
            notes["cut_words"] += sum(len(pieces) > max(1, space // 4) for pieces in sentence)
            made = list(windows_of(index, sentence, space, before, behind))
            notes["windowed_sentences"] += len(made) > 1
            windows += made
        notes["windows"] = len(windows)
        tag_ids = {tag: index for index, tag in reversed(list(enumerate(encoder.outputs)))}
        targets = []
        for example in examples:
            gold = write_tags(len(example.tokens), example.spans)
            targets.append([tag_ids.get(tag, UNLABELLED) for tag in gold])
            notes["unknown_label_tokens"] += targets[-1].count(UNLABELLED)
        loss = loss_of_tags(targets, encoder.outputs, self.config)
        return EncodedTokens(examples, windows, targets, encoder.outputs, encoder.padding, notes, loss)

    def decode(
        self,
        encoded: EncodedTokens,
        outputs: Iterable[tuple[Batch, torch.Tensor]],
        decoding: Decoding = "constrained",
    ) -> list[TagPrediction]:
        """A tag for every word, by the scores of the window that shows most of the words around it.

        ``constrained``: the most probable legal sequence of tags for each whole sentence; ``argmax``, or where the tags
        fit no scheme: the most probable tag of each word.

        Raises:
            RuntimeError: a word without a prediction, which would be a bug.
        """
        from halluc.tasks.token_classification.viterbi import constrained, transitions

        scores, lengths = _scores_of_words(encoded, outputs), [len(example.tokens) for example in encoded.examples]
        scheme = scheme_of(encoded.outputs)
        likeliest = best = scores.argmax(-1)
        if scheme and decoding == "constrained":
            best = constrained(scores, lengths, transitions(encoded.outputs, scheme))
        encoded.notes["constrained_words"] = int((best != likeliest).sum())
        return _predictions(encoded, lengths, scores, best)

    def predictions_of(self, examples: Sequence[Tagged], stated: Sequence[Stated]) -> list[TagPrediction]:
        found = []
        for example, one in zip(examples, stated, strict=True):
            spans = one.example.spans
            tags = write_tags(len(example.tokens), spans) if one.tags is None else one.tags
            found.append(TagPrediction(example.id, tuple(tags), spans, one.confidences))
        return found

    def told(self, corpus: Corpus[Tagged], notes: Mapping[str, int], outputs: Sequence[str]) -> Iterator[str]:
        yield f"{counted(len(corpus), 'sentences')}, {counted(notes['words'], 'words')}, each with one prediction"
        yield from (counted(notes[note], told) for note, told in self.notes.items() if notes[note])
        if not any(example.spans for example in corpus):
            yield "no gold mention: entity figures are 0 by convention"
        yield from told_of_foreign((tag[2:] for tag in outputs if tag != "O"), self.labels(corpus))

    def line(self, example: Tagged, prediction: TagPrediction) -> SpanPrediction:
        spans = zip(prediction.spans, prediction.confidences, strict=True)
        return SpanPrediction(
            id=example.id,
            tokens=list(example.tokens),
            gold=list(example.spans),
            predicted=[(*span, rounded(confidence)) for span, confidence in spans],
            gold_tags=write_tags(len(example.tokens), example.spans),
            predicted_tags=list(prediction.tags),
        )

    def claims(self, example: Tagged, prediction: TagPrediction) -> tuple[Claim, ...]:
        """Each predicted span with its label is one claim."""
        spans = zip(prediction.spans, prediction.confidences, strict=True)
        return tuple(_claim(example, span, confidence) for span, confidence in spans)

    def trains_on(self, example: Tagged) -> bool:
        return True

    def editable(self, example: Tagged) -> Editable:
        """Tokens and spans; no label depends on anything else, so nothing is locked."""
        return Editable(example.tokens, example.spans)

    def rebuild(self, example: Tagged, edited: Editable, identity: str, origin: Origin) -> Tagged:
        return Tagged(identity, origin, edited.tokens, edited.spans)

    def record(self, example: Tagged) -> dict[str, Any]:
        return as_record(example)

    def labels_of(self, example: Tagged) -> list[str]:
        return [span.label for span in example.spans]

    def gold(self, example: Tagged) -> tuple[Claim, ...]:
        """What the annotation says, in the form of claims."""
        return tuple(_claim(example, span) for span in example.spans)

    def example_of(self, identity: str, origin: Origin, text: InputText) -> Tagged:
        return Tagged(identity, origin, text.tokens, ())

    def record_of(
        self, text: InputText, prediction: TagPrediction | None, asserted: Sequence[Asserted]
    ) -> PredictedText:  # fmt: skip
        spans = [_predicted(text, one) for one in asserted]
        return PredictedText(id=text.id, line=text.line, text=text.text, tokens=list(text.tokens), spans=spans)


def loss_of_tags(targets: Sequence[Sequence[int]], outputs: Sequence[str], config: TokenClassificationConfig) -> Loss:
    """Tags of one label, as B- and I-, share its weight; what belongs to no label has that of ``O``."""
    classes = [tag[2:] or "O" for tag in outputs]
    gold = ((classes[tag],) for of_example in targets for tag in of_example if tag != UNLABELLED)
    return Loss.of(config, class_weights(config, classes, gold))


def _claim(example: Tagged, span: Span, confidence: float | None = None) -> Claim:
    return Claim(example.id, "span", surface(example.tokens, span), span, span.label, confidence)


def _predicted(text: InputText, asserted: Asserted) -> PredictedClaim:
    claim, novelty, confusable, abstained = asserted
    assert claim.where is not None
    assert claim.confidence is not None
    start, end = text.characters(claim.where) or (None, None)
    return PredictedClaim(
        start=claim.where.start,
        end=claim.where.end,
        start_char=start,
        end_char=end,
        text=claim.text if text.text is None else text.text[start:end],
        label=claim.label,
        confidence=round(claim.confidence, 6),
        novelty=novelty,
        confusable=confusable,
        abstained=abstained,
    )


def _scores_of_words(encoded: EncodedTokens, outputs: Iterable[tuple[Batch, torch.Tensor]]) -> numpy.ndarray:
    """Logits (words, tags), the words of all examples one after the other."""
    import numpy

    start = numpy.cumsum([0, *(len(example.tokens) for example in encoded.examples)])
    scores = numpy.zeros((start[-1], len(encoded.outputs)), dtype=numpy.float32)
    context = numpy.full(start[-1], -1, dtype=numpy.int64)
    for batch, logits in outputs:
        table = logits.numpy()
        for row, index in enumerate(batch.indexes):
            window = encoded.windows[index]
            first = numpy.asarray(window.first, dtype=numpy.int64)
            at = start[window.example] + window.start
            inside = slice(at, at + len(first))
            seen = numpy.minimum(first, len(window.pieces) - first)
            better = seen > context[inside]
            context[inside][better] = seen[better]
            scores[inside][better] = table[row, first][better]
    if (context < 0).any():
        raise RuntimeError("a word has no prediction")
    return scores


def _predictions(
    encoded: EncodedTokens, lengths: Sequence[int], scores: numpy.ndarray, best: numpy.ndarray
) -> list[TagPrediction]:
    """What follows from the number ``best`` of each word's tag, (words,), and the logits behind it, (words, tags)."""
    certainty = _log_probabilities(scores, best)
    # A model's IOB2 tags are kept, legal or not; of other schemes, their spans are what the model says.
    keeps_tags = {output[0] for output in encoded.outputs} <= set("BIO") and scheme_of(encoded.outputs) != "iob1"
    numbers, found, start = best.tolist(), [], 0
    for example, length in zip(encoded.examples, lengths, strict=True):
        own = numbers[start : start + length]
        tags: Sequence[str] = [encoded.outputs[number] for number in own]
        spans = read_spans(tags)
        if not keeps_tags:
            tags = write_tags(length, spans)
        places = [slice(start + span.start, start + span.end) for span in spans]
        confidences = tuple(math.exp(float(certainty[place].mean())) for place in places)
        claimed = tuple(number for span in spans for number in own[span.start : span.end])
        parts = tuple(scores[place] for place in places)
        found.append(TagPrediction(example.id, tuple(tags), spans, confidences, parts, claimed))
        start += length
    return found


def _log_probabilities(scores: numpy.ndarray, best: numpy.ndarray) -> numpy.ndarray:
    """The log softmax, (words,), of the tags ``best``, (words,), among their logits, (words, tags)."""
    import numpy

    found = numpy.empty(len(best))
    for start in range(0, len(best), _WORDS_AT_ONCE):
        part = slice(start, start + _WORDS_AT_ONCE)
        odds = scores[part].astype(numpy.float64)
        odds -= numpy.take_along_axis(odds, best[part, None], axis=1)
        peaks = odds.max(-1, keepdims=True)
        found[part] = -peaks[:, 0] - numpy.log(numpy.exp(odds - peaks).sum(-1))
    return found
