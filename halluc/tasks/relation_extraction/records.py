"""The lines of relation extraction in the files of a run, and those that ``predict`` writes."""

from __future__ import annotations

from halluc.runs.schema import Novelty, Prediction, Record


class RelationPrediction(Prediction):
    """The line of ``predictions/<split>.jsonl``: head and tail as tokens and type; without a relation, no gold."""

    head: tuple[int, int, str]
    tail: tuple[int, int, str]
    gold: list[str]
    predicted: list[tuple[str, float | None]]


class Argument(Record):
    """The head or the tail of a pair: tokens, characters of the text (null where only tokens were given), and type."""

    start: int
    end: int
    start_char: int | None
    end_char: int | None
    text: str
    label: str | None


class PredictedRelation(Record):
    """A relation that ``predict`` claims; ``novelty`` and ``confusable`` are null where training is not known."""

    label: str
    confidence: float
    novelty: Novelty | None
    confusable: bool | None
    abstained: bool


class PredictedRelations(Record):
    """A pair as ``predict`` writes it; without a relation the model says that there is none."""

    id: str | int | float
    line: int
    text: str | None
    tokens: list[str]
    head: Argument | None
    tail: Argument | None
    relations: list[PredictedRelation]
