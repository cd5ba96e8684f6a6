"""Reports of runs, comparisons and studies, from their files."""

from __future__ import annotations

import contextlib
import hashlib
import re
import shlex
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

from halluc.analysis import comparison, points, run_figures, study
from halluc.components import TABLE
from halluc.config.loading import load
from halluc.config.matrix import load_study
from halluc.config.slugs import slug_of
from halluc.core import latest
from halluc.core.errors import HallucError, suggestion
from halluc.core.messages import Level, hears, put, say
from halluc.reporting import writing
from halluc.reporting.collect import comparison_reports, paths, reading, reproducing, run_reports
from halluc.reporting.writing import FORMATS, USUAL, Evaluated, Format
from halluc.runs import directory, evaluations, matrix
from halluc.runs.directory import RUN_FILE, RunDir
from halluc.runs.figure_lines import NamedEvaluation
from halluc.runs.reports import AnyReport, ComparisonReport, StudyReport
from halluc.runs.schema import EvalFile, MatrixFile
from halluc.runs.studies import Comparison, StudyFigures
from halluc.workflows import job, nearest_run, run_locations, tracking

FOLDER = "report"
R = TypeVar("R", ComparisonReport, StudyReport)


@dataclass(frozen=True)
class ReportOptions:
    """Options of a report: ``output`` is its folder, None: ``report/`` in the run or study."""

    split: str | None = None
    reference: str | None = None
    most_claims: int = 200
    formats: Collection[Format] = USUAL
    output: Path | None = None


DEFAULT_OPTIONS = ReportOptions()
# The number of evaluations of other tools that an error names.
_MOST_TOOLS = 3


@dataclass(frozen=True)
class Reported:
    """A written report: its files, the model card, and the figures that it is made from."""

    record: AnyReport
    written: Mapping[Format, Sequence[Path]]
    figures: EvalFile | StudyFigures | Sequence[Comparison]
    card: Path | None = None


class Target(NamedTuple):
    """A study on the command line: its folder, its name and its cells."""

    path: Path
    name: str
    cells: list[points.StudyCell]


def formats_of(text: str) -> tuple[Format, ...]:
    """Parses a list such as ``html,md``.

    Raises:
        HallucError C011: no such format.
    """
    names = [part.strip() for part in text.split(",")]
    for part in names:
        if part not in FORMATS:
            raise HallucError(
                "C011", f"no format `{part}`", help=suggestion(part, FORMATS, f"one or more of {', '.join(FORMATS)}")
            )
    return tuple(format for format in FORMATS if format in names)


def report(targets: Sequence[Path], overrides: Sequence[str] = (), wanted: ReportOptions = DEFAULT_OPTIONS) -> Reported:
    """Report on the targets: run directories, configs, or the folder of a study.

    Raises:
        HallucError C011: a study together with other targets. C015: a reference without a study, or an unknown arm.
            R1…: a run that is not evaluated, or is damaged. E401: the report cannot be written.
    """
    targets = [latest.resolve(target) for target in targets]  # the report names the run itself
    studies = [named for target in targets if (named := study_target(target, overrides)) and named.cells]
    if studies and len(targets) == 1:
        runs = [cell.run for cell in studies[0].cells]
        return _report_study(studies[0], _command(targets, runs, overrides, wanted), wanted)
    if studies:
        raise HallucError(
            "C011", "a study is reported separately", help="halluc report STUDY, or halluc report RUN RUN"
        )
    if wanted.reference is not None:
        raise HallucError("C015", "--reference must be an arm of a study", help="runs are compared with the first one")
    runs = [run_target(target, overrides) for target in targets]
    if len(runs) == 1:
        return _report_run(runs[0], wanted)
    return _report_comparison(runs, _command(targets, runs, overrides, wanted), wanted)


