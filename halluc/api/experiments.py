"""The part of the API for the experiments of a config."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from halluc.api.calls import Callbacks, Messages, Progress, Source, optional_path
from halluc.core.messages import listening
from halluc.core.processes import allowing_commands

if TYPE_CHECKING:  # each function imports its workflow: `import halluc` loads neither numpy nor torch
    from halluc.runs.advice import Advice, StudyAdvice
    from halluc.runs.audits import AuditResult
    from halluc.runs.reports import AnyReport
    from halluc.runs.results import AugmentResult, CheckResult, EvalResult, InitResult, TrainResult
    from halluc.runs.tuning import TuneFile
    from halluc.workflows.experiments import CellOutcome


def check(
    config: Source,
    overrides: Sequence[str] = (),
    *,
    deep: bool = False,
    messages: Messages | None = None,
    progress: Progress | None = None,
) -> list[CheckResult]:
    """Check config and data, as ``halluc check``: one result; for a study, one for all cells with the same data.

    Raises:
        HallucError: the config or the data is invalid; ``ManyErrors`` for several mistakes.
    """
    from halluc.workflows import checking

    with listening(Callbacks(messages, progress)):
        return checking.check(Path(config), overrides, deep=deep)


def augment(
    config: Source,
    overrides: Sequence[str] = (),
    *,
    run: Source | None = None,
    allow_commands: bool = False,
    messages: Messages | None = None,
    progress: Progress | None = None,
) -> list[AugmentResult]:
    """Make the augmented corpus, as ``halluc augment``: one result; for a study, one per cell that had no corpus.

    Raises:
        HallucError: the config has no augmentation, or it cannot be made.
    """
    from halluc.runs.results import AugmentResult
    from halluc.workflows import augmentation_runs

    with listening(Callbacks(messages, progress)), allowing_commands(allow_commands):
        results = augmentation_runs.augment(Path(config), overrides, run=optional_path(run))
    return [one for one in results if isinstance(one, AugmentResult)]


def train(
    config: Source,
    overrides: Sequence[str] = (),
    *,
    run: Source | None = None,
    resume: bool = False,
    allow_commands: bool = False,
    messages: Messages | None = None,
    progress: Progress | None = None,
) -> list[TrainResult]:
    """Train, as ``halluc train``: one result; for a study, one per cell that was not trained before.

    Raises:
        HallucError: a problem with config, data, run or machine.
    """
    from halluc.workflows import training

    with listening(Callbacks(messages, progress)), allowing_commands(allow_commands):
        return training.train(Path(config), overrides, run=optional_path(run), resume=resume)


def evaluate(
    config: Source | None = None,
    overrides: Sequence[str] = (),
    *,
    run: Source | None = None,
    checkpoint: str | None = None,
    splits: Sequence[Literal["train", "dev", "test"]] | None = None,
    predictions: Source | None = None,
    name: str | None = None,
    members: Sequence[str] = (),
    gold: Source | None = None,
    messages: Messages | None = None,
    progress: Progress | None = None,
) -> list[EvalResult]:
    """Evaluate, as ``halluc eval``: one result per split, with its figures and gates.

    Args:
        run: a run directory instead of ``config``.
        checkpoint: a model that is not from halluc, evaluated on the data of ``config``.
        predictions: a file of predictions of another tool, evaluated instead of a model; ``name`` is that of the tool.
        members: runs or models whose probabilities are averaged with those of the model (``--with``).
        gold: a file of other annotation to evaluate the run against; its own evaluation stays unchanged.

    Raises:
        HallucError: there is no trained model, the data is invalid, or a gate is not met (code G100).
    """
    from halluc.workflows import evaluation

    with listening(Callbacks(messages, progress)):
        return evaluation.evaluate(
            optional_path(config), overrides, splits=splits, run=optional_path(run), checkpoint=checkpoint,
            predictions=optional_path(predictions), name=name, members=members, gold=optional_path(gold),
        )  # fmt: skip


def run(
    config: Source,
    overrides: Sequence[str] = (),
    *,
    jobs: int | Literal["auto"] | None = None,
    allow_commands: bool = False,
    messages: Messages | None = None,
    progress: Progress | None = None,
) -> CellOutcome:
    """Train, evaluate and report, as ``halluc run``: the results of this call, and the report.

    Args:
        jobs: how many cells of a study run at once, each in its own process.

    Raises:
        HallucError: as ``train`` and ``evaluate``.
    """
    from halluc.launch import studies

    with listening(Callbacks(messages, progress)), allowing_commands(allow_commands):
        where = studies.LaunchOptions(None if jobs is None else str(jobs))
        return studies.run(Path(config), overrides, where=where)


def report(
    targets: Source | Sequence[Source],
    overrides: Sequence[str] = (),
    *,
    split: str | None = None,
    output: Source | None = None,
    messages: Messages | None = None,
    progress: Progress | None = None,
) -> AnyReport:
    """Report on one run, on several compared with the first, or on a study, as ``halluc report``: the content of
    report.json.

    The page, the Markdown and the JSON are also written, to ``output`` or to ``report/`` in the run or study.

    Raises:
        HallucError: a run is not evaluated, or damaged.
    """
    from halluc.workflows import reports

    paths = [targets] if isinstance(targets, (str, PathLike)) else targets
    with listening(Callbacks(messages, progress)):
        options = reports.ReportOptions(split, output=optional_path(output))
        return reports.report([Path(one) for one in paths], overrides, options).record


def advise(
    target: Source,
    overrides: Sequence[str] = (),
    *,
    write: Source | None = None,
    seeds: int = 3,
    most: int = 8,
    unlabelled: Sequence[str] = (),
    gazetteer: str | None = None,
    messages: Messages | None = None,
    progress: Progress | None = None,
) -> Advice | StudyAdvice:
    """Report which errors a run makes on dev and which remedies address them, as ``halluc advise``; for a study, which
    remedy differs significantly from its reference.

    Args:
        target: an evaluated run, its config, or a study.
        write: the config to write: a study of the remedies; for a study, its best arm.
        seeds: seeds of that study, 1 to N. most: its maximum number of remedies.
        unlabelled, gazetteer: files for remedies that need them.

    Raises:
        HallucError: the run has no intact evaluation of dev, or the config cannot be written.
    """
    from halluc.workflows import advice

    options = advice.AdviceOptions(optional_path(write), seeds, most, tuple(unlabelled), gazetteer)
    with listening(Callbacks(messages, progress)):
        return advice.advise(Path(target), overrides, options)


def audit(
    target: Source,
    overrides: Sequence[str] = (),
    *,
    splits: Sequence[Literal["train", "dev", "test"]] = (),
    folds: int = 5,
    messages: Messages | None = None,
    progress: Progress | None = None,
) -> list[AuditResult]:
    """Search for annotation errors, as ``halluc audit``: one result per split, with the files of its suspects.

    Args:
        target: a run, or a config.
        splits: the splits to audit; empty: all that can be audited.
        folds: how many models are cross-fitted for the training split.

    Raises:
        HallucError: there is no trained model for dev and test, a split has no annotation, or the task has no audit.
    """
    from halluc.workflows import audit as auditing

    with listening(Callbacks(messages, progress)):
        return auditing.audit(Path(target), overrides, auditing.AuditOptions(tuple(splits), folds))


def tune(
    config: Source,
    overrides: Sequence[str] = (),
    *,
    fresh: bool = False,
    allow_commands: bool = False,
    messages: Messages | None = None,
    progress: Progress | None = None,
) -> TuneFile:
    """Search for the best config, as ``halluc tune``: every trial, and the best one, with their configs as files.

    Args:
        fresh: move the trials of an earlier call aside.

    Raises:
        HallucError: a problem with the config, its search space, or the trials of an earlier call.
    """
    from halluc.workflows import tuning

    with listening(Callbacks(messages, progress)), allowing_commands(allow_commands):
        return tuning.tune(Path(config), overrides, fresh=fresh)


def init(
    data: Source,
    output: Source,
    overrides: Sequence[str] = (),
    *,
    task: str | None = None,
    preset: str | None = None,
    messages: Messages | None = None,
) -> InitResult:
    """Write a commented config for a corpus, as ``halluc init``: returns the detected task and the chosen preset.

    Args:
        data: a file, a folder with a file for each split, or ``demo:NAME``.
        output: the config to write.
        overrides: how to read the data, such as ``data.separator=tab``.
        task, preset: override what would be detected.

    Raises:
        HallucError: the data cannot be read, or ``output`` exists or cannot be written.
    """
    from halluc.workflows import initialisation

    with listening(Callbacks(messages, None)):
        return initialisation.initialise(str(data), Path(output), task=task, preset=preset, overrides=overrides)
