"""Predict and score: what train does on dev after each epoch, and eval on every split."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from halluc.core.examples import Tagged
from halluc.core.labels import write_tags
from halluc.engine.inference import forward
from halluc.engine.runtime import Runtime
from halluc.metrics import entity, spans, token
from halluc.runs.schema import MetricResult

Tags = Sequence[Sequence[str]]


def predict(model: Any, task: Any, encoded: Any, budget: int, runtime: Runtime) -> list[Any]:
    return list(task.decode(encoded, forward(model, encoded, budget, runtime)))


def gold_tags(examples: Sequence[Tagged]) -> list[list[str]]:
    return [write_tags(len(example.tokens), example.spans) for example in examples]


def score(gold: Tags, predicted: Tags) -> list[MetricResult]:
    """Every figure of eval/<split>.json."""
    return entity.results(gold, predicted) + token.results(gold, predicted)


def headline(gold: Tags, predicted: Tags) -> dict[str, float]:
    """The overall figures of the primary protocols, by name: what chooses checkpoints."""
    micro = spans.overall(spans.count(gold, predicted))
    return {
        "entity_f1": micro.f1,
        "entity_precision": micro.precision,
        "entity_recall": micro.recall,
        "token_f1": token.accuracy(gold, predicted),
    }
