"""The results of commands on the terminal, as tables and sentences."""

from __future__ import annotations

import webbrowser
from pathlib import Path

from halluc.commands.figure_tables import show_comparison, show_evaluation, show_study
from halluc.commands.terminal import put_view, say
from halluc.core.messages import Level, hears
from halluc.reporting.views import advice, probes, suspects, tune
from halluc.reporting.words import nouns
from halluc.runs import evaluations
from halluc.runs.advice import Advice, StudyAdvice
from halluc.runs.audits import AuditResult, CorrectionResult
from halluc.runs.directory import RunDir
from halluc.runs.reports import ComparisonReport
from halluc.runs.results import EvalResult, ProbeResult, RegoldResult, TrainResult
from halluc.runs.schema import EvalFile
from halluc.runs.studies import ALPHA, LEAST_SEEDS, StudyFigures
from halluc.runs.tuning import TuneFile
from halluc.task import evaluated
from halluc.workflows.reports import Reported

# The maximum on the terminal; the page has all.
MOST_NOTES = 6


def show_training(result: TrainResult) -> None:
    """The location of the model."""
    exists = Path(result.model).is_dir()
    say(f"model: {result.model}" if exists else f"{result.run} is trained; its model was removed")


def show_evaluated(result: EvalFile) -> None:
    if hears(Level.NORMAL):
        say()
        show_evaluation(result)
        if isinstance(result, RegoldResult):
            put_view(suspects.gold_comparison(result.regold))


def show_run(result: object) -> None:
    """Any result of ``halluc run``."""
    if isinstance(result, TrainResult):
        show_training(result)
    elif isinstance(result, EvalResult):
        show_evaluated(result)
    elif isinstance(result, Reported):
        show_report(result, with_evaluation=False)


def show_report(reported: Reported, *, with_evaluation: bool = True) -> None:
    """The figures as tables, and the conclusion; for a single run the evaluation only ``with_evaluation``."""
    if not hears(Level.NORMAL):
        return
    if isinstance(reported.figures, StudyFigures):
        show_study(reported.figures)
    elif isinstance(reported.figures, EvalFile) and with_evaluation:
        show_evaluated(reported.figures)
    elif isinstance(reported.record, ComparisonReport):
        show_comparison(reported.record, is_placed=nouns.task(reported.record.task).wording.nouns.is_placed)
    if reported.card is not None:
        say(f"model card: {reported.card}")
        say()
    for sentence in reported.record.conclusion:
        say(sentence)
    notes = reported.record.notes
    for note in notes[:MOST_NOTES]:
        say(f"note: {note}", style="yellow")
    if len(notes) > MOST_NOTES:
        say(f"… and {len(notes) - MOST_NOTES} more notes (see the report)", style="yellow")


def show_probe(result: ProbeResult) -> None:
    """Figures by whether the training split mentions the names, then by relation."""
    if hears(Level.NORMAL):
        for view in probes.tables(result):
            put_view(view)


def show_audit(result: object) -> None:
    """The suspects, or the result of applying decisions."""
    if isinstance(result, CorrectionResult):
        say(suspects.corrections(result))
    elif isinstance(result, AuditResult) and hears(Level.NORMAL):
        for view in suspects.tables(result):
            put_view(view)


def show_tuning(result: TuneFile) -> None:
    """Every trial, and how the best ones differ from the base config."""
    if hears(Level.NORMAL):
        say()
        for view in (tune.trials(result), tune.importances(result), tune.differences(result)):
            if view is not None:
                put_view(view)


def show_advice(result: Advice | StudyAdvice) -> None:
    """Errors and remedies of a run, or the effects in a study of remedies."""
    if not hears(Level.NORMAL):
        return
    if isinstance(result, StudyAdvice):
        put_view(advice.effects(result))
        say(f"*: p < {ALPHA} (Holm-adjusted for the arms) and at least {LEAST_SEEDS} seeds", "dim")
        return
    file = evaluations.read(RunDir(result.path), result.analysis.split)
    for table in advice.errors(result.analysis, evaluated(file)):
        put_view(table)
    for sentence in result.analysis.sentences:
        say(sentence)
    advised = advice.remedies(result)
    if advised is not None:
        say()
        put_view(advised)
    for one in result.remedies:
        if one.command is not None:
            say(f"{one.name} needs no training: {one.command}")
    for line in advice.unfit(result):
        say(f"not advised: {line}", style="dim")


def open_page(page: Path) -> None:
    if not webbrowser.open(page.resolve().as_uri()):
        say("no browser could be started: open the page manually")
