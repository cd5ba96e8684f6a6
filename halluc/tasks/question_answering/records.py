"""The lines of question answering: ``predictions/<split>.jsonl``, and the output of ``predict``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from halluc.runs.schema import Prediction, Record
from halluc.tasks.records import AssertedLabel


class QuestionPrediction(Prediction):
    """The line of ``predictions/<split>.jsonl``: the tokens of the question, followed by those of the context.

    ``context`` is the first token of the context, ``spaces`` the characters before each token of question and context,
    and after the last of each. ``gold`` are the tokens of each annotated answer, empty if the question has no answer.
    ``predicted`` has at most one answer: its tokens (null if another tool gives a text that is not in the context),
    label and confidence; ``answer`` is its text. ``no_answer`` is the score of no answer minus that of the best one,
    null if another tool does not state it.
    """

    context: int
    spaces: tuple[list[str], list[str]]
    gold: list[tuple[int, int, str]]
    predicted: list[tuple[int | None, int | None, str, float | None]]
    answer: str | None
    no_answer: float | None

    @classmethod
    def annotations(cls, gold: Sequence[Any]) -> int:
        """The answers of several annotators count as one."""
        return min(1, len(gold))


class AssertedAnswer(AssertedLabel):
    """An answer: an exact part of the context.

    ``start`` and ``end`` are tokens of the record, ``start_char`` and ``end_char`` characters of the context.
    """

    text: str
    start: int
    end: int
    start_char: int
    end_char: int


class PredictedAnswer(Record):
    """The output of ``predict`` for a question; ``answers`` is empty if the model predicts that there is none.

    ``context_start`` is the first token of the context. ``no_answer`` is the score of no answer minus that of the best
    one.
    """

    id: str | int | float
    line: int
    question: str | None
    context: str | None
    tokens: list[str]
    context_start: int | None
    answers: list[AssertedAnswer]
    no_answer: float | None
