"""The typed shape of what ``halluc advise`` says: of the errors of a run, and of a study of remedies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from halluc.runs.schema import MetricResult, Record, VersionedRecord
from halluc.runs.studies import ArmDelta, Interval, Plain


class ErrorShare(Record):
    """How many errors are of one kind, label or novelty (``name``), and their share of all, with its exact interval.

    ``by_novelty`` has the same errors by novelty; empty if that is not known.
    """

    name: str
    errors: int
    share: float
    interval: Interval
    by_novelty: dict[str, int] = Field(default_factory=dict)


class ErrorRate(ErrorShare):
    """The same with the share of its own claims and omissions that are errors: ``errors`` of ``n``."""

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
    """A remedy that addresses ``errors`` of the errors, a ``share`` of them; null for one of the confidence alone.

    ``config`` is laid over the config of the run. ``training`` and ``prediction`` are rough factors on the time of the
    plain recipe. ``command`` is given where no model has to be trained.
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
    """A remedy that is not advised, and why."""

    name: str
    why: str


class PlannedStudy(Record):
    """A study that was written; ``seconds`` is the expected time of all cells, null if the speed is not known."""

    file: str
    arms: list[str]
    seeds: list[int]
    steps: int
    seconds: float | None


class Advice(VersionedRecord):
    """What is said of a run."""

    run: str
    analysis: ErrorAnalysis
    remedies: list[AdvisedRemedy]
    unfit: list[UnfitRemedy]
    study: PlannedStudy | None = None

    @property
    def path(self) -> Path:
        """Of the run."""
        return Path(self.run)


class CostRatio(Record):
    """Seconds of an arm over those of the reference: the geometric mean over seeds, with Student's t interval.

    ``interval`` is null for a single seed, ``value`` where the seconds are not on record.
    """

    value: float | None = None
    interval: Interval | None = None
    values: list[float] = Field(default_factory=list)


class RemedyEffect(Record):
    """An arm of a study against its reference; each of the figures is null if it is not defined.

    ``choice`` is that on other axes. ``is_control`` marks an arm that only copies examples, ``augments`` one that makes
    new ones. ``over_control`` is the rate at matched omission less that of the control, where ``augments`` and there
    is one.
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
        """Whether it is shown to be better than the control at matched omission."""
        return self.over_control is not None and self.over_control.benefit > 0


class StudyAdvice(VersionedRecord):
    """What a study of remedies says on dev; ``best`` is null if no arm can be told from the reference, or where
    nothing can be said (``is_conclusive`` is then false). ``file`` is the config that was written."""

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
