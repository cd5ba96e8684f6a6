"""``halluc advise``: errors and remedies, or the results of a study of remedies, as tables."""

from __future__ import annotations

from halluc.commands.terminal import put_view, say
from halluc.core.messages import Level, hears
from halluc.reporting.views import advice as views
from halluc.runs import evaluations
from halluc.runs.advice import Advice, StudyAdvice
from halluc.runs.directory import RunDir
from halluc.runs.studies import LEAST_SEEDS, SURE
from halluc.task import evaluated


def show(found: Advice | StudyAdvice) -> None:
    """Tables, then the conclusions."""
    if not hears(Level.NORMAL):
        return
    if isinstance(found, StudyAdvice):
        _show_study(found)
    else:
        _show_run(found)


def _show_run(found: Advice) -> None:
    run = RunDir(found.path)
    for table in views.errors(found.analysis, evaluated(evaluations.read(run, found.analysis.split))):
        put_view(table)
    for sentence in found.analysis.sentences:
        say(sentence)
    advised = views.remedies(found)
    if advised is not None:
        say()
        put_view(advised)
    for one in found.remedies:
        if one.command is not None:
            say(f"{one.name} needs no training: {one.command}")
    for line in views.unfit(found):
        say(f"not advised: {line}", style="dim")


def _show_study(found: StudyAdvice) -> None:
    put_view(views.effects(found))
    say(f"*: p under {SURE} with {LEAST_SEEDS} seeds at least, adjusted for the arms (Holm)", "dim")
