"""A question about a text, its prediction, and their records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from halluc.core.claims import rounded
from halluc.core.edits import Editable, EditError, Range
from halluc.core.examples import Corpus, Origin, Pair, Span
from halluc.data.fields import located
from halluc.data.inputs import InputText
from halluc.gap.novelty import MENTIONS, NoveltyUnits
from halluc.runs.inference import InferenceSchema
from halluc.runs.schema import Prediction, Record
from halluc.task import Asserted
from halluc.tasks.defaults import ExamplesDefaults
from halluc.tasks.question_answering.config import Side
from halluc.tasks.question_answering.records import AssertedAnswer, PredictedAnswer, QuestionPrediction
from halluc.tasks.question_answering.spaced_text import SpacedText
from halluc.tasks.records import ScoredClaim, TopParameters

if TYPE_CHECKING:
    import numpy


class SpanAnswer(ScoredClaim):
    """``start`` and ``end`` count characters of the context."""

    answer: str
    start: int
    end: int


def _answers(record: PredictedAnswer, parameters: TopParameters) -> list[SpanAnswer]:
    results = [SpanAnswer.of(one, answer=one.text, start=one.start_char, end=one.end_char) for one in record.answers]
    return results[: parameters.top_k]


INFERENCE = InferenceSchema(SpanAnswer, _answers, TopParameters, pair=("question", "context"))


# The label of every answer, and the class of questions without an answer in tables.
ANSWER, NO_ANSWER = "answer", "no_answer"


@dataclass(frozen=True, slots=True)
class ContextQuestion:
    """A question and the text that may contain the answer.

    ``answers`` are tokens of the context, half open, one per annotator; empty if the context has no answer. The first
    is trained on.
    """

    id: str
    origin: Origin
    question: SpacedText
    context: SpacedText
    answers: tuple[Range, ...] = ()

    @property
    def tokens(self) -> tuple[str, ...]:
        """The tokens of the question, followed by those of the context."""
        return self.question.tokens + self.context.tokens

    @property
    def border(self) -> int:
        """The first token of the context."""
        return len(self.question.tokens)

    @property
    def annotation(self) -> tuple[int, tuple[Range, ...]]:
        return self.border, self.answers

    @property
    def labels(self) -> tuple[str, ...]:
        return (ANSWER,) if self.answers else ()

    @property
    def pairs(self) -> list[Pair]:
        return [(self.context.part(*self.answers[0]), ANSWER)] if self.answers else []

    @property
    def texts(self) -> list[str]:
        """The annotated answers, exactly as in the context."""
        return [self.context.part(*answer) for answer in self.answers]


@dataclass(frozen=True, slots=True)
class AnswerPrediction:
    """The model's prediction for one question.

    ``candidate`` is the best answer as tokens of the context, None if another tool gives a text that is not in the
    context; ``text`` is the predicted answer, None if there is none. ``no_answer`` is the score of no answer minus that
    of the candidate, None if another tool does not state it. ``scores`` has (1, 2) logits for an answer: that of no
    answer, minus the threshold, and that of the answer, which is ``claimed``.
    """

    id: str
    text: str | None
    candidate: Range | None
    confidences: tuple[float | None, ...]
    no_answer: float | None = None
    scores: tuple[numpy.ndarray, ...] = ()
    claimed: tuple[int, ...] = ()


class QuestionExamples(ExamplesDefaults):
    """Questions on texts, with annotated answers or without."""

    Line: ClassVar[type[Prediction]] = QuestionPrediction
    takes_pairs: ClassVar[bool] = True
    units: ClassVar[NoveltyUnits] = MENTIONS
    inference: ClassVar[InferenceSchema] = INFERENCE

    def __init__(self, side: Side = "both") -> None:
        self.side = side

    def labels(self, corpus: Corpus[ContextQuestion]) -> tuple[str, ...]:
        return (ANSWER,) if any(example.answers for example in corpus) else ()

    def untrainable_reason(self, corpus: Corpus[ContextQuestion]) -> str | None:
        return None if self.labels(corpus) else "no answer"

    def editable(self, example: ContextQuestion) -> Editable:
        """Question and context, separated by an empty locked range; answers are locked, overlapping ones as one span.

        Each answer is covered by locked ranges that differ from its span, because a locked span may be replaced as a
        whole: an answer of one token is locked together with a neighbour.
        """
        border, size = example.border, len(example.tokens)
        locked: set[Range] = {(border, border)}
        spans = tuple(Span(start + border, end + border, ANSWER) for start, end in merge_ranges(example.answers))
        for start, end, _ in spans:
            locked |= (
                {(start, start + 1), (start + 1, end)} if end - start > 1 else {_add_neighbour(start, border, size)}
            )
        if self.side == "question":
            locked = {(border, border), (border, size)}
        elif self.side == "context":
            locked |= {(0, border)}
        return Editable(example.tokens, spans, tuple(merge_ranges(locked)))

    def rebuild(self, example: ContextQuestion, edited: Editable, identity: str, origin: Origin) -> ContextQuestion:
        """
        Raises:
            EditError: question or context is empty, or an answer or a locked text has changed.
        """
        border = next((start for start, end in edited.locked if start == end), 0)
        old = merge_ranges(example.answers)
        new = [(span.start - border, span.end - border) for span in edited.spans]
        if not 0 < border < len(edited.tokens) or len(new) != len(old):
            raise EditError(f"question, context or answer would be empty in {example.id}")
        moved = {}
        for answer in example.answers:
            (first, _), (start, _) = next(
                pair for pair in zip(old, new, strict=True) if pair[0][0] <= answer[0] < pair[0][1]
            )
            moved[answer] = (answer[0] - first + start, answer[1] - first + start)
        question, context = edited.tokens[:border], edited.tokens[border:]
        if (self.side == "context" and question != example.question.tokens) or (
            self.side == "question" and context != example.context.tokens
        ):
            raise EditError(f"an edit changes the text of {example.id} that must not change")
        return ContextQuestion(
            identity, origin, example.question.with_tokens(question),
            example.context.with_tokens(context, list(zip(old, new, strict=True))),
            tuple(moved[answer] for answer in example.answers),
        )  # fmt: skip

    def record(self, example: ContextQuestion) -> dict[str, Any]:
        """A row of Hugging Face's SQuAD, with the tokens of both texts."""
        context, offsets = example.context, example.context.offsets
        return {
            "id": example.id,
            "question": example.question.text,
            "context": context.text,
            "answers": {"text": example.texts, "answer_start": [offsets[start] for start, _ in example.answers]},
            "tokens": list(example.tokens),
            "second": example.border,
        }

    def of_input(self, identity: str, origin: Origin, text: InputText) -> ContextQuestion:
        return ContextQuestion(identity, origin, *_question_and_context(text))

    def line(self, example: ContextQuestion, prediction: AnswerPrediction) -> QuestionPrediction:
        border = example.border
        start, end = (None, None) if prediction.candidate is None else (at + border for at in prediction.candidate)
        return QuestionPrediction(
            id=example.id,
            tokens=list(example.tokens),
            gold=[(first + border, last + border, ANSWER) for first, last in example.answers],
            predicted=[(start, end, ANSWER, rounded(value)) for value in prediction.confidences],
            answer=prediction.text,
            context=border,
            spaces=(list(example.question.spaces), list(example.context.spaces)),
            no_answer=rounded(prediction.no_answer),
        )

    def of_line(self, line: QuestionPrediction) -> ContextQuestion:
        border = line.context
        question, context = (
            SpacedText(tuple(tokens), tuple(spaces))
            for tokens, spaces in zip((line.tokens[:border], line.tokens[border:]), line.spaces, strict=True)
        )
        answers = tuple((start - border, end - border) for start, end, _ in line.gold)
        return ContextQuestion(line.id, Origin("", 0), question, context, answers)

    def border(self, line: QuestionPrediction) -> int | None:
        return line.context

    def answer(
        self, text: InputText, prediction: AnswerPrediction | None, asserted: Sequence[Asserted]
    ) -> Record:  # fmt: skip
        if prediction is None:
            return PredictedAnswer(
                id=text.id, line=text.line, question=text.text, context=text.second_text, tokens=[], context_start=None,
                answers=[], no_answer=None,
            )  # fmt: skip
        question, context = _question_and_context(text)
        return PredictedAnswer(
            id=text.id,
            line=text.line,
            question=question.text,
            context=context.text,
            tokens=list(text.tokens),
            context_start=len(question.tokens),
            answers=[_answer(one, context, len(question.tokens)) for one in asserted],
            no_answer=rounded(prediction.no_answer),
        )


