"""The Python API: the commands as functions that return typed objects instead of printing them.

Paths are paths of configs, run directories and models, as on the command line; ``overrides`` have the form of ``--set``
(``["train.epochs=1"]``). ``messages`` is called with each line that a command would print, and ``progress`` with a
description, the number done, and the total; nothing is printed. ``allow_commands`` allows the config to start the
programs that it names. Every error that is not a bug is a ``HallucError``, with ``code``, ``message``, ``where``,
``help`` and ``exit_code``.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from halluc.core.errors import HallucError
from halluc.core.messages import Level, Listener, Tick, listening
from halluc.core.permissions import allowing_commands

if TYPE_CHECKING:  # each function imports its workflow: `import halluc` loads neither numpy nor torch
    from halluc.runs.advice import Advice, StudyAdvice
    from halluc.runs.audits import AuditResult
    from halluc.runs.reports import AnyReport
    from halluc.runs.results import (
        AugmentResult,
        CheckResult,
        DoctorResult,
        EvalResult,
        ExportResult,
        InitResult,
        ListedRun,
        ProbeResult,
        PushResult,
        TrainResult,
    )
    from halluc.runs.schema import Record
    from halluc.runs.tuning import TuneFile
    from halluc.workflows.experiments import CellOutcome
    from halluc.workflows.prediction import Predictor

__all__ = ["HallucError", "advise", "audit", "augment", "check", "doctor", "evaluate", "export", "init", "list_runs"]
__all__ += ["load", "predict", "probe", "push", "report", "run", "train", "tune"]

Source = str | PathLike[str]
Messages = Callable[[str], object]
Progress = Callable[[str, int, int], object]


class _Callbacks(Listener):
    """Passes messages and progress to the caller of the API."""

    level = Level.NORMAL

    def __init__(self, messages: Messages | None, progress: Progress | None) -> None:
        self.messages, self.progress = messages, progress

    def say(self, text: str, style: str | None = None) -> None:
        if self.messages is not None and text:
            self.messages(text)

    @contextlib.contextmanager
    def bar(self, what: str, unit: str, logged: bool) -> Iterator[Tick]:
        name = what

        def tick(done: int, total: int, what: str | None = None) -> None:
            if self.progress is not None:
                self.progress(name, done, total)

        yield tick


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

    with listening(_Callbacks(messages, progress)):
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

    with listening(_Callbacks(messages, progress)), allowing_commands(allow_commands):
        made = augmentation_runs.augment(Path(config), overrides, run=_path(run))
    return [one for one in made if isinstance(one, AugmentResult)]


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

    with listening(_Callbacks(messages, progress)), allowing_commands(allow_commands):
        return training.train(Path(config), overrides, run=_path(run), resume=resume)


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

    with listening(_Callbacks(messages, progress)):
        return evaluation.evaluate(
            _path(config), overrides, splits=splits, run=_path(run), checkpoint=checkpoint,
            predictions=_path(predictions), name=name, members=members, gold=_path(gold),
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

    with listening(_Callbacks(messages, progress)), allowing_commands(allow_commands):
        where = studies.Where(None if jobs is None else str(jobs))
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

    named = [targets] if isinstance(targets, (str, PathLike)) else targets
    with listening(_Callbacks(messages, progress)):
        wanted = reports.ReportOptions(split, output=_path(output))
        return reports.report([Path(one) for one in named], overrides, wanted).record


def export(
    run: Source,
    *,
    format: Literal["onnx", "torch"] = "onnx",
    quantize: Literal["int8"] | None = None,
    tolerance: float = 0.005,
    output: Source | None = None,
    force: bool = False,
    messages: Messages | None = None,
) -> ExportResult:
    """Export the model of a run, as ``halluc export``: the folder, and the content of export.json.

    Args:
        tolerance: how much the primary figure may fall on dev.
        force: replace an earlier export.

    Raises:
        HallucError: run, task or options are not suitable, the model cannot be exported, or it is worse (code G101).
    """
    from halluc.workflows import exporting

    with listening(_Callbacks(messages, None)):
        options = exporting.ExportOptions(format, quantize, tolerance, _path(output), force)
        return exporting.export(str(run), options)


def load(
    model: Source,
    overrides: Sequence[str] = (),
    *,
    members: Sequence[str] = (),
    messages: Messages | None = None,
) -> Predictor:
    """Load a trained model for prediction: a run directory (``runs/x/latest``), an export, or another model.

    It can be used by several threads. Load it once: that takes seconds. With ``members``, further runs or models, it is
    an ensemble that decides by the mean of their probabilities. ``overrides`` change settings of the run that the
    trained model does not depend on, such as the files of a gazetteer.

    Raises:
        HallucError: there is no run or model, or it is damaged.
    """
    from halluc.workflows import prediction

    with listening(_Callbacks(messages, None)):
        return prediction.load(str(model), members=members, overrides=overrides)


def predict(
    model: Source,
    texts: Iterable[str | tuple[str, str] | Mapping[str, Any]],
    *,
    messages: Messages | None = None,
    progress: Progress | None = None,
) -> list[Record]:
    """Predict texts, pairs of texts, or mappings with the fields of the run's data: returns the records that ``halluc
    predict`` writes.

    The model is loaded in each call; see ``load``.

    Raises:
        HallucError: as ``load``.
    """
    listener = _Callbacks(messages, progress)
    with listener.bar("predicting", "texts", True) as tick:
        return load(model, messages=messages).predict(texts, progress=tick)


def probe(
    target: Source,
    overrides: Sequence[str] = (),
    *,
    patterns: Source,
    facts: Source,
    checkpoint: str | None = None,
    relations: Sequence[str] = (),
    sample: int | None = None,
    most_patterns: int | None = None,
    threshold: float = 0.5,
    name: str = "facts",
    messages: Messages | None = None,
    progress: Progress | None = None,
) -> ProbeResult:
    """Probe the language model of a run, and its base model, for facts, as ``halluc probe``: the figures of each model.

    Args:
        target: a run, or a config.
        checkpoint: another model to probe instead; ``target`` is then a config.
        sample: the maximum number of facts per relation.

    Raises:
        HallucError: patterns or facts are invalid, or the model cannot be probed.
    """
    from halluc.workflows import probing

    asked = probing.ProbeOptions(
        Path(patterns), Path(facts), tuple(relations), sample, most_patterns, threshold, name=name
    )  # fmt: skip
    with listening(_Callbacks(messages, progress)):
        return probing.probe(Path(target), overrides, asked, checkpoint)


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

    wanted = advice.AdviceOptions(_path(write), seeds, most, tuple(unlabelled), gazetteer)
    with listening(_Callbacks(messages, progress)):
        return advice.advise(Path(target), overrides, wanted)


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

    with listening(_Callbacks(messages, progress)):
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

    with listening(_Callbacks(messages, progress)), allowing_commands(allow_commands):
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
    """Write a commented config for a corpus, as ``halluc init``: returns what was detected and the chosen preset.

    Args:
        data: a file, a folder with a file for each split, or ``demo:NAME``.
        output: the config to write.
        overrides: how to read the data, such as ``data.separator=tab``.
        task, preset: override what would be detected.

    Raises:
        HallucError: the data cannot be read, or ``output`` exists or cannot be written.
    """
    from halluc.workflows import initialisation

    with listening(_Callbacks(messages, None)):
        return initialisation.initialise(str(data), Path(output), task=task, preset=preset, overrides=overrides)


def list_runs(folder: Source = "runs") -> list[ListedRun]:
    """The runs and studies of a folder with state and main figures, newest first, as ``halluc runs``.

    Raises:
        HallucError: the folder does not exist, or has no run.
    """
    from halluc.workflows import run_listing

    with listening(_Callbacks(None, None)):
        return run_listing.list_runs(Path(folder))


def doctor() -> DoctorResult:
    """Versions, devices, and what halluc and each extra need, as ``halluc doctor``.

    ``missing`` in the result lists required packages that are not installed, or have another version.

    Raises:
        HallucError: halluc runs from a folder without being installed.
    """
    from halluc.workflows import diagnosis

    with listening(_Callbacks(None, None)):
        return diagnosis.diagnose()


def push(
    run: Source,
    name: str,
    *,
    with_report: bool = False,
    private: bool = False,
    dry_run: bool = True,
    messages: Messages | None = None,
) -> PushResult:
    """Publish the model of a run with its card and config, as ``halluc push``: its files and the commit.

    Args:
        name: ``hub:NAME`` or ``hub:ORGANISATION/NAME``.
        with_report: publish also the report, which quotes texts of the corpus.
        private: make a new repository private, and refuse one that is public.
        dry_run: send nothing; pass False to publish.

    Raises:
        HallucError: the run has no model or no model card, or the hub refuses.
    """
    from halluc.workflows import publishing

    with listening(_Callbacks(messages, None)):
        return publishing.push(Path(run), name, private=private, with_report=with_report, yes=not dry_run)


def _path(given: Source | None) -> Path | None:
    return None if given is None else Path(given)
