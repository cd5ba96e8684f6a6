"""The lines of relation extraction in the files of a run, and those that ``predict`` writes."""

from __future__ import annotations

from halluc.runs.schema import Prediction, Record
from halluc.tasks.records import AssertedLabel, TokenRange


class RelationPrediction(Prediction):
    """The line of ``predictions/<split>.jsonl``: head and tail as tokens and type; without a relation, no gold."""

    head: tuple[int, int, str]
    tail: tuple[int, int, str]
    gold: list[str]
    predicted: list[tuple[str, float | None]]


class Argument(TokenRange):
    """The head or the tail of a pair, and its type."""

    label: str | None


class PredictedRelations(Record):
    """The output of ``predict`` for a pair; without a relation the model says that there is none."""

    id: str | int | float
    line: int
    text: str | None
    tokens: list[str]
    head: Argument | None
    tail: Argument | None
    relations: list[AssertedLabel]
