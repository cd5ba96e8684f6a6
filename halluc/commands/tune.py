"""``halluc tune``: every trial as a table, and how the best ones differ from the base config."""

from __future__ import annotations

from halluc.commands.terminal import put_view, say
from halluc.core.messages import Level, hears
from halluc.reporting.views import tune as views
from halluc.runs.tuning import TuneFile


def show(result: TuneFile) -> None:
    if not hears(Level.NORMAL):
        return
    say()
    for view in (views.trials(result), views.importances(result), views.differences(result)):
        if view is not None:
            put_view(view)
