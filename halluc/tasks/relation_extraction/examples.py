"""A sentence with a marked head and tail, its prediction, and their records."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from halluc.core.claims import Mark, rounded
from halluc.core.edits import Editable
from halluc.core.examples import Corpus, Origin, Pair, Span, surface
from halluc.data.inputs import InputText
from halluc.gap.novelty import MENTIONS, NoveltyUnits
from halluc.runs.inference import InferenceSchema
from halluc.runs.schema import Prediction, Record
from halluc.task import Asserted
from halluc.tasks.defaults import ExamplesDefaults
from halluc.tasks.example_labels import sorted_labels
from halluc.tasks.records import AssertedLabel, LabelAnswer, TopParameters
from halluc.tasks.relation_extraction.records import (
    Argument,
    PredictedRelations,
    RelationPrediction,
)

if TYPE_CHECKING:
    import numpy


def _answers(record: PredictedRelations, parameters: TopParameters) -> list[LabelAnswer]:
    return [LabelAnswer.of(one, label=one.label) for one in record.relations][: parameters.top_k]


INFERENCE = InferenceSchema(LabelAnswer, _answers, TopParameters, nested=True)


# The output of the model for pairs without a relation, and their class in tables.
NO_RELATION = "no_relation"
# Separators of the surfaces of head and tail, in keys and in messages. No surface contains the first one.
_BETWEEN, ARROW = "\t", " → "
# The direction in a label, as in SemEval-2010 Task 8.
_DIRECTION = re.compile(r"\s*\((e1,e2|e2,e1)\)$")


# Heads and tails, each with its role, type and relation: what augmentation replaces, and the units of novelty.
ARGUMENTS = NoveltyUnits("arguments", "argument", NO_RELATION, "without a relation", MENTIONS.of, MENTIONS.words)


@dataclass(frozen=True, slots=True)
class Related:
    """A sentence as tokens, and the relation of two disjoint spans in it; None if there is none.

    The labels of ``head`` and ``tail`` are the types of the entities, empty if the data has none.
    """

    id: str
    origin: Origin
    tokens: tuple[str, ...]
    head: Span
    tail: Span
    relation: str | None

    @property
    def annotation(self) -> tuple[Span, Span, str | None]:
        return self.head, self.tail, self.relation

    @property
    def labels(self) -> tuple[str, ...]:
        return () if self.relation is None else (self.relation,)

    @property
    def surfaces(self) -> tuple[str, str]:
        """The surfaces of head and tail."""
        return surface(self.tokens, self.head), surface(self.tokens, self.tail)

    @property
    def pairs(self) -> list[Pair]:
        """The pair of surfaces with its relation; empty if there is none."""
        return [] if self.relation is None else [(pair_key(*self.surfaces), self.relation)]


def pair_key(head: str, tail: str) -> str:
    """The surfaces of a pair as one."""
    return f"{head}{_BETWEEN}{tail}"


def pair_parts(key: str) -> tuple[str, str]:
    head, _, tail = key.partition(_BETWEEN)
    return head, tail


def strip_direction(label: str) -> str:
    """A label without its direction, such as `Cause-Effect(e2,e1)` without the parentheses."""
    return _DIRECTION.sub("", label)


@dataclass(frozen=True, slots=True)
class PairPrediction:
    """The model's prediction for one pair: ``labels`` has the claimed relation, or is empty.

    ``confidences`` has its probability, None if another tool does not state it; ``scores`` its logits, (1, outputs).
    """

    id: str
    labels: tuple[str, ...]
    confidences: tuple[float | None, ...]
    scores: tuple[numpy.ndarray, ...] = ()


class RelationExamples(ExamplesDefaults):
    """Sentences with a head, a tail and a relation."""

    Line: ClassVar[type[Prediction]] = RelationPrediction
    units: ClassVar[NoveltyUnits] = ARGUMENTS
    inference: ClassVar[InferenceSchema] = INFERENCE

    def labels(self, corpus: Corpus[Related]) -> tuple[str, ...]:
        """The relations, sorted; then the output for pairs without one, if the corpus has such pairs."""
        result = tuple(sorted({example.relation for example in corpus if example.relation is not None}))
        return (*result, NO_RELATION) if any(example.relation is None for example in corpus) else result

    def untrainable_reason(self, corpus: Corpus[Related]) -> str | None:
        if not any(example.relation for example in corpus):
            return "no relation"
        return None if len(self.labels(corpus)) > 1 else "only one relation"

    def editable(self, example: Related) -> Editable:
        """Head and tail as locked spans, replaced as a whole by others of the same type, role and relation."""
        relation = example.relation or NO_RELATION
        spans = sorted(
            span._replace(label=" ".join(filter(None, (role, span.label, relation))))
            for role, span in (("head", example.head), ("tail", example.tail))
        )
        return Editable(example.tokens, tuple(spans), tuple((span.start, span.end) for span in spans))

    def rebuild(self, example: Related, edited: Editable, identity: str, origin: Origin) -> Related:
        roles = {span.label.split(" ", 1)[0]: span for span in edited.spans}
        head, tail = (
            roles[role]._replace(label=span.label) for role, span in (("head", example.head), ("tail", example.tail))
        )
        return Related(identity, origin, edited.tokens, head, tail, example.relation)

    def record(self, example: Related) -> dict[str, Any]:
        return {
            "id": example.id,
            "tokens": example.tokens,
            "head": _span_record(example.head),
            "tail": _span_record(example.tail),
            "relation": example.relation,
        }

    def corrected(self, example: Related, marks: Sequence[Mark]) -> Related:
        """The pair with this relation, or with none; a ValueError for several."""
        return replace(example, relation=next(iter(sorted_labels(marks, most=1)), None))

    def of_input(self, identity: str, origin: Origin, text: InputText) -> Related:
        head, tail = text.details
        return Related(identity, origin, text.tokens, head, tail, None)

    def line(self, example: Related, prediction: PairPrediction) -> RelationPrediction:
        claims = zip(prediction.labels, prediction.confidences, strict=True)
        return RelationPrediction(
            id=example.id,
            tokens=list(example.tokens),
            head=example.head,
            tail=example.tail,
            gold=list(example.labels),
            predicted=[(label, rounded(confidence)) for label, confidence in claims],
        )

    def of_line(self, line: RelationPrediction) -> Related:
        head, tail = Span(*line.head), Span(*line.tail)
        return Related(line.id, Origin("", 0), tuple(line.tokens), head, tail, next(iter(line.gold), None))

    def ranges(self, line: RelationPrediction) -> Sequence[tuple[int, int, str]]:
        """Head and tail, each with its type after the role."""
        roles = (("head", line.head), ("tail", line.tail))
        return [(start, end, " ".join(filter(None, (role, kind)))) for role, (start, end, kind) in roles]

    def answer(
        self, text: InputText, prediction: PairPrediction | None, asserted: Sequence[Asserted]
    ) -> Record:  # fmt: skip
        head, tail = (_argument(text, span) for span in text.details or (None, None))
        return PredictedRelations(
            id=text.id,
            line=text.line,
            text=text.text,
            tokens=list(text.tokens),
            head=head,
            tail=tail,
            relations=[AssertedLabel.of(one) for one in asserted],
        )


def _span_record(span: Span) -> dict[str, Any]:
    return {"start": span.start, "end": span.end, **({"label": span.label} if span.label else {})}


def _argument(text: InputText, span: Span | None) -> Argument | None:
    if span is None:
        return None
    start, end = text.characters(span) or (None, None)
    return Argument(
        start=span.start, end=span.end, start_char=start, end_char=end, text=surface(text.tokens, span),
        label=span.label or None,
    )  # fmt: skip