def study_target(target: Path, overrides: Sequence[str]) -> Target | None:
    """The study of a target; None if it is something else."""
    if target.is_dir():
        known = None if (target / RUN_FILE).is_file() else matrix.read(target)
        if known is None:
            return None
        _refuse_edited(target, known)
        return Target(
            target,
            known.name,
            [points.StudyCell(cell.slug, cell.choice, RunDir(target / cell.slug)) for cell in known.cells],
        )
    if not job.is_config(target):
        return None
    result = load_study(target, overrides, table=TABLE)
    if not result.axes:
        return None
    cells = [points.StudyCell(str(cell.slug), cell.choice, run_locations.run_of(cell)) for cell in result.cells]
    return Target(result.home, result.name, cells)


def _refuse_edited(home: Path, known: MatrixFile) -> None:
    """A cell's folder is named by its choice, so that an edited choice in ``matrix.json`` is detected.

    Raises:
        HallucError R101: names the cell.
    """
    file, again = home / matrix.MATRIX_FILE, "restore it, or remove it: `halluc run` of the study's config writes it"
    for cell in known.cells:
        is_on_axes = all(axis in known.axes and value in known.axes[axis] for axis, value in cell.choice.items())
        if slug_of(cell.choice) != cell.slug or not is_on_axes:
            raise HallucError(
                "R101", f"{file} was changed: the cell {cell.slug[:200]} does not match its axes and values", help=again
            )


def run_target(target: Path, overrides: Sequence[str]) -> RunDir:
    """A run given by path, or the newest evaluated one of a config."""
    if not job.is_config(target):
        return directory.open_run(target)
    loaded = job.load(target, overrides)
    result = directory.newest_intact(loaded.home, loaded.sha256, _is_evaluated)
    if result is None:
        nearest = nearest_run.description(loaded, _is_evaluated)
        help = f"train and evaluate it first: halluc run {target}"
        tools = [
            (run, record.predictions.name)
            for run, record in directory.newest_first(loaded.home)
            if record.predictions is not None and _is_evaluated(run)
        ]
        if tools:
            listed = ", ".join(f"halluc report {run.path} ({name})" for run, name in tools[:_MOST_TOOLS])
            help += f"; or report on the predictions of another tool: {listed}"
        raise HallucError("R112", f"{loaded.home} has no evaluated run of this config{nearest}", help=help)
    return result


def _is_evaluated(run: RunDir) -> bool:
    return any(run.path.glob("eval/*.json"))


def _report_study(target: Target, command: str, wanted: ReportOptions) -> Reported:
    figures = study.current(target.name, target.path, target.cells, wanted.split, wanted.reference)
    runs = [cell.run for cell in target.cells]
    report = _relative(comparison_reports.study_report(target.name, target.path, figures, [command]), runs)
    with_ledger = [cell.run for cell in target.cells if any(cell.run.path.glob("ledger/*.jsonl"))]
    files = partial(_evaluations, target.cells, figures.split)
    return _finish(report, _folder(target.path, figures.split, _usual_split(with_ledger)), wanted, figures, files)


def _report_run(run: RunDir, wanted: ReportOptions) -> Reported:
    report = run_reports.run_report(run, wanted.split, wanted.most_claims)
    usual, path = reading.choose(run), None
    if report.split == usual and wanted.output is None and run.model.is_dir():
        # A card is published with the model, and its figures must be correct; facts about augmentation are in run.json.
        ignored = report.augmentation.problems if report.augmentation is not None else []
        if any(problem not in ignored for problem in report.integrity):
            say(f"model card: not written, because files of {run.path} are missing or were changed", style="yellow")
        else:
            from halluc.reporting.markdown import card

            path = card.write_card(run, report)
    files = partial(_evaluations, [_as_cell(report.name, run)], report.split)
    figures = evaluations.read(run, report.split)
    reported = _finish(report, _folder(run.path, report.split, usual), wanted, figures, files, path)
    if run.config.is_file():
        tracking.track_report(
            load(run.config, table=TABLE, stored=True), run, next(iter(reported.written.get("md", ())), None)
        )
    return reported


def _usual_split(runs: Sequence[RunDir]) -> str | None:
    """The default split of a report; None if the runs have no split in common."""
    return next((split for split in evaluations.PREFERRED if all(run.ledger(split).is_file() for run in runs)), None)


