"""What claims are about, in plain words, as the task of a report has it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from halluc.components import TABLE
from halluc.runs.reports import AnyReport, Outcome, RunReport
from halluc.runs.schema import MetricResult
from halluc.task import AnyTask, task_class
from halluc.wording.nouns import Nouns

# Of reports on runs that say no task: they were made before there were several.
_FIRST = next(iter(TABLE["task"]))


def task(name: str | None, metrics: Iterable[MetricResult] = ()) -> AnyTask:
    """A task, set as it was where its figures were counted."""
    return task_class(name or _FIRST).evaluated({metric.protocol for metric in metrics})


def task_of(report: AnyReport) -> AnyTask:
    return task(report.task, report.metrics if isinstance(report, RunReport) else ())


def by_novelty(rows: Sequence[Outcome], words: Nouns) -> list[Outcome]:
    """Outcomes by novelty, under the names that people read."""
    return [row.model_copy(update={"name": words.bucket(row.name)}) for row in rows]
