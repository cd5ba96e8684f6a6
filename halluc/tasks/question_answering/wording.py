"""The words for questions, contexts and answers."""

from __future__ import annotations

from halluc.data.statistics import Count, Words, example_count, labelled, tokens, unlabelled
from halluc.runs.schema import MetricResult
from halluc.task import Wording
from halluc.tasks.question_answering.examples import NO_ANSWER
from halluc.wording import formats
from halluc.wording.nouns import FigureLookup, Nouns, count, read_texts

QUESTIONS = Words(
    tokens="tokens",
    labelled="answers",
    annotation="answers",
    repaired="answers",
    counts=(
        Count("questions", example_count),
        Count("tokens", tokens),
        Count("answerable", labelled),
        Count("unanswerable", unlabelled, is_share=True, legend="questions without an answer in their context"),
    ),
    figure="F1",
    has_blanks=True,
)


def _f1(metric: MetricResult, figures: FigureLookup) -> str:
    exact = figures.value("exact_match")
    equal = "" if exact is None else f" {formats.percent(exact)} of them are answered exactly."
    return f"The mean word overlap with the annotated answers, over {metric.n:,} questions.{equal}"


def _exact(metric: MetricResult, figures: FigureLookup) -> str:
    return f"{count(metric):,} of {metric.n:,} questions are answered exactly, or correctly without an answer."


def _false(metric: MetricResult, figures: FigureLookup) -> str:
    text = f"{count(metric):,} of the {metric.n:,} unanswerable questions get an answer"
    ranked = figures.value("no_answer_auroc")
    if ranked is None:
        return f"{text}."
    pairs = f"in {formats.percent(ranked)} of pairs of an answerable and an unanswerable question"
    return f"{text}; {pairs}, the no-answer score is higher for the unanswerable one."


ANSWERS = Nouns.of(
    read_texts(__file__),
    no_label=NO_ANSWER,
    meanings={"answer_f1": _f1, "exact_match": _exact, "false_answer_rate": _false},
)
WORDING = Wording(QUESTIONS, ANSWERS)
