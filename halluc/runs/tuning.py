"""``tune.json``: the trials of ``halluc tune`` and their results; also the output of ``--json``."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from halluc.runs.schema import Record, VersionedRecord
from halluc.runs.studies import Delta

TUNE_FILE, JOURNAL_FILE = "tune.json", "trials.jsonl"
TrialState = Literal["complete", "pruned", "failed", "running"]


class TuneTrial(Record):
    """A trial: ``params`` are the values set in the config (none for trial 0, which is the config itself), ``values``
    the figures on dev in the order of ``metrics``; for a pruned trial the last ones before it was stopped.

    ``constraints`` has the bounded figures; null if one is undefined. ``run`` is the folder next to tune.json; with
    ``same_as`` that of an earlier trial with the same config, which was not trained twice.
    """

    number: int
    state: TrialState
    params: dict[str, Any]
    values: list[float] | None = None
    constraints: dict[str, float | None] = Field(default={})
    feasible: bool = True
    evaluations: int = 0
    seconds: float | None = None
    run: str
    same_as: int | None = None
    error: str | None = None


class BestTrial(Record):
    """A best trial, possibly of a Pareto front: its config, and how its figures differ from those of trial 0.

    The differences are paired over the examples of dev. They are empty for trial 0 itself.
    """

    number: int
    config: str
    differences: list[Delta] = Field(default=[])


class TuneFile(VersionedRecord):
    """``tune.json``. ``importances`` are by metric (PED-ANOVA) and sum to 1; empty with too few trials.

    ``examples`` is the number of examples in dev. ``replaced`` trials were interrupted and could not be resumed; they
    are not among ``trials``.
    """

    name: str
    task: str
    path: str
    optuna: str
    sampler: str
    pruner: str
    seed: int
    metrics: list[str]
    directions: list[str]
    constraints: dict[str, dict[str, float | None]]
    space: dict[str, Any]
    examples: int | None
    wanted: int
    replaced: int
    trials: list[TuneTrial]
    best: list[BestTrial]
    importances: dict[str, dict[str, float]]
    conclusion: list[str]
    reproduce: list[str]

    def of(self, state: TrialState) -> list[TuneTrial]:
        return [trial for trial in self.trials if trial.state == state]
