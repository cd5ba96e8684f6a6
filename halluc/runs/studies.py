"""The typed shape of what compares runs: ``halluc report A B --json``, and ``study.json`` of a matrix."""

from __future__ import annotations

from halluc.runs.schema import SCHEMA_VERSION, Record

Interval = tuple[float, float]


class Delta(Record):
    """A figure of two runs on the same examples, and their difference (``b`` less ``a``).

    ``p`` is two-sided, from a paired bootstrap over examples; ``p_holm`` is adjusted for all figures compared.
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
    """Hallucination rates where a threshold on confidence brings both runs to the larger of their omission rates."""

    omission_rate: float
    a: float | None
    b: float | None
    difference: float | None
    interval: Interval | None = None
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
    """One point of a study: the choice on each axis but the seed, the runs behind it, and its figures."""

    choice: dict[str, str | int | float | bool | None]
    runs: list[str]
    figures: list[SeedFigure]


class Trend(Record):
    """A figure against a numeric axis, the other axes fixed: least squares over the means of its points."""

    choice: dict[str, str | int | float | bool | None]
    axis: str
    name: str
    by: dict[str, str]
    points: int
    slope: float | None
    slope_interval: Interval | None = None
    intercept: float | None
    intercept_interval: Interval | None = None


class StudyFigures(Record):
    """``study.json``; ``missing`` names the cells without an evaluation of the split, and why."""

    schema_version: int = SCHEMA_VERSION
    name: str
    split: str
    examples: int
    cells: list[CellFigures]
    trends: list[Trend]
    missing: dict[str, str]
