"""Sentences with labelled spans, their predictions, and their records."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from halluc.core.claims import Mark, rounded
from halluc.core.edits import Editable
from halluc.core.examples import Corpus, Origin, Span
from halluc.core.labels import write_tags
from halluc.data.inputs import InputText
from halluc.gap.novelty import MENTIONS, NoveltyUnits
from halluc.runs.inference import InferenceSchema
from halluc.runs.schema import Prediction, Record
from halluc.task import Asserted
from halluc.tasks.defaults import ExamplesDefaults
from halluc.tasks.records import ScoredClaim
from halluc.tasks.token_classification.records import PredictedClaim, PredictedText, SpanPrediction
from halluc.tasks.token_classification.tagged_sentence import Tagged, with_spans
from halluc.tasks.token_classification.writers import write_conll

if TYPE_CHECKING:
    import numpy


class SpanParameters(Record):
    aggregation_strategy: Literal["simple"] | None = Field(None, description="Spans are always whole mentions.")
    ignore_labels: list[str] = Field([], description="Labels that are not returned.")


class MentionAnswer(ScoredClaim):
    """``start`` and ``end`` count characters of the input; both are null if the input has only tokens."""

    entity_group: str
    word: str
    start: int | None
    end: int | None


def _answers(record: PredictedText, parameters: SpanParameters) -> list[MentionAnswer]:
    return [
        MentionAnswer.of(one, entity_group=one.label, word=one.text, start=one.start_char, end=one.end_char)
        for one in record.spans
        if one.label not in parameters.ignore_labels
    ]


INFERENCE = InferenceSchema(MentionAnswer, _answers, SpanParameters)


@dataclass(frozen=True, slots=True)
class TagPrediction:
    """The model's prediction for one example: a raw tag per word, and the spans of these tags as conlleval reads them.

    ``confidences`` has for each span the geometric mean of the probabilities of its tags (DEFINITIONS, 3), None if
    another tool does not state it. ``scores`` are their logits, (tokens of the span, tags), for calibration, and
    ``claimed`` the index of the predicted tag for each row of ``scores``, which is not always the argmax. With a CRF a
    span has one row: the log-probabilities of its tags with each of ``labels``, and of all other tag sequences.
    """

    id: str
    tags: tuple[str, ...]
    spans: tuple[Span, ...]
    confidences: tuple[float | None, ...]
    scores: tuple[numpy.ndarray, ...] = ()
    claimed: tuple[int, ...] = ()
    labels: tuple[str, ...] = ()


def _write_columns(train: Path, target: Path) -> None:
    """Convert ``augment/train.jsonl`` to columns; raises as ``write_conll``."""
    write_conll(target, _examples(train))


def _examples(train: Path) -> Iterator[Tagged]:
    with train.open("rb") as file:
        for number, line in enumerate(file, 1):
            record = json.loads(line)
            yield Tagged(
                record["id"],
                Origin(str(train), number),
                tuple(record["tokens"]),
                tuple(Span(*span) for span in record["spans"]),
            )


class SentenceExamples(ExamplesDefaults):
    """Sentences as tokens with labelled spans."""

    Line: ClassVar[type[Prediction]] = SpanPrediction
    formats: ClassVar[Mapping[str, Callable[[Path, Path], None] | None]] = {"jsonl": None, "conll": _write_columns}
    units: ClassVar[NoveltyUnits] = MENTIONS
    inference: ClassVar[InferenceSchema] = INFERENCE

    def labels(self, corpus: Corpus[Tagged]) -> tuple[str, ...]:
        return tuple(sorted({span.label for example in corpus for span in example.spans}))

    def classes(self, corpus: Corpus[Tagged]) -> tuple[str, ...]:
        return ("O", *self.labels(corpus))

    def untrainable_reason(self, corpus: Corpus[Tagged]) -> str | None:
        return None if any(example.spans for example in corpus) else "no mention"

    def editable(self, example: Tagged) -> Editable:
        """Tokens and spans; nothing is locked, because labels depend only on the spans."""
        return Editable(example.tokens, example.spans)

    def rebuild(self, example: Tagged, edited: Editable, identity: str, origin: Origin) -> Tagged:
        return Tagged(identity, origin, edited.tokens, edited.spans)

    def record(self, example: Tagged) -> dict[str, Any]:
        return {"id": example.id, "tokens": example.tokens, "spans": example.spans}

    def corrected(self, example: Tagged, marks: Sequence[Mark]) -> Tagged:
        """The sentence with these spans; a ValueError if two overlap, or one is outside of the sentence."""
        return with_spans(example, marks)

    def of_input(self, identity: str, origin: Origin, text: InputText) -> Tagged:
        return Tagged(identity, origin, text.tokens, ())

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

    def of_line(self, line: SpanPrediction) -> Tagged:
        return Tagged(line.id, Origin("", 0), tuple(line.tokens), tuple([Span(*span) for span in line.gold]))

    def answer(
        self, text: InputText, prediction: TagPrediction | None, asserted: Sequence[Asserted]
    ) -> PredictedText:  # fmt: skip
        return PredictedText(
            id=text.id,
            line=text.line,
            text=text.text,
            tokens=list(text.tokens),
            spans=[_predicted_claim(text, one) for one in asserted],
        )


def _predicted_claim(text: InputText, asserted: Asserted) -> PredictedClaim:
    claim = asserted.claim
    assert claim.where is not None, "a mention has a place"
    start, end = text.characters(claim.where) or (None, None)
    return PredictedClaim.of(
        asserted,
        start=claim.where.start,
        end=claim.where.end,
        start_char=start,
        end_char=end,
        text=claim.text if text.text is None else text.text[start:end],
    )
