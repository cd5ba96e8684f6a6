"""The words of a report's task for its claims."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from halluc.components import TABLE
from halluc.runs.reports import AnyReport, Outcome, RunReport
from halluc.runs.schema import MetricResult
from halluc.task import AnyTask, task_class
from halluc.wording.nouns import Nouns

# The default for reports on runs without a task: they were made when there was only one.
_FIRST = next(iter(TABLE["task"]))


def task(name: str | None, metrics: Iterable[MetricResult] = ()) -> AnyTask:
    """A task, with the settings under which its figures were computed."""
    return task_class(name or _FIRST).evaluated({metric.protocol for metric in metrics})


def task_of(report: AnyReport) -> AnyTask:
    return task(report.task, report.metrics if isinstance(report, RunReport) else ())


def by_novelty(rows: Sequence[Outcome], words: Nouns) -> list[Outcome]:
    """Outcomes by novelty, with display names."""
    return [row.model_copy(update={"name": words.bucket(row.name)}) for row in rows]
