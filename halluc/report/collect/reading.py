"""What a run's files say of one split, read and held against each other; ledger and predictions are streamed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from halluc.config import yaml
from halluc.config.merging import interpolate
from halluc.config.overrides import apply_all
from halluc.core.errors import HallucError
from halluc.gap.coverage import Coverage
from halluc.report.collect.figures import Figures
from halluc.report.collect.shown import Picked, Texts
from halluc.runs.directory import RunDir
from halluc.runs.records import read_lines, read_record
from halluc.runs.schema import ConfidenceFile, EvalFile, LedgerLine, RunFile, SpanPrediction

# The split to tell of where none is asked for: the first of these that was evaluated.
PREFERRED = ("test", "dev", "train")
_ANEW = "write it anew with `halluc eval`"


@dataclass(frozen=True)
class Evaluated:
    """A run and its evaluation of ``split``; ``config`` is its config as plain values, as it was evaluated.

    What an older run lacks is None or empty, and ``notes`` says so.
    """

    run: RunDir
    record: RunFile
    split: str
    splits: list[str]
    file: EvalFile
    confidence: ConfidenceFile | None
    coverage: Coverage | None
    config: dict[str, Any]
    notes: list[str] = field(default_factory=list)

    @property
    def chosen_on_dev(self) -> bool:
        """Whether dev chose the checkpoint."""
        return bool((self.record.best or {}).get("dev"))

    def ledger(self) -> Iterator[LedgerLine]:
        return read_lines(self.run.ledger(self.split), LedgerLine, damaged="R112", what="a ledger", help=_ANEW)

    def predictions(self) -> Iterator[SpanPrediction]:
        path = self.run.predictions(self.split)
        return read_lines(path, SpanPrediction, damaged="R112", what="predictions", help=_ANEW)


def evaluated(run: RunDir) -> list[str]:
    """The splits that have an evaluation, the one to prefer first."""
    return [split for split in PREFERRED if run.evaluation(split).is_file()]


def read(run: RunDir, asked: str | None) -> Evaluated:
    """The files of a run that say something of the split asked for, or of the one to prefer.

    Raises:
        HallucError R101, R102: no run, or one of another version. R112: the split was not evaluated, or a file of the
            evaluation is damaged. R114, R120, R121: ``confidence.json`` or ``coverage.json`` is. C…: the config is.
    """
    record = run.read()
    splits = evaluated(run)
    split = choose(run, splits, asked)
    notes: list[str] = []
    return Evaluated(
        run=run,
        record=record,
        split=split,
        splits=splits,
        file=_evaluation(run, split),
        confidence=_confidence(run, notes),
        coverage=_coverage(run, notes),
        config=_config(run, record, notes),
        notes=notes,
    )


def choose(run: RunDir, splits: list[str], asked: str | None) -> str:
    if asked is not None and asked not in splits:
        help = f"evaluate it first: halluc eval --run {run.path} --split {asked}"
        raise HallucError("R112", f"{run.path} is not evaluated on {asked}", help=help)
    if not splits:
        raise HallucError("R112", f"{run.path} is not evaluated", help=f"halluc eval --run {run.path}")
    return asked or splits[0]


def _evaluation(run: RunDir, split: str) -> EvalFile:
    return read_record(
        run.evaluation(split), EvalFile, damaged="R112", other_version="R102", help="evaluate again with `halluc eval`"
    )


def _confidence(run: RunDir, notes: list[str]) -> ConfidenceFile | None:
    try:
        return read_record(run.confidence, ConfidenceFile, damaged="R114", other_version="R114", help=_ANEW)
    except FileNotFoundError:
        notes.append("confidence.json is missing: whether claims are withdrawn is not told. `halluc eval` writes it.")
        return None


def _coverage(run: RunDir, notes: list[str]) -> Coverage | None:
    try:
        return Coverage.load(run.coverage)
    except FileNotFoundError:
        told = (
            "coverage.json is missing: what training showed is not known, and no gap is told. `halluc train` writes it."
        )
        notes.append(told)
        return None


def _config(run: RunDir, record: RunFile, notes: list[str]) -> dict[str, Any]:
    """The resolved config, with what ``halluc eval`` was asked for on the command line laid over it."""
    if not run.config.is_file():
        notes.append("config.yaml is missing: the config is not shown. It was written when the run began.")
        return {}
    evaluation = record.stages.get("eval")
    text = run.config.read_bytes().decode("utf-8", "replace")
    located = yaml.read(yaml.Source(str(run.config), text))
    if not isinstance(located.value, dict):
        return {}
    # What stands in the file was resolved when it was written; variables of the command line are not on record.
    interpolate(located, {})
    apply_all(located, evaluation.arguments if evaluation else [])
    return dict(located.value)


def refuse_parts(source: Evaluated, picked: Picked, texts: Texts) -> None:
    """Hold ledger, predictions and figures against each other: a file that was cut short misses lines.

    Raises:
        HallucError R112: they are not of one evaluation, or not whole.
    """
    figures = Figures(source.file.metrics)
    ledger, predictions = source.run.ledger(source.split), source.run.predictions(source.split)
    evaluation = source.run.evaluation(source.split)
    for path, what, found, name in (
        (ledger, "claims", picked.claims, "hallucination_rate"),
        (ledger, "omissions", picked.sections["omission"].total, None),
        (predictions, "examples", texts.examples, "hallucinated_examples"),
    ):
        counted = _omitted(figures) if name is None else figures.get(name)
        expected = counted if isinstance(counted, int) or counted is None else counted.n
        if expected is not None and found != expected:
            raise _apart(f"{path} has {found:,} {what}, and {evaluation} counts {expected:,}", source)
    if texts.missing:
        first = sorted(texts.missing)[0][:100]
        raise _apart(f"{ledger} tells of an example that {predictions} has not: {first}", source)
    for worst in picked.sections.values():
        for line in worst.lines():
            if (line.end or 0) > len(texts.kept[line.id].tokens):
                raise _apart(f"{ledger} tells of tokens of {line.id[:100]} that {predictions} has not", source)


def _omitted(figures: Figures) -> int | None:
    found = figures.get("omission_rate")
    return None if found is None else round((found.value or 0.0) * found.n)


def _apart(told: str, source: Evaluated) -> HallucError:
    help = f"evaluate again: halluc eval --run {source.run.path} --split {source.split}"
    return HallucError("R112", told, help=help)
