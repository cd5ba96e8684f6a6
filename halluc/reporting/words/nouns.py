"""What claims are about, in plain words, as the task of a report has it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from halluc.components import TABLE
from halluc.runs.reports import AnyReport, Mistake, Outcome, RunReport, SplitRow
from halluc.runs.schema import MetricResult
from halluc.task import AnyTask, task_class
from halluc.wording import formats
from halluc.wording.nouns import Nouns

# Of reports on runs that say no task: they were made before there were several.
_FIRST = next(iter(TABLE["task"]))


def task(name: str | None, metrics: Iterable[MetricResult] = ()) -> AnyTask:
    """A task, set as it was where its figures were counted."""
    return task_class(name or _FIRST).evaluated({metric.protocol for metric in metrics})


def of(name: str | None, metrics: Iterable[MetricResult] = ()) -> Nouns:
    """The words of a task; ``metrics`` tell how it was set."""
    return task(name, metrics).wording.nouns


def task_of(report: AnyReport) -> AnyTask:
    return task(report.task, report.metrics if isinstance(report, RunReport) else ())


def of_report(report: AnyReport) -> Nouns:
    return task_of(report).wording.nouns


def counts(found: Sequence[SplitRow]) -> dict[str, str]:
    """What is counted of some splits, with its heading; nothing that is 0 in each."""
    names = dict.fromkeys(name for row in found for name, count in row.counts.items() if count)
    return {name: name.replace("_", " ") for name in names}


def mistakes(found: Iterable[Mistake], words: Nouns) -> list[list[str]]:
    """Rows of what was annotated, what was claimed, and how often."""
    return [[words.class_name(one.gold), words.class_name(one.predicted), formats.count(one.n)] for one in found]


def by_novelty(rows: Sequence[Outcome], words: Nouns) -> list[Outcome]:
    """Outcomes by novelty, under the names that people read."""
    return [row.model_copy(update={"name": words.bucket(row.name)}) for row in rows]
