"""Texts with labels, their predictions, and their records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from halluc.core.claims import Mark, rounded
from halluc.core.edits import Editable
from halluc.core.errors import refuse
from halluc.core.examples import Corpus, Origin
from halluc.core.labels import OUT_OF_SCOPE
from halluc.data.inputs import InputText
from halluc.gap.novelty import CONTENT_WORDS, NoveltyUnits
from halluc.runs.inference import InferenceSchema
from halluc.runs.schema import Prediction
from halluc.task import Asserted
from halluc.tasks.defaults import ExamplesDefaults
from halluc.tasks.example_labels import sorted_labels
from halluc.tasks.records import AssertedLabel, LabelAnswer, TopParameters
from halluc.tasks.text_classification import edits
from halluc.tasks.text_classification.config import TextClassificationConfig
from halluc.tasks.text_classification.decoding import TextPrediction
from halluc.tasks.text_classification.encoding import refuse_labels
from halluc.tasks.text_classification.labelled_text import Labelled
from halluc.tasks.text_classification.records import LabelPrediction, PredictedLabels, RetrievedAnswer
from halluc.tasks.text_classification.retrieval import read_bank, unknown_answers


class StoredAnswer(LabelAnswer):
    """A label; with answer retrieval, ``answer`` is the text of the answer."""

    answer: str | None = None


def _answers(record: PredictedLabels, parameters: TopParameters) -> list[StoredAnswer]:
    answers = [StoredAnswer.of(one, label=one.label, answer=getattr(one, "answer", None)) for one in record.labels]
    return sorted(answers, key=lambda one: -one.score)[: parameters.top_k]


INFERENCE = InferenceSchema(StoredAnswer, _answers, TopParameters, pair=("text", "text_pair"), nested=True)


class TextExamples(ExamplesDefaults):
    """Texts, or pairs of them, with one label each or several."""

    Line: ClassVar[type[Prediction]] = LabelPrediction
    takes_pairs: ClassVar[bool] = True
    has_spans: ClassVar[bool] = False
    units: ClassVar[NoveltyUnits] = CONTENT_WORDS
    inference: ClassVar[InferenceSchema] = INFERENCE

    def __init__(self, config: TextClassificationConfig) -> None:
        self.config = config
        self._locked = edits.LockedWords(config.locked_words)

    def labels(self, corpus: Corpus[Labelled]) -> tuple[str, ...]:
        """The labels, sorted; then ``out_of_scope`` if the model has an output for it.

        Raises:
            HallucError or ManyErrors D136, D137: labels that are invalid for the task. D123: not answers of the bank.
        """
        refuse_labels(corpus.examples, multi_label=self.config.multi_label)
        names = {label for example in corpus for label in example.labels}
        if self.config.retrieval is not None:
            bank = read_bank(self.config.retrieval)
            refuse(unknown_answers(corpus, bank))
            names |= bank.keys()
        result = tuple(sorted(names))
        parameters = self.config.out_of_scope == "class" and not self.config.multi_label
        return (*result, OUT_OF_SCOPE) if (parameters and any(not example.labels for example in corpus)) else result

    def untrainable_reason(self, corpus: Corpus[Labelled]) -> str | None:
        if not any(example.labels for example in corpus):
            return "no label"
        return None if self.config.multi_label or len(self.labels(corpus)) > 1 else "only one label"

    def trains_on(self, example: Labelled) -> bool:
        return bool(example.labels) or self.config.out_of_scope != "leave_out"

    def editable(self, example: Labelled) -> Editable:
        return edits.editable(example, self._locked, self.config.augment_side)

    def rebuild(self, example: Labelled, edited: Editable, identity: str, origin: Origin) -> Labelled:
        return edits.rebuilt(example, edited, self.config.augment_side, identity, origin)

    def record(self, example: Labelled) -> dict[str, Any]:
        pair = {} if example.second is None else {"second": example.second}
        return {"id": example.id, "tokens": example.tokens, **pair, "label": example.labels}

    def corrected(self, example: Labelled, marks: Sequence[Mark]) -> Labelled:
        """The text with these labels; a ValueError if it cannot have that many."""
        return replace(example, labels=sorted_labels(marks, most=None if self.config.multi_label else 1))

    def of_input(self, identity: str, origin: Origin, text: InputText) -> Labelled:
        return Labelled(identity, origin, text.tokens, (), text.second)

    def line(self, example: Labelled, prediction: TextPrediction) -> LabelPrediction:
        claims = zip(prediction.labels, prediction.confidences, strict=True)
        return LabelPrediction(
            id=example.id,
            tokens=list(example.tokens),
            gold=list(example.labels),
            second=example.second,
            group=example.group,
            timestamp=example.timestamp,
            predicted=[(label, rounded(confidence)) for label, confidence in claims],
            in_scope=rounded(prediction.in_scope),
            positive=rounded(prediction.positive),
        )

    def of_line(self, line: LabelPrediction) -> Labelled:
        return Labelled(
            line.id, Origin("", 0), tuple(line.tokens), tuple(line.gold), line.second, line.group, line.timestamp
        )

    def border(self, line: LabelPrediction) -> int | None:
        return line.second

    def answer(
        self, text: InputText, prediction: TextPrediction | None, asserted: Sequence[Asserted]
    ) -> PredictedLabels:  # fmt: skip
        answers = {} if prediction is None else dict(zip(prediction.labels, prediction.answers, strict=False))
        return PredictedLabels(
            id=text.id,
            line=text.line,
            text=text.text,
            second_text=text.second_text,
            tokens=list(text.tokens),
            second=text.second,
            labels=[
                AssertedLabel.of(one) if stored is None else RetrievedAnswer.of(one, answer=stored)
                for one in asserted
                for stored in (answers.get(one.claim.label),)
            ],
            out_of_scope=None if prediction is None else prediction.out_of_scope,
            in_scope=None if prediction is None else rounded(prediction.in_scope),
        )
