"""Reads the files of a run for one split and checks their consistency; ledger and predictions are streamed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from halluc.config import yaml
from halluc.config.hashing import model_sections, sha256_of_tree
from halluc.config.merging import interpolate
from halluc.config.overrides import apply_all
from halluc.core.errors import HallucError
from halluc.reporting.collect import integrity
from halluc.reporting.collect.claim_selection import SelectedClaims, Texts
from halluc.runs import evaluations
from halluc.runs.directory import RunDir
from halluc.runs.integrity import recorded_evaluations
from halluc.runs.records import read_lines, read_record
from halluc.runs.schema import ConfidenceFile, EvalFile, LedgerLine, Prediction, RunFile
from halluc.task import evaluated as task_of


@dataclass(frozen=True)
class EvaluatedRun:
    """A run and its evaluation of ``split``; ``config`` is its config as plain values at the time of the evaluation.

    Parts that are missing in older runs, or damaged, are None or empty, and ``files`` or ``notes`` say so.
    """

    run: RunDir
    record: RunFile
    split: str
    splits: list[str]
    file: EvalFile
    confidence: ConfidenceFile | None
    coverage: Any
    config: dict[str, Any]
    files: integrity.FileProblems
    notes: list[str] = field(default_factory=list)

    @property
    def chosen_on_dev(self) -> bool:
        """Whether dev selected the checkpoint."""
        return bool((self.record.best or {}).get("dev"))

    def ledger(self) -> Iterator[LedgerLine]:
        path, help = self.run.ledger(self.split), evaluations.anew(self.run, self.split)
        return read_lines(path, LedgerLine, damaged="R112", what="a ledger", help=help)

    def predictions(self) -> Iterator[Prediction]:
        """Typed by the task.

        Raises:
            HallucError R112: a line is damaged.
        """
        return evaluations.predictions(self.run, self.split, task_of(self.file).examples.Line)


def evaluated_splits(run: RunDir) -> list[str]:
    """The splits that have an evaluation, the preferred one first."""
    return [split for split in evaluations.PREFERRED if run.evaluation(split).is_file()]


def read(run: RunDir, requested: str | None) -> EvaluatedRun:
    """The files of a run for the requested split, by default the preferred one.

    Raises:
        HallucError R101, R102: not a run, or one of another version. R112: the split was not evaluated, or a file of
            the evaluation is damaged.
    """
    record = run.read()
    split = choose(run, requested)
    file, notes = evaluations.read(run, split), list[str]()
    files = integrity.run_problems(run, record, split, requested)
    confidence = files.read(
        run.confidence,
        partial(
            read_record,
            run.confidence,
            ConfidenceFile,
            damaged="R114",
            other_version="R114",
            help=evaluations.anew(run),
        ),
        "it is unknown whether claims are withdrawn",
        split,
    )
    coverage = None
    # predictions of another tool may be evaluated without a training split
    if record.predictions is None or run.coverage.exists():
        load = partial(task_of(file).knowledge.load, run.coverage)
        coverage = files.read(run.coverage, load, "the coverage of training is unknown, and no gap is shown")
    if split not in recorded_evaluations(record):
        notes.append(integrity.UNRECORDED)
    return EvaluatedRun(
        run=run,
        record=record,
        split=split,
        splits=evaluated_splits(run),
        file=file,
        confidence=confidence,
        coverage=coverage,
        config=_config(run, record, notes),
        files=files,
        notes=notes,
    )


def choose(run: RunDir, requested: str | None = None) -> str:
    """The requested split, or the preferred one.

    Raises:
        HallucError R112: it was not evaluated.
    """
    splits, on_record = evaluated_splits(run), evaluations.on_record(run.read())
    split = requested or next(iter([*splits, *on_record]), None)
    if split in splits:
        return split
    if split in on_record:
        text = f"{run.evaluation(split)} is missing, although run.json lists {split} as evaluated"
        raise HallucError("R112", text, help=evaluations.anew(run, split))
    if split is None:
        raise HallucError("R112", f"{run.path} is not evaluated", help=evaluations.command(run))
    help = evaluations.unevaluated_help(split, splits, run)
    raise HallucError("R112", f"{run.path} is not evaluated on {split}", help=help)


def _config(run: RunDir, record: RunFile, notes: list[str]) -> dict[str, Any]:
    """The resolved config, with the command-line settings of ``halluc eval`` applied."""
    if not run.config.is_file():
        notes.append("config.yaml is missing, so the config is not shown.")
        return {}
    text = run.config.read_bytes().decode("utf-8", "replace")
    try:
        located = yaml.read(yaml.Source(str(run.config), text))
        # It was resolved when it was written; variables of the command line are not recorded.
        interpolate(located, {})
    except HallucError as error:
        notes.append(f"config.yaml is damaged ({integrity.first_error(error)}): its content is shown unchanged.")
        return {}
    if not (text.endswith("\n") and _is_whole(located.value, record)):
        notes.append("config.yaml is not the config of the run: it was truncated or changed.")
    if not isinstance(located.value, dict):
        return {}
    evaluation = record.stages.get("eval")
    apply_all(located, evaluation.arguments if evaluation else [])
    return dict(located.value)


def _is_whole(tree: Any, record: RunFile) -> bool:
    """Whether all sections are present, and those that decide the model have the hash in ``run.json``."""
    if not isinstance(tree, dict) or not isinstance(tree.get("data"), dict) or "eval" not in tree:
        return False
    # For a model from elsewhere the hash includes more than the config.
    return "train" not in record.stages or sha256_of_tree(model_sections(tree)) == record.config_sha256


def refuse_parts(source: EvaluatedRun, picked: SelectedClaims, texts: Texts) -> None:
    """Compare ledger, predictions and figures: a truncated file lacks lines.

    Raises:
        HallucError R112: they are not of one evaluation, or not complete.
    """
    run, split = source.run, source.split
    counted = evaluations.SplitCounts(
        claims=picked.claims,
        supported=picked.sections["supported"].total,
        unsupported=picked.sections["unsupported"].total,
        omissions=picked.sections["omission"].total,
        examples=texts.examples,
        annotated=texts.annotated,
    )
    evaluations.refuse_parts(run, split, source.file, counted)
    evaluations.refuse_strangers(run, split, texts.missing)
    for worst in picked.sections.values():
        for line in worst.items():
            if (line.end or 0) > len(texts.kept[line.id].tokens_of(line.record)):
                text = f"{run.ledger(split)} has tokens of {line.id[:100]} that are not in {run.predictions(split)}"
                raise HallucError("R112", text, help=evaluations.anew(run, split))
