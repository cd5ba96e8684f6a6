"""Predict and score: what train does on dev after each epoch, and eval on every split."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from halluc.core.examples import Tagged
from halluc.core.labels import write_tags
from halluc.engine.inference import forward
from halluc.engine.runtime import Runtime
from halluc.metrics import entity, token
from halluc.runs.schema import MetricResult


def predict(model: Any, task: Any, encoded: Any, budget: int, runtime: Runtime) -> list[Any]:
    return list(task.decode(encoded, forward(model, encoded, budget, runtime)))


def gold_tags(examples: Sequence[Tagged]) -> list[list[str]]:
    return [write_tags(len(example.tokens), example.spans) for example in examples]


def score(examples: Sequence[Tagged], predictions: Sequence[Any]) -> list[MetricResult]:
    gold, predicted = gold_tags(examples), [prediction.tags for prediction in predictions]
    return entity.results(gold, predicted) + token.results(gold, predicted)


def headline(results: Sequence[MetricResult]) -> dict[str, float]:
    """The overall figures by name; of several protocols the first, which is the primary one."""
    found: dict[str, float] = {}
    for result in results:
        if not result.by and result.value is not None:
            found.setdefault(result.name, result.value)
    return found
