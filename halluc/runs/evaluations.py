"""The evaluations of a run: their splits, and whether their files are complete and consistent."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from halluc.components import TABLE
from halluc.core.errors import HallucError, did_you_mean
from halluc.core.figures import HALLUCINATION, OMISSION, SUPPORT
from halluc.runs import integrity
from halluc.runs.directory import RunDir
from halluc.runs.records import read_json, read_lines, read_record
from halluc.runs.schema import EvalFile, Prediction, RunFile

PredictionT = TypeVar("PredictionT", bound=Prediction)

# The default split: the first of these that was evaluated.
PREFERRED = ("test", "dev", "train")


@dataclass(frozen=True)
class SplitCounts:
    """The counts of a split's ledger and predictions, without claims that no evidence could judge.

    ``annotated`` is the gold of the predictions, ``gold`` that of the ledger, None if it was not counted.
    """

    claims: int
    supported: int
    unsupported: int
    omissions: int
    examples: int
    annotated: int | None
    gold: int | None = None


def command(run: RunDir, split: str | None = None) -> str:
    """The command line that repeats the evaluation of a run, or of the predictions of another tool in it."""
    with contextlib.suppress(HallucError):  # a damaged record is reported when it is needed
        record = run.read()
        if record.ensemble:
            first, *others = (member.model for member in record.ensemble)
            of_others = [part for one in others for part in ("--with", one)]
            options = [*of_others, *(["--split", split] if split else [])]
            return shlex.join(["halluc", "eval", "--run", first, *options])
        judged = record.predictions
        if judged is not None:
            options = ["--predictions", judged.file, "--split", judged.split, "--name", judged.name]
            return shlex.join(["halluc", "eval", str(run.config), *options])
    return shlex.join(["halluc", "eval", "--run", str(run.path), *(["--split", split] if split else [])])


def anew(run: RunDir, split: str | None = None) -> str:
    """Advice for damaged files of an evaluation."""
    return f"evaluate again: {command(run, split)}"


def unevaluated_help(split: str, evaluated: Sequence[str], run: RunDir | None = None) -> str:
    """Advice if a split was requested that is not evaluated; ``run``: the run that it belongs to, if any."""
    near = did_you_mean(split, evaluated)
    if near is not None:
        return f"did you mean `{near}`?"
    known = f"evaluated {'is' if len(evaluated) == 1 else 'are'} {', '.join(f'`{name}`' for name in evaluated)}"
    if run is None or split not in PREFERRED:
        return known if evaluated else "evaluate it first, with `halluc eval`"
    first = f"evaluate it first: {command(run, split)}"
    return f"{first} ({known})" if evaluated else first


def on_record(record: RunFile) -> list[str]:
    """The splits that were evaluated according to ``run.json``, the preferred one first."""
    known = integrity.recorded_evaluations(record)
    return [split for split in PREFERRED if split in known]


def problems(run: RunDir, record: RunFile, split: str) -> dict[str, str]:
    """Problems of an evaluation's files, by their path in the run: missing, or changed afterwards."""
    recorded = integrity.recorded_evaluations(record).get(split, {})
    result = integrity.problems(run.path, recorded, f"the evaluation of {split}")
    if is_of_later_evaluation(run, record, split):
        del result[run.confidence.name]
    return result


def is_of_later_evaluation(run: RunDir, record: RunFile, split: str) -> bool:
    """Whether ``confidence.json`` was written by the evaluation of another split, and not of this one."""
    name, recorded = run.confidence.name, integrity.recorded_evaluations(record)
    others = {files.get(name) for other, files in recorded.items() if other != split} - {None}
    own = recorded.get(split, {}).get(name)
    if own is None or not others or not run.confidence.is_file():
        return False
    now = integrity.of_evaluation(run, split).get(name)
    return now != own and now in others


def refuse_changed(run: RunDir, record: RunFile, split: str) -> None:
    """Refuse figures, a ledger or predictions that were changed after the evaluation.

    Raises:
        HallucError R112: names the files.
    """
    paths = (run.evaluation(split), run.ledger(split), run.predictions(split))
    counted = {str(path.relative_to(run.path)) for path in paths}
    results = [f"{name} {text}" for name, text in problems(run, record, split).items() if name in counted]
    if results:
        raise HallucError("R112", f"{run.path}/{', '.join(results)}", help=anew(run, split))