def merge_ranges(answers: Iterable[Range]) -> list[Range]:
    """Ranges of tokens from left to right, with overlapping ones merged."""
    ranges: list[Range] = []
    for start, end in sorted(answers):
        if ranges and start < ranges[-1][1]:
            ranges[-1] = (ranges[-1][0], max(end, ranges[-1][1]))
        else:
            ranges.append((start, end))
    return ranges


def _add_neighbour(token: int, border: int, size: int) -> Range:
    """A token of the context and its neighbour, if the context has one."""
    return (token, token + 2) if token + 2 <= size else (max(token - 1, border), token + 1)


def _question_and_context(text: InputText) -> tuple[SpacedText, SpacedText]:
    """Question and context of an input; tokens without a text are joined by blanks."""
    if text.details is not None:
        texts: tuple[SpacedText, SpacedText] = text.details
        return texts
    border = 0 if text.second is None else text.second
    sides = ((text.tokens[:border], text.text), (text.tokens[border:], text.second_text))
    question, context = (
        SpacedText.from_tokens(tokens)
        if whole is None or (bounds := located(tokens, whole)) is None
        else SpacedText.at(whole, bounds)
        for tokens, whole in sides
    )
    return question, context


def _answer(asserted: Asserted, context: SpacedText, border: int) -> AssertedAnswer:
    claim = asserted.claim
    assert claim.where is not None, "the model answers with a span of the context"
    start = context.offsets[claim.where.start - border]
    return AssertedAnswer.of(
        asserted,
        text=claim.text,
        start=claim.where.start,
        end=claim.where.end,
        start_char=start,
        end_char=start + len(claim.text),
    )
