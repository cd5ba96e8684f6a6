"""``halluc tune``: every trial as a table, and how the best differ from the config itself."""

from __future__ import annotations

from halluc.commands.terminal import put_view, say
from halluc.core.messages import Level, hears
from halluc.reporting.views import tune as views
from halluc.runs.tuning import TuneFile


def show(found: TuneFile) -> None:
    """Tables; what they say follows."""
    if not hears(Level.NORMAL):
        return
    say()
    for view in (views.trials(found), views.importances(found), views.differences(found)):
        if view is not None:
            put_view(view)