def read(run: RunDir, split: str) -> EvalFile:
    """``eval/<split>.json``.

    Raises:
        HallucError R112: it is missing or damaged, or of an unknown task. R102: it has another version.
    """
    file, help = run.evaluation(split), anew(run, split)
    try:
        result = read_record(file, EvalFile, damaged="R112", other_version="R102", help=help)
    except FileNotFoundError:
        raise HallucError("R112", f"{file} is missing", help=help) from None
    if result.task not in TABLE["task"]:
        raise HallucError("R112", f"{run.path} is of a task that this halluc does not have: `{result.task[:100]}`")
    return result


def predictions(run: RunDir, split: str, line: type[PredictionT]) -> Iterator[PredictionT]:
    """The lines of ``predictions/<split>.jsonl``, of the task's type.

    Raises:
        HallucError R112: a line is damaged.
    """
    return read_lines(run.predictions(split), line, damaged="R112", what="predictions", help=anew(run, split))


def refuse_strangers(run: RunDir, split: str, unknown: Iterable[str]) -> None:
    """Refuse a ledger with examples that are not in the predictions.

    Raises:
        HallucError R112: names the first example.
    """
    first = min(unknown, default=None)
    if first is not None:
        text = f"{run.ledger(split)} has an example that is not in {run.predictions(split)}: {first[:100]}"
        raise HallucError("R112", text, help=anew(run, split))


def refuse_parts(run: RunDir, split: str, file: EvalFile, counts: SplitCounts) -> None:
    """Compare ledger and predictions with the figures: a truncated file, even between lines, is detected.

    Raises:
        HallucError R112: they are not of one evaluation, or not complete.
    """
    (claims, unsupported), (_, supported), (gold, omissions), (examples, _) = (
        _overall(file, name) for name in (HALLUCINATION, SUPPORT, OMISSION, "hallucinated_examples")
    )
    ledger, predictions = run.ledger(split), run.predictions(split)
    for path, what, counted, expected in (
        (ledger, "claims", counts.claims, claims),
        (ledger, "unsupported claims", counts.unsupported, unsupported),
        (ledger, "supported claims", counts.supported, supported),
        (ledger, "omissions", counts.omissions, omissions),
        (ledger, "gold annotations", counts.gold, gold),
        (predictions, "gold annotations", counts.annotated, gold),
        (predictions, "examples", counts.examples, examples),
    ):
        if expected is not None and counted is not None and counted != expected:
            text = f"{path} has {counted:,} {what}, and {run.evaluation(split)} counts {expected:,}"
            raise HallucError("R112", text, help=anew(run, split))


def _overall(file: EvalFile, name: str) -> tuple[int | None, int | None]:
    """The denominator of a figure of the whole split, and its count; None if it is not in the file."""
    result = next((metric for metric in file.metrics if metric.name == name and not metric.by), None)
    return (None, None) if result is None else (result.n, round((result.value or 0.0) * result.n))


def task_of(run: RunDir) -> str | None:
    """The task of an evaluated run; None if there is no readable evaluation."""
    for split in PREFERRED:
        try:
            task = read_json(run.evaluation(split)).get("task")
        except (OSError, ValueError, AttributeError):
            continue  # missing or damaged: reported when its figures are needed
        if isinstance(task, str):
            return task
    return None


def refuse_different_tasks(runs: Iterable[RunDir]) -> None:
    """Refuse to compare the figures of different tasks.

    Raises:
        HallucError R113: names two runs and their tasks.
    """
    results: dict[str | None, RunDir] = {}
    for run in runs:
        results.setdefault(task_of(run), run)
    results.pop(None, None)
    if len(results) > 1:
        (one, first), (other, second) = list(results.items())[:2]
        message = f"{first.path} has the task {one}, {second.path} the task {other}: they cannot be compared"
        raise HallucError("R113", message, help="report on the runs of each task separately")
