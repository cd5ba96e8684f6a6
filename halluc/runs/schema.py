"""The typed, versioned shape of the files in a run directory that others read. A change here is a change of promise."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

SCHEMA_VERSION = 1

Status = Literal["running", "done", "failed", "interrupted"]


class Record(BaseModel):
    model_config = ConfigDict(extra="forbid")


class MetricResult(Record):
    """One figure. ``n`` counts what it is a share of (for F1: gold mentions); ``by`` is the slice, empty for all."""

    name: str
    value: float | None
    n: int
    interval: tuple[float, float] | None = None
    by: dict[str, str] = {}
    protocol: str


class EvalFile(Record):
    """``eval/<split>.json``; ``encoding`` counts words, windows, and words that the tokenizer drops or cuts."""

    schema_version: int = SCHEMA_VERSION
    task: str
    split: str
    checkpoint: str
    encoding: dict[str, int]
    metrics: list[MetricResult]


class SpanPrediction(Record):
    """A line of ``predictions/<split>.jsonl`` of token classification; tags are raw IOB2."""

    id: str
    tokens: list[str]
    gold: list[tuple[int, int, str]]
    predicted: list[tuple[int, int, str, float]]
    gold_tags: list[str]
    predicted_tags: list[str]


class Stage(Record):
    """What one command did in the run."""

    status: Status
    started: str
    seconds: float | None = None
    arguments: list[str] = []
    detail: dict[str, Any] = {}


class RunFile(Record):
    """``run.json``: what was run, on what, with what; ``stages`` has an entry for each command."""

    schema_version: int = SCHEMA_VERSION
    name: str
    command: str
    status: Status
    config_sha256: str
    halluc: str
    git: dict[str, Any] | None = None
    versions: dict[str, str] = {}
    hardware: dict[str, Any] = {}
    seeds: dict[str, int] = {}
    inputs: dict[str, str] = {}
    model: dict[str, Any] = {}
    seconds: float | None = None
    best: dict[str, Any] | None = None
    stages: dict[str, Stage] = {}