def _folder(home: Path, split: str, usual: str | None) -> Path:
    """The folder of a report: a report on another split does not replace that on the default split."""
    return home / FOLDER / ("" if split == usual else split)


def _report_comparison(runs: Sequence[RunDir], command: str, wanted: ReportOptions) -> Reported:
    """Each further run compared with the first."""
    evaluations.refuse_different_tasks(runs)
    split = run_figures.common_split(runs, wanted.split)
    known: dict[bytes, run_figures.Example] = {}
    first, *others = (run_figures.read(run, split, known) for run in runs)
    result = comparison.compare_all(first, others)
    report = _relative(comparison_reports.comparison_report(runs, result, [command]), runs)
    names = [report.reference, *(one.b for one in report.others)]
    files = partial(_evaluations, list(map(_as_cell, names, runs)), split)
    return _finish(report, _folder(runs[0].path, split, _usual_split(runs)) / _slug(runs), wanted, result, files)


def _slug(runs: Sequence[RunDir]) -> str:
    """The folder of a comparison in the first run's report: the others' names, made distinct if they are equal."""
    paths = [run.path.resolve() for run in runs]
    names = [path.name if path.parent == paths[0].parent else f"{path.parent.name}.{path.name}" for path in paths[1:]]
    plain = re.sub(r"[^A-Za-z0-9._=,+-]+", "_", "+".join(names))
    digest = hashlib.sha256("\0".join(map(str, paths)).encode("utf-8", "surrogateescape")).hexdigest()[:6]
    return f"against-{plain[:80]}-{digest}"


def _relative(report: R, runs: Sequence[RunDir]) -> R:
    """Replace absolute paths in a report of several runs; a report of one run has none."""
    return paths.relative(report, paths.known_paths((run, reproducing.config_lines(run)) for run in runs))


def _command(targets: Sequence[Path], runs: Sequence[RunDir], overrides: Sequence[str], wanted: ReportOptions) -> str:
    """The command line that makes this report again, in the folder in which the first run was started."""
    parts = ["halluc", "report", *(reproducing.from_start(target, runs) for target in targets)]
    for override in overrides:
        parts += ["--set", override]
    for option, value in (("--split", wanted.split), ("--reference", wanted.reference)):
        if value is not None:
            parts += [option, value]
    return shlex.join(parts)


def _finish(
    report: AnyReport,
    folder: Path,
    wanted: ReportOptions,
    figures: EvalFile | StudyFigures | Sequence[Comparison],
    files: Evaluated,
    card: Path | None = None,
) -> Reported:
    """Write the report, and print its conclusion and location."""
    reported = Reported(report, writing.write(report, wanted.output or folder, wanted.formats, files), figures, card)
    for problem in report.integrity:
        say(f"warning: {problem}", style="bold yellow")
    put(reported)
    if hears(Level.NORMAL):
        for format, files_of in reported.written.items():
            if format not in USUAL and files_of:
                say(f"{format}: {files_of[0].parent}/{{{','.join(path.name for path in files_of)}}}")
    usual = [str(path) for format in USUAL for path in reported.written.get(format, ())]
    say(f"report: {usual[0] if 'html' in reported.written else ', '.join(usual) or wanted.output or folder}")
    return reported


def _evaluations(cells: Iterable[points.StudyCell], split: str) -> list[NamedEvaluation]:
    """The evaluations in a report, without the cells that the report of a study lists as missing."""
    results = []
    for cell in cells:
        with contextlib.suppress(HallucError):
            file = evaluations.read(cell.run, split)
            arm = {axis: value for axis, value in cell.choice.items() if axis != study.SEED}
            results.append(NamedEvaluation(cell.slug, arm, cell.choice.get(study.SEED), file))
    return results


def _as_cell(name: str, run: RunDir) -> points.StudyCell:
    return points.StudyCell(name, {study.SEED: run.read().seeds.get("seed")}, run)
