"""Answers, judged by the annotated answers of the same question (DEFINITIONS, section 1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from halluc.core.claims import Claim, Evidence, Judged
from halluc.core.examples import Span
from halluc.data.tokenization import is_cut_into_characters
from halluc.tasks.question_answering.config import Form
from halluc.tasks.question_answering.examples import ANSWER, AnswerPrediction, ContextQuestion
from halluc.tasks.question_answering.normalisation import Comparison, exact, shares_unit


def comparison(example: ContextQuestion, form: Form) -> Comparison:
    """How the answers of a question are compared."""
    if form == "auto":
        return "cmrc" if is_cut_into_characters(example.context.tokens) else "squad"
    return form


class AnswerJudge:
    """An answer is one claim, which is judged by its text, independent of its position in the context."""

    reasons: ClassVar[tuple[str, ...]] = ("boundary", "place")

    def __init__(self, form: Form = "auto") -> None:
        self.form = form

    def claims(self, example: ContextQuestion, prediction: AnswerPrediction) -> tuple[Claim, ...]:
        if prediction.text is None:
            return ()
        where = None if prediction.candidate is None else _answer_span(example, prediction.candidate)
        return (Claim(example.id, "answer", prediction.text, where, ANSWER, prediction.confidences[0]),)

    def gold(self, example: ContextQuestion) -> tuple[Claim, ...]:
        """The first annotated answer: all annotated answers count as one, in several wordings."""
        if not example.answers:
            return ()
        first = example.answers[0]
        return (Claim(example.id, "answer", example.context.part(*first), _answer_span(example, first), ANSWER),)

    def judge(self, example: ContextQuestion, claims: Sequence[Claim]) -> Judged:
        """Verdict, reason and evidence; the annotated answer is omitted if no answer is given.

        Supported: equal to an annotated answer after normalisation. Distorted: shares a word with one; ``boundary`` if
        it also overlaps one, else ``place``. Unsupported: ``no_answer`` if the context has none, ``other_answer`` if no
        word is shared.
        """
        gold = self.gold(example)
        if not claims:
            return Judged((), gold)
        form = comparison(example, self.form)
        return Judged(tuple(_judge_claim(claim, example, gold, form) for claim in claims), ())


def _judge_claim(claim: Claim, example: ContextQuestion, gold: Sequence[Claim], form: Comparison) -> Claim:
    if not gold:
        return replace(claim, verdict="unsupported", reason="no_answer")
    mark, texts = gold[0].mark, example.texts
    if any(exact(claim.text, text, form) for text in texts):
        return replace(claim, verdict="supported", evidence=Evidence(mark))
    if any(shares_unit(claim.text, text, form) for text in texts):
        reason = "boundary" if claim.where is None or _overlaps(claim.where, example) else "place"
        return replace(claim, verdict="distorted", reason=reason, evidence=Evidence(mark))
    return replace(claim, verdict="unsupported", reason="other_answer", evidence=Evidence(touched=(mark,)))


def _answer_span(example: ContextQuestion, answer: tuple[int, int]) -> Span:
    return Span(answer[0] + example.border, answer[1] + example.border, ANSWER)


def _overlaps(where: Span, example: ContextQuestion) -> bool:
    start, end = (at - example.border for at in where[:2])
    return any(first < end and start < last for first, last in example.answers)
