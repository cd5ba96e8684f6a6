"""The typed shape of what compares runs: ``halluc report A B --json``, and ``study.json`` of a matrix."""

from __future__ import annotations

from halluc.runs.schema import SCHEMA_VERSION, Record

Interval = tuple[float, float]
# What a cell may choose on an axis.
Plain = str | int | float | bool | None


class Delta(Record):
    """A figure of two runs on the same examples, and their difference (``b`` less ``a``).

    ``p`` is two-sided, from a paired bootstrap over examples; ``p_holm`` is adjusted for all figures of all runs that
    are compared with the first.
    """

    name: str
    by: dict[str, str]
    a: float | None
    b: float | None
    difference: float | None
    interval: Interval | None = None
    p: float | None = None
    p_holm: float | None = None


class Flip(Record):
    """A claim on which two runs differ; ``absent`` where one does not make it."""

    id: str
    start: int | None
    end: int | None
    text: str
    label: str
    a: str
    b: str


class MatchedOmission(Record):
    """Hallucination rates where a threshold on confidence brings both runs to the larger of their omission rates.

    ``p`` and ``p_holm`` are as those of ``Delta``, and adjusted with them.
    """

    omission_rate: float
    a: float | None
    b: float | None
    difference: float | None
    interval: Interval | None = None
    p: float | None = None
    p_holm: float | None = None
    achieved: tuple[float, float]


class Comparison(Record):
    """Two runs on one split."""

    schema_version: int = SCHEMA_VERSION
    split: str
    a: str
    b: str
    examples: int
    config_differences: list[str]
    figures: list[Delta]
    matched_omission: MatchedOmission | None
    flipped: list[Flip]


class SeedFigure(Record):
    """A figure over the seeds of one cell: mean, standard deviation (null for one seed) and hierarchical interval."""

    name: str
    by: dict[str, str]
    mean: float | None
    sd: float | None
    seeds: int
    interval: Interval | None = None
    values: list[float | None]


class CellFigures(Record):
    """One point of a study: the choice on each axis but the seed, the runs behind it, and its figures.

    An arm that is not the reference also has ``hallucination_rate_at_matched_omission``, by ``{axis: reference}``.
    """

    choice: dict[str, Plain]
    runs: list[str]
    figures: list[SeedFigure]


class Line(Record):
    """A straight line of a figure against a numeric axis, the other axes fixed by ``choice``."""

    choice: dict[str, Plain]
    axis: str
    name: str
    by: dict[str, str]
    points: int
    slope: float | None
    slope_interval: Interval | None = None
    intercept: float | None
    intercept_interval: Interval | None = None


class Trend(Line):
    """Least squares over the means of a figure's points."""


class ArmDelta(Record):
    """A figure of an arm less the reference's: means over the seeds that both have, paired by seed and example.

    ``p`` is two-sided; ``p_holm`` is adjusted for all arms that are compared in this figure under the same choice.
    """

    name: str
    by: dict[str, str]
    reference: float | None
    arm: float | None
    difference: float | None
    interval: Interval | None = None
    p: float | None = None
    p_holm: float | None = None


class ArmComparison(Record):
    """An arm against the reference arm of its axis, the other axes fixed by ``choice``.

    ``omission_rate`` is where hallucination rates are matched: of each seed the larger rate of both, their mean over
    ``seeds``; null where there is no gold.
    """

    axis: str
    arm: Plain
    reference: Plain
    choice: dict[str, Plain]
    seeds: int
    omission_rate: float | None
    figures: list[ArmDelta]


class ArmTrend(Line):
    """How an arm's line differs from the reference's, over the points that both have.

    ``slope`` and ``intercept`` are the arm's less the reference's, paired by seed and example.
    """

    arm_axis: str
    arm: Plain
    reference: Plain


class StudyFigures(Record):
    """``study.json``; ``missing`` names the cells without an evaluation of the split, and why.

    ``comparisons`` and ``arm_trends`` are empty where every axis is one of numbers. ``fingerprint`` is the hash of what
    the figures were counted from, empty where that is not known.
    """

    schema_version: int = SCHEMA_VERSION
    name: str
    split: str
    examples: int
    cells: list[CellFigures]
    trends: list[Trend]
    comparisons: list[ArmComparison]
    arm_trends: list[ArmTrend]
    missing: dict[str, str]
    fingerprint: str = ""
