"""The figures of question answering: exact match and F1 (Rajpurkar et al. 2016), false answers and their AUROC."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, get_args

import numpy

from halluc.core.figures import Report
from halluc.core.significance import F1, Figure, Ranked, Ratio, Sheet
from halluc.tasks.defaults import auroc_of
from halluc.tasks.question_answering import figure_rows
from halluc.tasks.question_answering.claims import comparison
from halluc.tasks.question_answering.config import Form
from halluc.tasks.question_answering.examples import ANSWER, NO_ANSWER, AnswerPrediction, ContextQuestion
from halluc.tasks.question_answering.normalisation import exact, f1
from halluc.tasks.question_answering.records import QuestionPrediction

PROTOCOL = "the best of the annotated answers, normalised; without one, no answer is right"
# By the form in which answers are compared.
PROTOCOLS: Mapping[Form, str] = {
    form: PROTOCOL if form == "auto" else f"{PROTOCOL}; normalisation: {form}" for form in get_args(Form)
}
RANKED = "questions sorted by the score of no answer less that of the best answer"


class AnswerFigures:
    """Exact match and F1 over all questions and by whether they have an answer; false answers."""

    primary: ClassVar[str] = "answer_f1"
    families: ClassVar[tuple[tuple[str, ...], ...]] = (("answer_f1", "exact_match"),)
    names: ClassVar[tuple[str, ...]] = tuple(row.name for row in figure_rows.ROWS)
    protocols: ClassVar[tuple[str, ...]] = (*PROTOCOLS.values(), RANKED)
    # Examples without gold that get a claim are the false answers; answers have no wrong labels.
    excluded: ClassVar[frozenset[str]] = frozenset({"negative_sentence_rate", "hallucination_rate_wide"})
    named: ClassVar[Mapping[str, str]] = {
        "f1": "claim_f1",
        "recall": "answerable_exact_match",
        "claimed_without_gold": "false_answer_rate",
    }

    def __init__(self, form: Form = "auto") -> None:
        self.form = form

    def headline(
        self, examples: Sequence[ContextQuestion], predictions: Sequence[AnswerPrediction]
    ) -> dict[str, float]:
        scored = AnswerScores.of(examples, predictions, self.form)
        return {name: float(values.mean()) if len(values) else 0.0 for name, values in scored.by_name.items()}

    def figures(
        self, examples: Sequence[ContextQuestion], predictions: Sequence[AnswerPrediction], sheet: Sheet
    ) -> list[Figure]:
        scored = AnswerScores.of(examples, predictions, self.form)
        figures = list(_slice_figures(scored, sheet, PROTOCOLS[self.form]))
        inside, given = scored.answerable, scored.given
        hits, gold = sheet.column(scored.exact * inside), sheet.column(inside)
        figures += [
            Figure("answerable_exact_match", {}, PROTOCOLS[self.form], int(inside.sum()), Ratio((hits,), (gold,))),
            Figure("claim_f1", {}, PROTOCOLS[self.form], int(inside.sum()), F1(hits, sheet.column(given), gold)),
        ]
        if not inside.all():
            figures.append(_false_answers(given, inside, sheet, {}))
        return figures

    def of_lines(
        self, examples: Sequence[ContextQuestion], lines: Sequence[QuestionPrediction], sheet: Sheet
    ) -> list[Figure]:  # fmt: skip
        """The overall F1 and exact match, from stored answers."""
        answers = [AnswerPrediction(line.id, line.answer, None, ()) for line in lines]
        scored = AnswerScores.of(examples, answers, self.form)
        return [one for one in _slice_figures(scored, sheet, PROTOCOLS[self.form]) if not one.by]

    def after_abstention(
        self, examples: Sequence[ContextQuestion], predictions: Sequence[AnswerPrediction], remaining: numpy.ndarray,
        sheet: Sheet,
    ) -> list[Figure]:  # fmt: skip
        """How many unanswerable questions still get an answer after abstention."""
        inside = numpy.array([bool(example.answers) for example in examples], dtype=bool)
        return [] if inside.all() else [_false_answers(remaining > 0, inside, sheet, {"claims": "kept"})]

    def ranked(
        self, examples: Sequence[ContextQuestion], predictions: Sequence[AnswerPrediction]
    ) -> list[Ranked]:  # fmt: skip
        """The AUROC of answerable against unanswerable questions by the score of no answer."""
        scores = -numpy.array([one.no_answer for one in predictions], dtype=numpy.float64)
        return auroc_of("no_answer_auroc", RANKED, scores, [bool(example.answers) for example in examples])

    def report(self, examples: Sequence[ContextQuestion], predictions: Sequence[AnswerPrediction]) -> Report:
        scored = AnswerScores.of(examples, predictions, self.form)
        rows = {
            name: {
                "exact match": float(scored.exact[among].mean()),
                "F1": float(scored.f1[among].mean()),
                "answered": int(scored.given[among].sum()),
                "questions": int(among.sum()),
            }
            for name, among in scored.slices()
            if among.any()
        }
        return {"questions": rows}

    def text(self, report: Report) -> str:
        heads = ("exact match", "F1", "answered", "questions")
        lines = [f"questions, {PROTOCOL}", "", " " * 12 + "".join(f"{head:>13}" for head in heads)]
        for name, row in report["questions"].items():
            cells = (f"{row[head]:.4f}" if isinstance(row[head], float) else str(row[head]) for head in heads)
            lines.append(f"{name:>12}" + "".join(f"{cell:>13}" for cell in cells))
        return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class AnswerScores:
    """Exact match (0 or 1) and F1 of each question, whether it has an answer, and whether it gets one; (questions,)."""

    exact: numpy.ndarray
    f1: numpy.ndarray
    answerable: numpy.ndarray
    given: numpy.ndarray

    @classmethod
    def of(
        cls, examples: Sequence[ContextQuestion], predictions: Sequence[AnswerPrediction], form: Form
    ) -> AnswerScores:  # fmt: skip
        scores = numpy.array(
            [score(example, one.text, form) for example, one in zip(examples, predictions, strict=True)]
        ).reshape(-1, 2)
        return cls(
            scores[:, 0],
            scores[:, 1],
            numpy.array([bool(example.answers) for example in examples], dtype=bool),
            numpy.array([one.text is not None for one in predictions], dtype=bool),
        )

    @property
    def by_name(self) -> dict[str, numpy.ndarray]:
        return {"answer_f1": self.f1, "exact_match": self.exact}

    def slices(self) -> Iterable[tuple[str, numpy.ndarray]]:
        """All questions, and those with and without an answer."""
        return (
            ("all", numpy.ones(len(self.f1), dtype=bool)),
            (ANSWER, self.answerable),
            (NO_ANSWER, ~self.answerable),
        )


def score(example: ContextQuestion, answer: str | None, form: Form) -> tuple[float, float]:
    """Exact match and F1 of an answer, each the maximum over the annotated answers.

    As in the script of SQuAD 2, a question without an answer scores 1 if none is given, else 0.
    """
    if not example.answers or answer is None:
        right = float(not example.answers and answer is None)
        return right, right
    how, texts = comparison(example, form), example.texts
    return float(any(exact(answer, text, how) for text in texts)), max(f1(answer, text, how) for text in texts)


def _slice_figures(scored: AnswerScores, sheet: Sheet, protocol: str) -> Iterable[Figure]:
    for label, among in scored.slices():
        if not among.any():
            continue
        by = {} if label == "all" else {"label": label}
        questions = sheet.column(among)
        for name, values in scored.by_name.items():
            share = Ratio((sheet.column(values * among),), (questions,), is_share=name == "exact_match")
            yield Figure(name, by, protocol, int(among.sum()), share)


def _false_answers(given: numpy.ndarray, inside: numpy.ndarray, sheet: Sheet, by: dict[str, str]) -> Figure:
    outside = sheet.column(~inside)
    return Figure(
        "false_answer_rate", by, PROTOCOL, int((~inside).sum()), Ratio((sheet.column(given & ~inside),), (outside,))
    )
