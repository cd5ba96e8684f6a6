"""Text classification: a linear head over an encoder; one label a text or several, texts or pairs of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from halluc.config.schema import Decoding, ModelConfig, Section
from halluc.core.claims import Claim, rounded
from halluc.core.edits import Editable
from halluc.core.errors import HallucError
from halluc.core.examples import Corpus, Labelled, Origin, Span
from halluc.core.labels import OUT_OF_SCOPE
from halluc.data.inputs import InputText
from halluc.data.joining import Stated
from halluc.data.rows.references import SplitName
from halluc.data.statistics import LABEL_SETS, TEXTS, Words, counted
from halluc.gap.knowledge import TextKnowledge
from halluc.gap.matching import Strata
from halluc.gap.texts import TextCoverage, by_class_and_length
from halluc.gap.units import WithheldUnits
from halluc.runs.schema import LabelPrediction, PredictedLabel, PredictedLabels
from halluc.task import Asserted
from halluc.tasks.label_names import named_labels, told_of_foreign
from halluc.tasks.text_classification import edits
from halluc.tasks.text_classification.config import TextClassificationConfig
from halluc.tasks.text_classification.decoding import TextPrediction, label_sets, one_label, pooled
from halluc.tasks.text_classification.encoded import EncodedTexts
from halluc.tasks.text_classification.encoding import encode_texts, refuse_labels

if TYPE_CHECKING:
    import torch

    from halluc.engine.batching import Batch
    from halluc.tasks.encoders import Encoder


class TextClassification:
    """Labels texts, or pairs of them: intents, topics, sentiment, and what is out of scope."""

    name: ClassVar[str] = "text_classification"
    # These four are of one label a text; an instance has those of its config.
    primary: str = "accuracy"
    scores: str = "labelling"
    detectors: tuple[str, ...] = ("gold_labels",)
    words: Words = TEXTS
    head: ClassVar[str] = "ForSequenceClassification"
    noun: ClassVar[str] = TEXTS.examples
    notes: ClassVar[Mapping[str, str]] = {
        "windowed_texts": "texts longer than the model's limit, read in overlapping windows whose logits are pooled",
        "cut_texts": "texts longer than the model's limit, of which only a part is read",
        "dropped_words": "words that the tokenizer drops, read as the unknown piece",
        "unknown_label_texts": "texts with a label that the model does not know: it counts as missed",
        "unanswerable_texts": "texts out of scope, for which the model has no output: it claims a label of each",
    }
    gold_notes: ClassVar[frozenset[str]] = frozenset({"unknown_label_texts", "unanswerable_texts"})
    columns: ClassVar[Mapping[str, str]] = {
        "words": "words",
        "windowed_texts": "windowed texts",
        "windows": "windows",
        "longest": "longest",
        "cut_texts": "cut",
        "dropped_words": "dropped",
        "unknown_words": "unknown",
    }
    formats: ClassVar[tuple[str, ...]] = ("jsonl",)
    units: ClassVar[tuple[str, ...]] = ("label", "example", "word")
    covers: ClassVar[tuple[SplitName, ...]] = ("train", "dev")
    takes_pairs: ClassVar[bool] = True
    shows: ClassVar[Literal["mentions", "words"]] = "words"
    Config: ClassVar[type[Section]] = TextClassificationConfig

    def __init__(self, config: TextClassificationConfig) -> None:
        self.config = config
        self._locked = edits.LockedWords(config.locked_words)
        if config.multi_label:
            self.primary, self.scores, self.detectors = "micro_f1", "label_sets", ("gold_label_sets",)
            self.words = LABEL_SETS

    @classmethod
    def settings_of(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        return {"multi_label": config.get("problem_type") == _problem_type(True)}

    def labels(self, corpus: Corpus[Labelled]) -> tuple[str, ...]:
        """The labels, sorted; behind them ``out_of_scope`` where the model is to have an output for it.

        Raises:
            HallucError or ManyErrors D136, D137: labels that the task cannot have.
        """
        refuse_labels(corpus.examples, multi_label=self.config.multi_label)
        found = tuple(sorted({label for example in corpus for label in example.labels}))
        asked = self.config.out_of_scope == "class" and not self.config.multi_label
        has_outside = asked and any(not example.labels for example in corpus)
        return (*found, OUT_OF_SCOPE) if has_outside else found

    def classes(self, corpus: Corpus[Labelled]) -> tuple[str, ...]:
        return self.labels(corpus)

    def lacks(self, corpus: Corpus[Labelled]) -> str | None:
        if not any(example.labels for example in corpus):
            return "no label"
        return None if self.config.multi_label or len(self.labels(corpus)) > 1 else "one label alone"

    def strata(self, examples: Sequence[Labelled]) -> Strata:
        return by_class_and_length(examples)

    def coverage(self, splits: Mapping[SplitName, Corpus[Labelled]]) -> TextCoverage:
        """What the texts of train that are learned from show, beside how new those of dev are."""
        shown = [example for example in splits["train"] if self.trains_on(example)]
        return TextCoverage.of(shown, splits.get("dev", ()))

    def read_coverage(self, path: Path) -> TextCoverage:
        return TextCoverage.load(path)

    def knowledge(self, coverage: TextCoverage, withheld: WithheldUnits | None) -> TextKnowledge:
        return TextKnowledge(coverage, withheld)

    def build(
        self, config: ModelConfig, labels: Sequence[str], attention: str, texts: Iterable[Sequence[str]] = ()
    ) -> Encoder:
        from halluc.tasks.encoders import load_encoder

        names: dict[str, Any] = {"id2label": dict(enumerate(labels))}
        names["label2id"] = {label: index for index, label in enumerate(labels)}
        names["problem_type"] = _problem_type(self.config.multi_label)
        return load_encoder("AutoModelForSequenceClassification", config, attention, texts, **names)

    def restore(self, config: ModelConfig, names: Mapping[str, str | None], attention: str) -> Encoder:
        """A sequence classifier from anywhere.

        Raises:
            HallucError C203: a name for a label that the model does not have. C204: it was trained for several labels a
                text, and the config asks for one, or the other way round; or for no labels at all.
        """
        from halluc.tasks.encoders import load_encoder

        encoder = load_encoder("AutoModelForSequenceClassification", config, attention)
        _refuse_other_problem(encoder.model.config.problem_type, self.config.multi_label)
        outputs = named_labels(encoder.outputs, names)
        return replace(encoder, outputs=tuple(label or OUT_OF_SCOPE for label in outputs))

    def encode(self, examples: Sequence[Labelled], encoder: Encoder) -> EncodedTexts:
        return encode_texts(examples, encoder, self.config)

    def decoding(self, outputs: Sequence[str], asked: Decoding) -> Decoding | None:
        return None

    def decode(
        self, encoded: EncodedTexts, outputs: Iterable[tuple[Batch, torch.Tensor]], decoding: Decoding | None = None
    ) -> list[TextPrediction]:
        """The most probable output of each text or, of several labels, all above the threshold."""
        logits = pooled(encoded, outputs, self.config.pool)
        ids = [example.id for example in encoded.examples]
        if self.config.multi_label:
            return label_sets(ids, logits, encoded.outputs, self.config.threshold)
        return one_label(ids, logits, encoded.outputs)

    def predictions_of(self, examples: Sequence[Labelled], stated: Sequence[Stated]) -> list[TextPrediction]:
        """``in_scope``, where the file does not tell it, is the confidence of the one label; None for all texts where
        it is not known of one, since only those that are ranked with all others say anything."""
        refuse_labels([one.example for one in stated], multi_label=self.config.multi_label)
        sure = [next(iter(one.confidences), None) if one.in_scope is None else one.in_scope for one in stated]
        if self.config.multi_label or None in sure:
            sure = [None] * len(stated)
        return [
            TextPrediction(
                id=example.id,
                labels=one.example.labels,
                confidences=one.confidences,
                in_scope=in_scope,
                out_of_scope=not one.example.labels and not self.config.multi_label,
            )
            for example, one, in_scope in zip(examples, stated, sure, strict=True)
        ]

    def told(self, corpus: Corpus[Labelled], notes: Mapping[str, int], outputs: Sequence[str]) -> Iterator[str]:
        each = "each label judged by itself" if self.config.multi_label else "each with one prediction"
        yield f"{counted(len(corpus), 'texts')}, {counted(notes['words'], 'words')}, {each}"
        outside = sum(not example.labels for example in corpus)
        if outside:
            yield counted(outside, "texts " + ("without a label" if self.config.multi_label else "out of scope"))
        known_to_it = frozenset(outputs)
        unknown = next((str(example.origin) for example in corpus if not known_to_it.issuperset(example.labels)), "")
        first = {"unknown_label_texts": f" (first: {unknown})"}
        there = {note: counted(notes[note], told) for note, told in self.notes.items() if notes[note]}
        yield from (told + first.get(note, "") for note, told in there.items())
        known = {label for example in corpus for label in example.labels}
        if not known:
            yield "no gold label: figures of labels are 0 by convention"
        yield from told_of_foreign(outputs, known | {OUT_OF_SCOPE})

    def line(self, example: Labelled, prediction: TextPrediction) -> LabelPrediction:
        claims = zip(prediction.labels, prediction.confidences, strict=True)
        return LabelPrediction(
            id=example.id,
            tokens=list(example.tokens),
            gold=list(example.labels),
            second=example.second,
            predicted=[(label, rounded(confidence)) for label, confidence in claims],
            in_scope=rounded(prediction.in_scope),
        )

    def claims(self, example: Labelled, prediction: TextPrediction) -> tuple[Claim, ...]:
        """Each predicted label is one claim, about all tokens of the text."""
        claims = zip(prediction.labels, prediction.confidences, strict=True)
        return tuple(_claim(example, label, confidence) for label, confidence in claims)

    def trains_on(self, example: Labelled) -> bool:
        return bool(example.labels) or self.config.out_of_scope != "leave_out"

    def editable(self, example: Labelled) -> Editable:
        return edits.editable(example, self._locked, self.config.augment_side)

    def rebuild(self, example: Labelled, edited: Editable, identity: str, origin: Origin) -> Labelled:
        return edits.rebuilt(example, edited, self.config.augment_side, identity, origin)

    def record(self, example: Labelled) -> dict[str, Any]:
        pair = {} if example.second is None else {"second": example.second}
        return {"id": example.id, "tokens": example.tokens, **pair, "label": example.labels}

    def labels_of(self, example: Labelled) -> Sequence[str]:
        return example.labels

    def gold(self, example: Labelled) -> tuple[Claim, ...]:
        return tuple(_claim(example, label) for label in example.labels)

    def example_of(self, identity: str, origin: Origin, text: InputText) -> Labelled:
        return Labelled(identity, origin, text.tokens, (), text.second)

    def record_of(
        self, text: InputText, prediction: TextPrediction | None, asserted: Sequence[Asserted]
    ) -> PredictedLabels:  # fmt: skip
        return PredictedLabels(
            id=text.id,
            line=text.line,
            text=text.text,
            second_text=text.second_text,
            tokens=list(text.tokens),
            second=text.second,
            labels=[_predicted(one) for one in asserted],
            out_of_scope=None if prediction is None else prediction.out_of_scope,
            in_scope=None if prediction is None else rounded(prediction.in_scope),
        )


def _claim(example: Labelled, label: str, confidence: float | None = None) -> Claim:
    where = Span(0, len(example.tokens), label)
    return Claim(example.id, "label", " ".join(example.tokens), where, label, confidence)


def _predicted(asserted: Asserted) -> PredictedLabel:
    claim, novelty, confusable, abstained = asserted
    assert claim.confidence is not None
    return PredictedLabel(
        label=claim.label,
        confidence=round(claim.confidence, 6),
        novelty=novelty,
        confusable=confusable,
        abstained=abstained,
    )


def _problem_type(multi_label: bool) -> str:
    """What transformers calls the task in a model's config.json."""
    return "multi_label_classification" if multi_label else "single_label_classification"


def _refuse_other_problem(found: str | None, multi_label: bool) -> None:
    if found is None or found == _problem_type(multi_label):
        return
    if found == "regression":
        raise HallucError("C204", "the model predicts a number, and no labels", help="name a classifier")
    trained, asked = ("one label a text", "true") if multi_label else ("several labels a text", "false")
    other = "false" if multi_label else "true"
    message = f"the model was trained for {trained}, and the config has `task.multi_label: {asked}`"
    raise HallucError("C204", message, help=f"set `task.multi_label: {other}`")
