"""The types of ``halluc advise``'s results: the errors of a run, and the effects in a study of remedies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from halluc.runs.schema import MetricResult, Record, VersionedRecord
from halluc.runs.studies import ArmDelta, Interval, Plain


class ErrorShare(Record):
    """How many errors are of one kind, label or novelty (``name``), and their share of all errors, with its exact
    interval.

    ``by_novelty`` has the same errors by novelty; empty if novelty is unknown.
    """

    name: str
    errors: int
    share: float
    interval: Interval
    by_novelty: dict[str, int] = Field(default_factory=dict)


class ErrorRate(ErrorShare):
    """The same with an error rate: ``errors`` out of ``n`` claims and omissions of this kind."""

    n: int
    rate: float
    rate_interval: Interval


class ErrorAnalysis(Record):
    """The errors of one evaluated split: wrong claims, by their verdict or reason, and omissions.

    ``kinds`` are ``unsupported``, the reasons of distorted claims, and ``omitted``; the most frequent first, as in
    ``labels``. ``novelties`` are in the order of the task. ``ece`` is null if no claim has a confidence.
    """

    split: str
    examples: int
    claims: int
    gold: int
    errors: int
    kinds: list[ErrorShare]
    novelties: list[ErrorRate]
    labels: list[ErrorRate]
    ece: MetricResult | None
    sentences: list[str] = Field(default_factory=list)


class AdvisedRemedy(Record):
    """A recommended remedy. ``errors`` and ``share`` are the errors that it addresses; null if it affects only the
    confidence.

    ``config`` is merged over the config of the run. ``training`` and ``prediction`` are approximate factors of the
    run's training and prediction time. ``command`` is set if no model has to be trained.
    """

    name: str
    why: str
    source: str
    errors: int | None
    share: float | None
    config: dict[str, Any]
    training: float
    prediction: float
    command: str | None = None


class UnfitRemedy(Record):
    """A remedy that is not recommended, and why."""

    name: str
    why: str


class PlannedStudy(Record):
    """The config of a study that was written; ``seconds`` is the expected time of all cells, null if the speed is
    unknown."""

    file: str
    arms: list[str]
    seeds: list[int]
    steps: int
    seconds: float | None


class Advice(VersionedRecord):
    """The advice for a run."""

    run: str
    analysis: ErrorAnalysis
    remedies: list[AdvisedRemedy]
    unfit: list[UnfitRemedy]
    study: PlannedStudy | None = None

    @property
    def path(self) -> Path:
        return Path(self.run)


class CostRatio(Record):
    """The ratio of the times of an arm and of the reference: geometric mean over seeds, with Student's t interval.

    ``interval`` is null for a single seed, ``value`` if the times are not recorded.
    """

    value: float | None = None
    interval: Interval | None = None
    values: list[float] = Field(default_factory=list)


class RemedyEffect(Record):
    """An arm of a study compared with its reference; figures are null if undefined.

    ``choice`` are the values on other axes. ``is_control`` marks an arm that only copies examples, ``augments`` one
    that adds new ones. ``over_control`` is the rate at matched omission minus that of the control, if the arm
    ``augments`` and there is a control.
    """

    arm: Plain
    choice: dict[str, Plain]
    seeds: int
    is_control: bool = False
    augments: bool = False
    matched: ArmDelta | None
    primary: ArmDelta | None
    ece: ArmDelta | None
    over_control: ArmDelta | None = None
    training: CostRatio = Field(default_factory=CostRatio)
    prediction: CostRatio = Field(default_factory=CostRatio)

    @property
    def is_over_control(self) -> bool:
        """Whether it is significantly better than the control at matched omission."""
        return self.over_control is not None and self.over_control.benefit > 0


class StudyAdvice(VersionedRecord):
    """The results of a study of remedies on dev; ``best`` is null if no arm differs significantly from the reference,
    or if there is no conclusion (``is_conclusive`` is then false). ``file`` is the config that was written."""

    study: str
    split: str
    examples: int
    reference: Plain
    effects: list[RemedyEffect]
    missing: dict[str, str]
    best: Plain = None
    is_conclusive: bool
    conclusion: list[str]
    file: str | None = None
