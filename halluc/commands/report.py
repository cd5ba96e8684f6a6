"""``halluc report``: what a report comes to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from halluc.commands.figure_tables import show_comparison, show_evaluation, show_study
from halluc.commands.terminal import Talk, Terminal, say
from halluc.core.files import TO_OUTPUT, elsewhere
from halluc.core.messages import Level, hears, listening
from halluc.reporting.words import nouns
from halluc.runs.reports import ComparisonReport
from halluc.runs.schema import EvalFile
from halluc.runs.studies import StudyFigures
from halluc.workflows import reports
from halluc.workflows.reports import Reported, ReportOptions

# On the terminal; the page has all.
MOST_NOTES = 6


@elsewhere(TO_OUTPUT)
def run(
    targets: Sequence[Path], overrides: Sequence[str], wanted: ReportOptions, talk: Talk, *, opens: bool = False
) -> None:
    """``halluc report``; raises what ``workflows.reports.report`` does."""
    with listening(Terminal(talk, show)):
        made = reports.report(targets, overrides, wanted)
    page = made.written.get("html")
    if opens and page is not None:
        _open(page)


def show(made: Reported) -> None:
    """The figures as tables, and the conclusion."""
    if not hears(Level.NORMAL):
        return
    show_figures(made)
    conclude(made)


def show_figures(made: Reported) -> None:
    if isinstance(made.figures, StudyFigures):
        show_study(made.figures)
    elif isinstance(made.figures, EvalFile):
        say()
        show_evaluation(made.figures)
    elif isinstance(made.record, ComparisonReport):
        show_comparison(made.record, is_placed=nouns.task(made.record.task).wording.nouns.is_placed)


def conclude(made: Reported) -> None:
    """What the report comes to."""
    if made.card is not None:
        say(f"model card: {made.card}")
        say()
    for sentence in made.record.conclusion:
        say(sentence)
    notes = made.record.notes
    for note in notes[:MOST_NOTES]:
        say(f"note: {note}", style="yellow")
    if len(notes) > MOST_NOTES:
        say(f"… and {len(notes) - MOST_NOTES} more notes: the report has all", style="yellow")


def _open(page: Path) -> None:
    import webbrowser

    if not webbrowser.open(page.resolve().as_uri()):
        say("no browser could be started: open the page yourself")
