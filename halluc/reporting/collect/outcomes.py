"""Outcomes of claims and gold by slice, the classification reports, and the forecast and observed gap."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from halluc.core.errors import HallucError, Location
from halluc.core.examples import Example
from halluc.core.figures import HALLUCINATION, OMISSION, rows
from halluc.core.files import read_regular
from halluc.core.labels import OUT_OF_SCOPE
from halluc.gap.forecast import Gap, Proportion
from halluc.gap.knowledge import TrainingCoverage
from halluc.runs.directory import RunDir
from halluc.runs.evaluations import anew
from halluc.runs.reports import ClassRow, ClassTable, GapRow, Mistake, Outcome
from halluc.runs.schema import MetricResult
from halluc.task import AnyTask, Knowledge
from halluc.wording.nouns import FigureLookup

ALL = "all"
MOST_MISTAKES = 20

_AVERAGES = ("micro avg", "macro avg", "weighted avg")


def by_novelty(figures: FigureLookup, task: AnyTask) -> list[Outcome]:
    """All, then from the best known to new; empty if novelty is unknown."""
    there = {novelty for name in (HALLUCINATION, OMISSION) for novelty in figures.slices(name, "novelty")}
    return _outcomes(figures, task, "novelty", [novelty for novelty in task.knowledge.novelties if novelty in there])


def by_label(figures: FigureLookup, task: AnyTask) -> list[Outcome]:
    """All, then each label in the order of the file; empty if there are none."""
    labels = dict.fromkeys(label for name in (HALLUCINATION, OMISSION) for label in figures.slices(name, "label"))
    return _outcomes(figures, task, "label", list(labels))


def _outcomes(figures: FigureLookup, task: AnyTask, key: str, values: list[str]) -> list[Outcome]:
    if not values:
        return []
    slices = [(ALL, {}), *((value, {key: value}) for value in values)]
    return [
        Outcome(
            name=name,
            claims=figures.n(HALLUCINATION, **by),
            gold=figures.n(OMISSION, **by),
            support=figures.get("support_rate", **by),
            distortion=figures.get("distortion_rate", **by) if task.judge.reasons else None,
            hallucination=figures.get(HALLUCINATION, **by),
            omission=figures.get(OMISSION, **by),
        )
        for name, by in slices
    ]


class _Row(BaseModel, allow_inf_nan=False):
    precision: float
    recall: float
    f1: float = Field(alias="f1-score")
    support: int


_ROWS = TypeAdapter(dict[str, _Row])


class _Report(BaseModel, extra="allow"):
    """``eval/<split>_classification_report.json``; further tables have the names in the rows of figures."""

    labels: dict[str, _Row] = {}
    averages: dict[str, _Row] = {}
    out_of_scope: _Row | None = None


class _Confusion(BaseModel):
    """The confusion of labels: a matrix for few classes, only the most frequent mistakes for many."""

    confusion: dict[str, dict[str, int]] = {}
    confusions: list[Mistake] = []


def classification(path: Path, figures: FigureLookup) -> tuple[list[ClassTable], list[Mistake]]:
    """The reports of a split, with the titles of eval/<split>_classification_report.txt; and which labels are confused
    with which, the most frequent first, if the task labels texts.

    Raises:
        FileNotFoundError: there is none. HallucError R112: a part that is read is damaged.
    """
    headings = _headings(figures)
    try:
        report = _Report.model_validate_json(read_regular(path))
        others = report.model_extra or {}
        tables = {key: _ROWS.validate_python(others.get(key, {})) for key in headings}
        # Of tokens the confusion has another form.
        confusion = _Confusion.model_validate(others if report.labels else {})
    except ValidationError as error:
        text = f"the classification report is damaged: {error.errors()[0]['msg']}"
        raise HallucError("R112", text, Location(str(path), 1), anew(RunDir(path.parent.parent))) from None
    if report.labels:
        # Out of scope is a row next to the labels, and not part of the averages.
        outside = {OUT_OF_SCOPE: report.out_of_scope} if report.out_of_scope else {}
        tables["labels"] = {**report.labels, **outside, **report.averages}
    return [_table(headings[key], rows) for key, rows in tables.items() if rows], _mistakes(confusion)


def _mistakes(result: _Confusion) -> list[Mistake]:
    pairs: Iterable[Mistake] = result.confusions or (
        Mistake(gold=gold, predicted=predicted, n=n)
        for gold, row in result.confusion.items()
        for predicted, n in row.items()
        if gold != predicted and n
    )
    return sorted(pairs, key=lambda one: -one.n)[:MOST_MISTAKES]


def _headings(figures: FigureLookup) -> dict[str, str]:
    """For each table of the file: what its rows are, and the protocol of its figures."""
    result = {}
    for row in rows().values():
        protocols = list(dict.fromkeys(metric.protocol for metric in figures.named(row.name)))
        for number, (key, what) in enumerate(row.reports):
            result[key] = f"{what}, {protocols[number]}" if number < len(protocols) else key
    return result


def _table(title: str, rows: dict[str, _Row]) -> ClassTable:
    made = [ClassRow(name=name, **row.model_dump()) for name, row in rows.items()]
    return ClassTable(
        title=title,
        rows=[row for row in made if row.name not in _AVERAGES],
        averages=[row for row in made if row.name in _AVERAGES],
    )


def gap_rows(knowledge: Knowledge[Any], coverage: TrainingCoverage, examples: Iterable[Example]) -> list[GapRow]:
    """The gap between a split and the training data, overall first (``docs/gap.md``).

    Overall, every unseen word is new, so ``new`` is not reported there.
    """
    result = knowledge.gap(coverage, examples)
    overall = _gap_row(None, result.overall, result.counted)
    if result.counted == "words":
        overall.new = None
    return [overall, *(_gap_row(label, gap, result.counted) for label, gap in result.by_label.items())]


def _gap_row(label: str | None, gap: Gap, counted: str) -> GapRow:
    by = {} if label is None else {"label": label}
    protocol = f"{counted} of the split against those of the training split"
    forecast = "Good-Turing on the training split, interval of Esty 1983"
    excess = "unseen minus forecast, interval of Newcombe 1998, method 10"
    return GapRow(
        label=label,
        counted=gap.mentions,
        forecast=_metric("gap_forecast", gap.forecast, by, forecast),
        unseen=_metric("gap_unseen", gap.unseen, by, protocol),
        new=_metric("gap_new", gap.new, by, protocol),
        excess=_metric("gap_excess", gap.excess, by, excess),
    )


def _metric(name: str, figure: Proportion, by: dict[str, str], protocol: str) -> MetricResult:
    return MetricResult(
        name=name, value=figure.value, n=figure.n, interval=figure.interval, by=by, protocol=protocol
    )  # fmt: skip
