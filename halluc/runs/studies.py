"""The types of comparisons of runs: ``halluc report A B --json``, and ``study.json`` of a matrix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from halluc.core.figures import MATCHED, figure
from halluc.runs.schema import Record, VersionedRecord

Interval = tuple[float, float]
# A difference is shown if its p-value is below ALPHA and, for arms and slopes, if there are LEAST_SEEDS seeds.
ALPHA, LEAST_SEEDS = 0.05, 3
# The possible values on an axis.
Plain = str | int | float | bool | None


def spans_factor_of_ten(places: Sequence[float]) -> bool:
    """Whether a numeric axis is on a log scale: all values are positive, and the last is ten times the first."""
    # A factor of 10 may differ from 10 in its last digit: 3e-4 / 3e-5.
    return min(places) > 0 and max(places) / min(places) >= 10 * (1 - 1e-9)


class TrainingFacts(Record):
    """How runs were trained: the distinct values of each fact; empty if none is recorded."""

    steps: list[Plain] = Field(default_factory=list)
    chosen_step: list[Plain] = Field(default_factory=list)
    examples: list[Plain] = Field(default_factory=list)
    epochs: list[Plain] = Field(default_factory=list)
    precision: list[Plain] = Field(default_factory=list)
    hardware: list[Plain] = Field(default_factory=list)
    chosen_by: list[Plain] = Field(default_factory=list)


class TrainingDifference(Record):
    """A fact of training in which compared runs differ: in ``a`` (the reference), and in ``b`` (the arm)."""

    what: str
    a: str
    b: str


class FigureRecord(Record):
    """The name of a figure, and its slice (``by``: empty for all)."""

    name: str
    by: dict[str, str]


class Delta(FigureRecord):
    """A figure of two runs on the same examples, and their difference (``b`` minus ``a``).

    ``p`` is two-sided, over examples: it compares these two checkpoints, not the recipes that made them.
    ``p_holm`` is adjusted for all figures of all runs that are compared with the first.
    """

    a: float | None
    b: float | None
    difference: float | None
    interval: Interval | None = None
    p: float | None = None
    p_holm: float | None = None

    @property
    def shown(self) -> bool:
        """Whether the adjusted p-value is small enough."""
        return self.p_holm is not None and self.p_holm < ALPHA


class Flip(Record):
    """A claim on which two runs differ; ``absent`` if one does not make it."""

    id: str
    start: int | None
    end: int | None
    text: str
    label: str
    a: str
    b: str


class MatchedOmission(Record):
    """Hallucination rates after thresholds on confidence bring both runs to the larger of their omission rates.

    ``p`` and ``p_holm`` are as in ``Delta``, with which they are adjusted together.
    """

    omission_rate: float
    a: float | None
    b: float | None
    difference: float | None
    interval: Interval | None = None
    p: float | None = None
    p_holm: float | None = None
    achieved: tuple[float, float]

    @property
    def delta(self) -> Delta:
        """The same as the difference of a figure."""
        return Delta(name=MATCHED, by={}, **self.model_dump(exclude={"omission_rate", "achieved"}))

    @property
    def shown(self) -> bool:
        """Whether the adjusted p-value is small enough."""
        return self.p_holm is not None and self.p_holm < ALPHA


class Comparison(VersionedRecord):
    """Two runs on one split."""

    split: str
    a: str
    b: str
    examples: int
    config_differences: list[str]
    training_differences: list[TrainingDifference] = Field(default_factory=list)
    figures: list[Delta]
    matched_omission: MatchedOmission | None
    flipped: list[Flip]


class SeedFigure(FigureRecord):
    """A figure over the seeds of one cell: ``values`` (null if undefined) of the seeds ``of_seeds``, their mean and
    standard deviation (null for one value), and the interval over examples and seeds (for one seed: over examples)."""

    mean: float | None
    sd: float | None
    seeds: int
    interval: Interval | None = None
    values: list[float | None]
    of_seeds: list[Plain] = Field(default_factory=list)


class CellFigures(Record):
    """One point of a study: the choice on each axis except the seed, its runs, and its figures.

    ``silent_seeds`` are those whose run makes no claim. An arm other than the reference also has
    ``hallucination_rate_at_matched_omission``, by ``{axis: reference}``.
    """

    choice: dict[str, Plain]
    runs: list[str]
    silent_seeds: list[Plain] = Field(default_factory=list)
    training: TrainingFacts = Field(default_factory=TrainingFacts)
    figures: list[SeedFigure]


class Line(Record):
    """A straight line of a figure along a numeric axis, the other axes fixed by ``choice``.

    If the axis spans a factor of 10 or more (``scale``: ``log10``) the line is fitted on its logarithm, the slope is
    per factor of 10, and there is no intercept. ``seeds`` counts the seeds that all points have, ``n`` those in which
    the figure is defined at all points. ``slope_p`` is two-sided, null for a single seed and if a seed makes no claim;
    ``slope_p_holm`` is adjusted over the compared arms. ``smallest`` is the smallest slope that would have had p < .05
    before adjustment.
    """

    choice: dict[str, Plain]
    axis: str
    name: str
    by: dict[str, str]
    points: int
    scale: Literal["linear", "log10"] = "linear"
    seeds: int = 0
    n: int = 0
    slope: float | None
    slope_interval: Interval | None = None
    slope_p: float | None = None
    slope_p_holm: float | None = None
    smallest: float | None = None
    intercept: float | None
    intercept_interval: Interval | None = None

    @property
    def sign(self) -> int:
        """1 or -1 if the slope is significant (p below .05, with at least three seeds), else 0."""
        p = self.slope_p if self.slope_p_holm is None else self.slope_p_holm
        if p is None or p >= ALPHA or self.seeds < LEAST_SEEDS or not self.slope:
            return 0
        return 1 if self.slope > 0 else -1


class Trend(Line):
    """The mean over seeds of the least-squares lines through the points of each seed."""


class ArmDelta(FigureRecord):
    """A figure of an arm minus the reference's: ``arm``, ``reference`` and their difference are means over the seeds in
    which both are defined.

    ``values`` are the differences by seed, ``sd`` their standard deviation. ``p`` is two-sided, null for a single seed
    and if a seed of either makes no claim; ``p_holm`` is adjusted over all arms that are compared in this figure under
    the same choice. ``shown``: ``p_holm`` is below .05, with at least three seeds. ``smallest`` is the smallest
    difference that would have had p < .05 before adjustment.
    """

    reference: float | None
    arm: float | None
    difference: float | None
    interval: Interval | None = None
    p: float | None = None
    p_holm: float | None = None
    shown: bool = False
    sd: float | None = None
    smallest: float | None = None
    values: list[float | None] = Field(default_factory=list)

    @property
    def benefit(self) -> int:
        """1 if the arm is significantly better than the reference, -1 if worse, else 0."""
        direction = {"lower": -1, "higher": 1, "none": 0}[figure(self.name).better]
        return 0 if not self.shown or not self.difference else direction if self.difference > 0 else -direction

    @property
    def n(self) -> int:
        """The number of seeds in which the difference is defined."""
        return sum(value is not None for value in self.values)


class ArmComparison(Record):
    """An arm compared with the reference arm of its axis, the other axes fixed by ``choice``.

    ``seeds`` are those that both have, ``silent_seeds`` those in which either makes no claim. ``omission_rate`` is the
    rate at which hallucination rates are matched: for each seed the larger rate of both, averaged over ``seeds``; null
    if there is no gold.
    """

    axis: str
    arm: Plain
    reference: Plain
    choice: dict[str, Plain]
    seeds: int
    silent_seeds: list[Plain] = Field(default_factory=list)
    training_differences: list[TrainingDifference] = Field(default_factory=list)
    omission_rate: float | None
    figures: list[ArmDelta]

    def delta(self, name: str | None) -> ArmDelta | None:
        """The difference in a figure, over all claims; None if it was not compared."""
        return next((delta for delta in self.figures if delta.name == name and not delta.by), None)


class ArmTrend(Line):
    """The difference between an arm's line and the reference's, over the points and seeds that both have.

    ``slope`` and ``intercept`` are the arm's minus the reference's, paired by seed and example.
    """

    arm_axis: str
    arm: Plain
    reference: Plain


class BestOnDev(Record):
    """The value of a training or augmentation setting that is best on dev, the other axes fixed by ``choice``.

    ``name`` is the figure, ``mean`` its mean for ``value``, ``next`` the value with the next best mean. ``difference``
    is the best minus the next, with its interval and two-sided p over seeds.
    """

    axis: str
    choice: dict[str, Plain]
    name: str
    value: Plain
    mean: float
    interval: Interval | None = None
    next: Plain
    difference: float
    difference_interval: Interval | None = None
    p: float | None = None
    seeds: int


class StudyFigures(VersionedRecord):
    """The figures of a study; ``missing`` names the cells without an evaluation of the split, and why.

    ``comparisons`` and ``arm_trends`` are empty if every axis is numeric. ``fingerprint`` is the hash of the inputs of
    the figures, empty if unknown.
    """

    name: str
    split: str
    examples: int
    cells: list[CellFigures]
    trends: list[Trend]
    comparisons: list[ArmComparison]
    arm_trends: list[ArmTrend]
    best_on_dev: list[BestOnDev] = Field(default_factory=list)
    missing: dict[str, str]
    fingerprint: str = ""


class StudyFile(StudyFigures):
    """The content of ``study.json``: ``sha256`` is the hash of all other fields (``records.content_sha256``)."""

    sha256: str | None = None
