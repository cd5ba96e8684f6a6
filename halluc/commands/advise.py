"""``halluc advise``: errors and remedies, or the results of a study of remedies, as tables."""

from __future__ import annotations

from halluc.commands.terminal import put_view, say
from halluc.core.messages import Level, hears
from halluc.reporting.views import advice as views
from halluc.runs import evaluations
from halluc.runs.advice import Advice, StudyAdvice
from halluc.runs.directory import RunDir
from halluc.runs.studies import ALPHA, LEAST_SEEDS
from halluc.task import evaluated


def show(advice: Advice | StudyAdvice) -> None:
    if not hears(Level.NORMAL):
        return
    if isinstance(advice, StudyAdvice):
        _show_study(advice)
    else:
        _show_run(advice)


def _show_run(advice: Advice) -> None:
    run = RunDir(advice.path)
    for table in views.errors(advice.analysis, evaluated(evaluations.read(run, advice.analysis.split))):
        put_view(table)
    for sentence in advice.analysis.sentences:
        say(sentence)
    advised = views.remedies(advice)
    if advised is not None:
        say()
        put_view(advised)
    for one in advice.remedies:
        if one.command is not None:
            say(f"{one.name} needs no training: {one.command}")
    for line in views.unfit(advice):
        say(f"not advised: {line}", style="dim")


def _show_study(advice: StudyAdvice) -> None:
    put_view(views.effects(advice))
    say(f"*: p under {ALPHA} with {LEAST_SEEDS} seeds at least, adjusted for the arms (Holm)", "dim")
