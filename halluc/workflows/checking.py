"""Checks before a training: whether config and data are valid, and warnings about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from halluc.analysis import gates
from halluc.components import TABLE
from halluc.config.hashing import sha256_of_tree
from halluc.config.loading import LoadedConfig
from halluc.config.matrix import Cell, load_study
from halluc.config.models import ModelConfig
from halluc.core.errors import HallucError, ManyErrors, refuse
from halluc.core.messages import progress, put
from halluc.data.checks import check_corpora
from halluc.data.corpora import Corpora
from halluc.engine.references import resolve_model
from halluc.gap.forecast import SplitGap
from halluc.gap.withhold import Withheld
from halluc.runs.data import DataRecord
from halluc.runs.results import CheckResult
from halluc.task import AnyTask
from halluc.workflows import augmentation, cells, reading_progress
from halluc.workflows.cell_selection import Selection, choose
from halluc.workflows.job import Job

if TYPE_CHECKING:
    from halluc.workflows.inspection import Inspection


@dataclass(frozen=True)
class Checked:
    """The result of a check, for the cells of a study that are ``alike``: equal in all that is checked."""

    task: AnyTask
    alike: Sequence[Cell]
    data: DataRecord
    gaps: Mapping[str, SplitGap]
    withheld: Withheld | None
    plan: dict[str, Any] | None
    inspection: Inspection | None

    @cached_property
    def record(self) -> CheckResult:
        gap = {
            "withheld": self.withheld.as_record() if self.withheld else None,
            "splits": {name: gap.as_json() for name, gap in self.gaps.items()},
        }
        return CheckResult(
            **dict(self.data),
            cells=None if self.alike[0].slug is None else [str(cell.slug) for cell in self.alike],
            gap=gap,
            augment=self.plan,
            model=asdict(self.inspection) if self.inspection else None,
        )


def check(
    config: Path, overrides: Sequence[str] = (), *, only: Sequence[str] = (), deep: bool = False
) -> list[CheckResult]:
    """Check an experiment, or the cells of a study: cells that do not differ in anything that is checked, once.

    Raises:
        HallucError or ManyErrors, exit codes 2 and 3: what is wrong with the config or the data.
    """
    chosen = choose(load_study(config, overrides, table=TABLE), Selection(tuple(only)))
    for cell in chosen:
        _ = Job.of(cell).choose_by
        gates.refuse_invalid(cell.loaded)
    alike: dict[str, list[Cell]] = {}
    for cell in chosen:
        alike.setdefault(_hash_of_checked(cell.loaded, deep), []).append(cell)

    def check_cell(cell: Cell) -> CheckResult:
        checked = _check(Job.of(cell), alike[_hash_of_checked(cell.loaded, deep)], deep)
        put(checked)
        return checked.record

    representatives = [like[0] for like in alike.values()]
    results, _ = cells.for_each(
        representatives, check_cell, lambda result: "checked", done=lambda cell: False, brief=False
    )
    return results


def _hash_of_checked(loaded: LoadedConfig, deep: bool) -> str:
    """Hash of the keys that a check depends on: cells that only differ elsewhere, such as in seed, are checked once."""
    parts = {
        section: loaded.tree[section]
        for section in ("task", "data", "gap", "augment", *(("model", "train") if deep else ()))
    }
    return sha256_of_tree({**parts, "encoder": [loaded.tree["model"][key] for key in ("name", "scratch")]})


def _check(job: Job, alike: Sequence[Cell], deep: bool) -> Checked:
    """Check one experiment, for all cells that are ``alike``."""
    task, settings, words = job.task, job.settings, job.task.wording.words
    augmentation.refuse_unfit(job.loaded, task)
    with reading_progress.reading(settings.data):
        corpora = job.corpora()
    _refuse_labels(task, corpora)
    if "train" in corpora.splits:
        job.refuse_unknown_classes(corpora.splits["train"])
    with progress(f"{words.examples} counted", logged=False) as tick:
        report = check_corpora(corpora, words, tick, settings.data)
    bare = sum(not example.labels for corpus in corpora.splits.values() for example in corpus)
    report.warnings.extend(settings.data.unmet({name: split.labels for name, split in report.splits.items()}, bare))
    report.warnings.extend(_absent_model(settings.model))
    remaining = job.remaining()
    if "train" in remaining.splits:
        report.warnings.extend(job.training_warnings(remaining.splits["train"]))
    gaps: dict[str, SplitGap] = {}
    if "train" in remaining.splits:
        job.refuse_bare(remaining.splits["train"])
        coverage = task.knowledge.of(remaining.splits)
        others = {name: corpus for name, corpus in remaining.splits.items() if name != "train"}
        gaps = {name: task.knowledge.gap(coverage, corpus) for name, corpus in others.items()}
    plan = augmentation.plan_summary(job)
    inspected = None
    if deep:
        from halluc.workflows import inspection

        inspected = inspection.inspect(job)
    return Checked(task, alike, report, gaps, job.withheld, plan, inspected)


def _refuse_labels(task: AnyTask, corpora: Corpora) -> None:
    """Errors that training, or evaluation, would raise later.

    Raises:
        HallucError or ManyErrors: labels that the task cannot have, of all splits at once.
    """
    results: list[HallucError] = []
    for corpus in corpora.splits.values():
        try:
            task.examples.labels(corpus)
        except ManyErrors as errors:
            results += errors.errors
        except HallucError as error:
            results.append(error)
    refuse(results)


def _absent_model(model: ModelConfig) -> list[str]:
    """A missing model is not an error in config or data, but train would fail."""
    if model.name is None:
        return []
    try:
        resolve_model(model.name, gguf=True)
    except HallucError as error:
        return [error.message + (f" ({error.help})" if error.help else "")]
    return []
