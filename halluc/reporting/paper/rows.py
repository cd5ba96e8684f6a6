"""Every figure of a report as a row: for a spreadsheet, R or pandas."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence

from halluc.runs.figure_lines import FigureLine, NamedEvaluation
from halluc.runs.reports import AnyReport
from halluc.runs.studies import ArmComparison, Comparison, StudyFigures
from halluc.wording import formats

COLUMNS = tuple(FigureLine.model_fields)
# A spreadsheet interprets a cell that begins with one of these as a formula.
_FORMULA = re.compile(r"[=+\-@\t\r]")


def rows(report: AnyReport, evaluated: Sequence[NamedEvaluation]) -> list[FigureLine]:
    """The values of each run, then derived values: means over seeds, and differences."""
    protocols = {(one.name, tuple(one.by.items())): one.protocol for run in evaluated for one in run.file.metrics}
    lines = [*_values(evaluated)]
    if report.kind == "comparison":
        lines += [row for other in report.others for row in _comparison_rows(other)]
    if report.kind == "study":
        lines += [
            *_means(report.figures),
            *(row for one in report.figures.comparisons for row in _arm(report.split, one)),
        ]
    return [
        row
        if row.protocol
        else row.model_copy(update={"protocol": protocols.get((row.figure, tuple(row.slice.items())), "")})
        for row in lines
    ]


def _values(evaluated: Iterable[NamedEvaluation]) -> Iterator[FigureLine]:
    for run in evaluated:
        for one in run.file.metrics:
            low, high = one.interval or (None, None)
            yield FigureLine(
                figure=one.name, split=run.file.split, slice=one.by, statistic="value", value=one.value, low=low,
                high=high, n=one.n, protocol=one.protocol, run=run.name, arm=run.choice, seed=run.seed,
            )  # fmt: skip


def _means(figures: StudyFigures) -> Iterator[FigureLine]:
    for cell in figures.cells:
        for one in cell.figures:
            low, high = one.interval or (None, None)
            yield FigureLine(
                figure=one.name, split=figures.split, slice=one.by, statistic="mean", value=one.mean, low=low,
                high=high, sd=one.sd, seeds=sum(value is not None for value in one.values), arm=cell.choice,
            )  # fmt: skip


def _arm(split: str, comparison: ArmComparison) -> Iterator[FigureLine]:
    for one in comparison.figures:
        low, high = one.interval or (None, None)
        yield FigureLine(
            figure=one.name, split=split, slice=one.by, statistic="difference", value=one.difference, low=low,
            high=high, sd=one.sd, p=one.p_holm, seeds=one.n, arm={comparison.axis: comparison.arm, **comparison.choice},
            reference=str(comparison.reference),
        )  # fmt: skip


def _comparison_rows(comparison: Comparison) -> Iterator[FigureLine]:
    matched = [] if comparison.matched_omission is None else [comparison.matched_omission.delta]
    for one in [*comparison.figures, *matched]:
        low, high = one.interval or (None, None)
        yield FigureLine(
            figure=one.name, split=comparison.split, slice=one.by, statistic="difference", value=one.difference,
            low=low, high=high, p=one.p_holm, run=comparison.b, reference=comparison.a,
        )  # fmt: skip


def as_csv(lines: Iterable[FigureLine]) -> str:
    """Text that a spreadsheet would interpret as a formula begins with an apostrophe."""
    content = io.StringIO(newline="")
    writer = csv.writer(content, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in lines:
        writer.writerow([_cell(getattr(row, column)) for column in COLUMNS])
    return content.getvalue()


def _cell(value: object) -> object:
    if value is None or isinstance(value, int | float):
        return value
    text = "; ".join(f"{key}={one}" for key, one in value.items()) if isinstance(value, dict) else str(value)
    text = formats.visible(text, longest=None)
    return f"'{text}" if _FORMULA.match(text) else text
