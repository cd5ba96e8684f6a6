"""The model: a linear head over an encoder, and exactly one prediction for every word."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from halluc.config.evaluation import Decoding
from halluc.config.models import ModelConfig
from halluc.core.errors import environment_error
from halluc.core.examples import Corpus
from halluc.core.labels import read_spans, scheme_of, tag_set, write_tags
from halluc.data.predictions import Stated
from halluc.data.statistics import counted
from halluc.task import AnnotatedPrediction
from halluc.tasks.encoders import Encoder, load_encoder, room, special_pieces, word_pieces
from halluc.tasks.label_names import named_tags, told_of_foreign
from halluc.tasks.losses import UNLABELLED, Loss, class_weights
from halluc.tasks.token_classification.annotation import annotated_tags
from halluc.tasks.token_classification.config import TokenClassificationConfig
from halluc.tasks.token_classification.encoding import EncodedTokens, Window, windows_of
from halluc.tasks.token_classification.examples import TagPrediction
from halluc.tasks.token_classification.tagged_sentence import Tagged

if TYPE_CHECKING:
    import numpy
    import torch

    from halluc.engine.batching import Batch
    from halluc.engine.runtime import Runtime
# How many words' scores are in memory in double precision.
_WORDS_AT_ONCE = 1 << 16


class Tagger:
    """A linear head over an encoder: a tag for every word."""

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

    def __init__(self, config: TokenClassificationConfig) -> None:
        self.config = config

    def build(
        self, config: ModelConfig, labels: Sequence[str], attention: str, texts: Iterable[Sequence[str]] = ()
    ) -> Encoder:
        tags = tag_set(labels)
        return load_encoder(
            "AutoModelForTokenClassification",
            config,
            attention,
            texts,
            id2label=dict(enumerate(tags)),
            label2id={tag: index for index, tag in enumerate(tags)},
        )

    def restore(self, config: ModelConfig, names: Mapping[str, str | None], attention: str) -> Encoder:
        """A token classifier with tags in any scheme, or with plain labels.

        Raises:
            HallucError C203: a name for a label that the model does not have.
        """
        encoder = load_encoder("AutoModelForTokenClassification", config, attention)
        return replace(encoder, outputs=named_tags(encoder.outputs, names))

    def encode(self, examples: Sequence[Tagged], encoder: Encoder) -> EncodedTokens:
        """Pieces, windows and targets. A label that the model does not know has no target: it is left out of the loss
        and counted, and the metrics count it as missed."""
        before, behind = special_pieces(encoder.tokenizer)
        space = room(encoder.tokenizer, encoder.model.config) - len(before) - len(behind)
        if space < 1:
            raise environment_error(
                "E411", "the tokenizer's `model_max_length` leaves no room for words", "mend its tokenizer_config.json"
            )
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
            targets.append([tag_ids.get(tag, UNLABELLED) for tag in write_tags(len(example.tokens), example.spans)])
            notes["unknown_label_tokens"] += targets[-1].count(UNLABELLED)
        return EncodedTokens(
            examples,
            windows,
            targets,
            encoder.outputs,
            encoder.padding,
            notes,
            loss_of_tags(targets, encoder.outputs, self.config),
        )

    def decoding(self, outputs: Sequence[str], asked: Decoding) -> Decoding | None:
        """Constrained decoding needs a tag scheme."""
        return asked if scheme_of(outputs) else "argmax"

    def predict(
        self, model: torch.nn.Module, encoded: EncodedTokens, budget: int, runtime: Runtime, decoding: Decoding | None
    ) -> list[TagPrediction]:
        from halluc.engine.inference import forward

        return self.decode(encoded, forward(model, encoded, budget, runtime), decoding or "argmax")

    def annotated(
        self, model: torch.nn.Module, encoded: EncodedTokens, budget: int, runtime: Runtime, decoding: Decoding | None
    ) -> list[AnnotatedPrediction]:
        """Predictions, and the probability of the annotated tags: of the least probable one."""
        from halluc.engine.inference import forward

        outputs = list(forward(model, encoded, budget, runtime))
        made = self.decode(encoded, outputs, decoding or "argmax")
        return annotated_tags(encoded.targets, made, _scores_of_words(encoded, outputs))

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

    def imported(self, examples: Sequence[Tagged], stated: Sequence[Stated]) -> list[TagPrediction]:
        found = []
        for example, one in zip(examples, stated, strict=True):
            spans = one.example.spans
            found.append(
                TagPrediction(
                    example.id,
                    tuple(write_tags(len(example.tokens), spans) if one.tags is None else one.tags),
                    spans,
                    one.confidences,
                )
            )
        return found

    def findings(self, corpus: Corpus[Tagged], notes: Mapping[str, int], outputs: Sequence[str]) -> Iterator[str]:
        yield f"{counted(len(corpus), 'sentences')}, {counted(notes['words'], 'words')}, each with one prediction"
        yield from (counted(notes[note], told) for note, told in self.notes.items() if notes[note])
        known = {span.label for example in corpus for span in example.spans}
        if not known:
            yield "no gold mention: entity figures are 0 by convention"
        yield from told_of_foreign(
            (tag[2:] for tag in outputs if tag != "O"),
            sorted({span.label for example in corpus for span in example.spans}),
        )


def loss_of_tags(targets: Sequence[Sequence[int]], outputs: Sequence[str], config: TokenClassificationConfig) -> Loss:
    """Tags of one label, as B- and I-, share its weight; what belongs to no label has that of ``O``."""
    classes = [tag[2:] or "O" for tag in outputs]
    return Loss.of(
        config,
        class_weights(
            config, classes, ((classes[tag],) for of_example in targets for tag in of_example if tag != UNLABELLED)
        ),
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
        found.append(
            TagPrediction(
                example.id, tuple(tags), spans, confidences, tuple(scores[place] for place in places), claimed
            )
        )
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
