"""The lines of relation extraction: ``predictions/<split>.jsonl``, and the output of ``predict``."""

from __future__ import annotations

from halluc.runs.schema import Prediction, Record
from halluc.tasks.records import AssertedLabel, TokenRange


class RelationPrediction(Prediction):
    """The line of ``predictions/<split>.jsonl``; head and tail are tokens and type, ``gold`` is empty for none."""

    head: tuple[int, int, str]
    tail: tuple[int, int, str]
    gold: list[str]
    predicted: list[tuple[str, float | None]]


class Argument(TokenRange):
    """The head or the tail of a pair, and its type."""

    label: str | None


class PredictedRelations(Record):
    """The output of ``predict`` for a pair; ``relations`` is empty if the model predicts none."""

    id: str | int | float
    line: int
    text: str | None
    tokens: list[str]
    head: Argument | None
    tail: Argument | None
    relations: list[AssertedLabel]
