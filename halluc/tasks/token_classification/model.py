"""The model: a linear head or a CRF on an encoder, with exactly one tag for every word."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar

from halluc.config.evaluation import Decoding
from halluc.config.models import ModelConfig
from halluc.config.training import TrainConfig
from halluc.core.decision_scores import DecisionScores
from halluc.core.errors import HallucError
from halluc.core.examples import Corpus
from halluc.core.labels import scheme_of, tag_set, write_tags
from halluc.core.packed import Packed, Ragged
from halluc.core.quantities import quantity
from halluc.data.predictions import ExternalPrediction
from halluc.engine.exported import ExportedModel
from halluc.engine.references import resolve_model
from halluc.task import AnnotatedPrediction
from halluc.tasks.encoders import Encoder, load_encoder, max_pieces, remaining_pieces, special_pieces, word_pieces
from halluc.tasks.label_names import foreign_label_notes, output_tags
from halluc.tasks.losses import UNLABELLED, Loss, class_weights
from halluc.tasks.mention_masking import MentionMasking
from halluc.tasks.token_classification.border_smoothing import alternatives
from halluc.tasks.token_classification.config import TokenClassificationConfig
from halluc.tasks.token_classification.consistency import consistent
from halluc.tasks.token_classification.decoding import (
    annotated_tags,
    decided,
    decode_chains,
    odds_of_words,
    scores_of_words,
    split_by_example,
)
from halluc.tasks.token_classification.encoding import EncodedTokens, Windows, rows_of, windows_of
from halluc.tasks.token_classification.examples import TagPrediction
from halluc.tasks.token_classification.gazetteer import (
    GAZETTEER,
    Gazetteer,
    MarkedNames,
    contradictions,
    labels_of,
    refuse_untrained,
    store_setting,
    stored_setting,
)
from halluc.tasks.token_classification.tagged_sentence import Tagged
from halluc.tasks.token_classification.viterbi import SavedChain, Transitions
from halluc.tasks.token_classification.word_features import CASING, WordFeatures, casing_of, has_casing, width_of

if TYPE_CHECKING:
    import torch

    from halluc.engine.batching import Outputs
    from halluc.engine.runtime import Runtime
    from halluc.tasks.token_classification.crf import LinearChain


# The number of sentences that are split into word pieces at a time.
_CHUNK = 10_000


class Tagger:
    """A linear head or a CRF on an encoder: a tag for every word."""

    notes: ClassVar[Mapping[str, str]] = {
        "windowed_sentences": "sentences longer than the model's limit, split into overlapping windows",
        "cut_words": "very long words truncated to the first pieces",
        "dropped_words": "words without word pieces, read as the unknown piece",
        "unknown_label_tokens": "tokens with a label that the model cannot predict: counted as missed",
        "constrained_words": "words whose most probable tag would be invalid in its sentence: another one was decoded",
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
        self._gazetteer: Gazetteer | None = None

    def build(
        self, config: ModelConfig, labels: Sequence[str], attention: str | None, texts: Iterable[Sequence[str]] = ()
    ) -> Encoder:
        tags = tag_set(labels)
        encoder = load_encoder("AutoModelForTokenClassification", config, attention, texts, labels=tags)
        # A published model is restored with these settings (``settings_of``).
        settings = encoder.model.config
        if self.config.context is not None:
            store_setting(settings, "context", self.config.context)
        if self.config.head == "crf":
            store_setting(settings, "head", "crf")
            self._attach_crf(encoder)
        if self.config.gazetteer is not None:
            store_setting(settings, GAZETTEER, list(labels))
        if self.config.casing:
            store_setting(settings, CASING, True)
        if width := width_of(settings):
            from halluc.engine import added_features

            added_features.attach(encoder.model, width)
        return encoder

    def restore(self, config: ModelConfig, names: Mapping[str, str | None], attention: str | None) -> Encoder:
        """A token classifier with tags in any scheme, or with plain labels.

        Raises:
            HallucError C203: the model does not have a named label. E411: weights of the CRF or of word features are
                missing.
        """
        encoder = load_encoder("AutoModelForTokenClassification", config, attention)
        assert config.name is not None, "a trained model has a name"
        source, is_exported = resolve_model(config.name), isinstance(encoder.model, ExportedModel)
        if stored_setting(encoder.model.config, "head") == "crf":
            if is_exported:
                encoder.model.crf = SavedChain.read(source, encoder.outputs)
            else:
                self._attach_crf(encoder).read(source)
        if (width := width_of(encoder.model.config)) and not is_exported:  # an export has the matrix in its graph
            from halluc.engine import added_features

            added_features.load(encoder.model, width, source)
        return replace(encoder, outputs=output_tags(encoder.outputs, names))

    def _attach_crf(self, encoder: Encoder) -> LinearChain:
        """Add a CRF over the tags, which is trained with the model but ignored by transformers when it saves it."""
        from halluc.tasks.token_classification.crf import LinearChain

        model, chain = encoder.model, LinearChain(encoder.outputs)
        model.crf = chain
        own = (f"crf.{name}" for name in Transitions._fields)
        model._keys_to_ignore_on_save = {*(model._keys_to_ignore_on_save or ()), *own}
        return chain

    def outputs_of(self, labels: Sequence[str]) -> tuple[str, ...]:
        return tuple(tag_set(labels))

    def encode(self, examples: Sequence[Tagged], encoder: Encoder) -> EncodedTokens:
        """Pieces, windows and targets. A label that the model does not have has no target: the loss ignores it, and
        metrics count it as missed."""
        before, after = special_pieces(encoder.tokenizer)
        limit = max_pieces(encoder.tokenizer, encoder.model.config)
        space = remaining_pieces(1, self._piece_limit(limit), len(before) + len(after))
        unknown = encoder.tokenizer.unk_token_id
        is_mapped = isinstance(examples, Packed)
        windows = Windows(max(encoder.tokenizer.get_vocab().values(), default=0), is_mapped=is_mapped)
        notes = {"words": 0, "dropped_words": 0, "unknown_words": 0, "cut_words": 0}
        notes |= {"windowed_sentences": 0, "windows": 0, "unknown_label_tokens": 0}
        notes["constrained_words"] = 0  # counted by ``decode``
        # Windows with several sentences need all sentences at once.
        chunk = _CHUNK if self.config.context is None else max(1, len(examples))
        reading = iter(examples)  # an iterator evicts the pages that it has read, unlike slices
        for begin in range(0, len(examples), chunk):
            words, dropped = word_pieces(encoder.tokenizer, [e.tokens for e in islice(reading, chunk)])
            notes["words"] += sum(map(len, words))
            notes["dropped_words"] += dropped
            for index, sentence in enumerate(words, begin):
                notes["unknown_words"] += sum(pieces == [unknown] for pieces in sentence)
                notes["cut_words"] += sum(len(pieces) > max(1, space // 4) for pieces in sentence)
                if self.config.context is None:
                    windows.extend(windows_of(index, sentence, space, before, after))
            if self.config.context is not None:
                windows.extend(rows_of(examples, words, space, before, after))
                notes["windowed_documents"] = sum(len(w.first) > len(words[w.example]) for w in windows)
        notes["windowed_sentences"] = len(windows.split_examples())
        notes["windows"] = len(windows)
        tag_ids = {tag: index for index, tag in reversed(list(enumerate(encoder.outputs)))}
        smoothing = self.config.border_smoothing
        targets = Ragged(most=max(-UNLABELLED, len(tag_ids)), is_mapped=is_mapped)
        for example in examples:
            targets.append([tag_ids.get(tag, UNLABELLED) for tag in write_tags(len(example.tokens), example.spans)])
        notes["unknown_label_tokens"] = targets.values.count(UNLABELLED)
        names = self._marked_names(examples, encoder)
        if names is not None:
            notes["gazetteer_names"] = names.count
        return EncodedTokens(
            examples,
            windows,
            targets,
            encoder.outputs,
            encoder.padding,
            notes,
            loss_of_tags(targets, encoder.outputs, self.config),
            len(after),
            MentionMasking.of(self.config, encoder.tokenizer),
            [alternatives(e.spans, t, tag_ids, smoothing) for e, t in zip(examples, targets, strict=True)]
            if smoothing
            else (),
            getattr(encoder.model, "crf", None),
            self._word_features(examples, names, encoder.model),
        )

    def refuse_training(self, model: ModelConfig, train: TrainConfig) -> None:
        """
        Raises:
            HallucError C221: a key of ``model`` or ``train`` cannot be combined with one of the task.
        """
        requested = {"train.r_drop": train.r_drop, "train.teacher": train.teacher, "model.lora": model.lora}
        own, keys = "task.head: crf", tuple(requested)
        if self.config.head != "crf":
            own = "task.casing" if self.config.gazetteer is None else "task.gazetteer"
            keys = ("model.lora",) if self.config.casing or self.config.gazetteer is not None else ()
        key = next((key for key in keys if requested[key]), None)
        if key is not None:
            raise HallucError("C221", f"`{key}` cannot be combined with `{own}`", help="remove one of them")

    def training_warnings(self, corpus: Corpus[Tagged], labels: Sequence[str]) -> Iterator[str]:
        """Warn if the gazetteer contradicts the training split.

        Raises:
            HallucError: as ``read_gazetteer``.
        """
        if self.config.gazetteer is not None:
            gazetteer = Gazetteer.read(self.config.gazetteer.files, labels, "the training split")
            yield from contradictions(gazetteer, corpus)

    def _marked_names(self, examples: Sequence[Tagged], encoder: Encoder) -> MarkedNames | None:
        """The names in the examples; None without a gazetteer, whose files are read only once."""
        if self.config.gazetteer is None:
            return None
        labels = labels_of(encoder.model.config)
        refuse_untrained(labels)
        if self._gazetteer is None or self._gazetteer.labels != labels:
            self._gazetteer = Gazetteer.read(self.config.gazetteer.files, labels, "the model")
        return MarkedNames([self._gazetteer.matches(example.tokens) for example in examples], len(labels))

    def _word_features(self, examples: Sequence[Tagged], names: MarkedNames | None, model: Any) -> WordFeatures | None:
        """Input features of words besides their pieces; None if there are none."""
        settings = model.config
        is_cased = has_casing(settings)
        is_required = isinstance(model, ExportedModel) and width_of(settings) > 0
        if names is None and not is_cased and not is_required:
            return None
        casing = [casing_of(word) for example in examples for word in example.tokens] if is_cased else None
        dropout = self.config.gazetteer.dropout if self.config.gazetteer else 0.0
        return WordFeatures(len(labels_of(settings)), names, casing, dropout)

    def _piece_limit(self, limit: int) -> int:
        """The maximum number of pieces of a window, including special ones, for a model with this ``limit``.

        Raises:
            HallucError C202: the configured maximum is larger.
        """
        requested = self.config.context
        if requested is not None and requested > limit:
            help = f"set `task.context: {limit}`, or use a model with a longer context"
            raise HallucError(
                "C202", f"`task.context: {requested}` is more than the {limit} pieces of this model", help=help
            )
        return limit if requested is None else requested

    def decoding(self, outputs: Sequence[str], requested: Decoding) -> Decoding | None:
        """Constrained decoding needs a tag scheme."""
        return requested if scheme_of(outputs) else "argmax"

    def predict(
        self, model: torch.nn.Module, encoded: EncodedTokens, budget: int, runtime: Runtime, decoding: Decoding | None
    ) -> list[TagPrediction]:
        from halluc.engine.inference import forward

        return self.decode(encoded, forward(model, encoded, budget, runtime), decoding)

    def annotated(
        self, model: torch.nn.Module, encoded: EncodedTokens, budget: int, runtime: Runtime, decoding: Decoding | None
    ) -> list[AnnotatedPrediction]:
        """Predictions, with the probability of the annotated tags: the minimum over the tags."""
        from halluc.engine.inference import forward

        outputs = list(forward(model, encoded, budget, runtime))
        predictions = self.decode(encoded, outputs, decoding or "argmax")
        return annotated_tags(encoded.targets, predictions, odds_of_words(encoded, outputs))

    def decode(
        self, encoded: EncodedTokens, outputs: Outputs, decoding: Decoding | None = "constrained"
    ) -> list[TagPrediction]:
        """A tag for every word: see ``decoding.decided`` and ``decoding.decode_chains``."""
        scores = scores_of_words(encoded, outputs)
        if encoded.crf is not None:
            return decode_chains(encoded, encoded.crf, scores, decoding)
        return decided(encoded, split_by_example(encoded, scores), decoding)

    def scored(
        self, model: torch.nn.Module, encoded: EncodedTokens, budget: int, runtime: Runtime
    ) -> DecisionScores:  # fmt: skip
        """A row of logits for every word, from the window with the most context around it; for a CRF the log marginals,
        so that they can be averaged."""
        from halluc.engine.inference import forward

        return split_by_example(encoded, odds_of_words(encoded, forward(model, encoded, budget, runtime)))

    def decided(
        self, encoded: EncodedTokens, scored: DecisionScores, decoding: Decoding | None
    ) -> list[TagPrediction]:  # fmt: skip
        """A tag for every word: see ``decoding.decided``."""
        return decided(encoded, scored, decoding)

    def consistent(
        self, examples: Sequence[Tagged], predictions: Sequence[TagPrediction], outputs: Sequence[str]
    ) -> list[TagPrediction]:
        """All mentions of a surface in a document get the same label: see ``consistency``."""
        if not any(example.origin.document for example in examples):
            return list(predictions)  # a file without documents is not a single document
        return consistent(examples, predictions, outputs)

    def imported(self, examples: Sequence[Tagged], imported: Sequence[ExternalPrediction]) -> list[TagPrediction]:
        predictions = []
        for example, one in zip(examples, imported, strict=True):
            spans = one.example.spans
            tags = write_tags(len(example.tokens), spans) if one.tags is None else one.tags
            predictions.append(TagPrediction(example.id, tuple(tags), spans, one.confidences))
        return predictions

    def findings(self, corpus: Corpus[Tagged], notes: Mapping[str, int], outputs: Sequence[str]) -> Iterator[str]:
        yield f"{quantity(len(corpus), 'sentences')}, {quantity(notes['words'], 'words')}, each with one prediction"
        yield from (quantity(notes[note], text) for note, text in self.notes.items() if notes[note])
        if names := notes.get("gazetteer_names"):
            yield quantity(names, "names of the gazetteer, marked in the input")
        if rows := notes.get("windowed_documents"):
            yield quantity(rows, "inputs with several consecutive sentences of a document")
        known = {span.label for example in corpus for span in example.spans}
        if not known:
            yield "no gold mention: entity figures are 0 by convention"
        yield from foreign_label_notes((tag[2:] for tag in outputs if tag != "O"), known)


def loss_of_tags(targets: Sequence[Sequence[int]], outputs: Sequence[str], config: TokenClassificationConfig) -> Loss:
    """Tags with the same label, such as B- and I-, have its weight; tags without a label have that of ``O``."""
    classes = [tag[2:] or "O" for tag in outputs]
    gold = ((classes[tag],) for of_example in targets for tag in of_example if tag != UNLABELLED)
    return Loss.of(config, class_weights(config, classes, gold))
