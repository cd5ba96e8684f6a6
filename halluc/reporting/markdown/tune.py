"""report.md of a tuning."""

from __future__ import annotations

from functools import partial
from typing import Any

from halluc.reporting.markdown import gfm
from halluc.reporting.markdown.pages import fitted
from halluc.reporting.views import tune as views
from halluc.runs.tuning import TuneFile


def page(tuning: TuneFile) -> str:
    """A tuning in Markdown, short enough for a comment: trials that do not fit are counted."""
    tables = [one for one in (views.differences(tuning), views.importances(tuning), views.trials(tuning)) if one]

    def of_room(room: gfm.Room) -> dict[str, Any]:
        return {
            "tables": [gfm.titled(one, room) for one in tables],
            "bullets": partial(gfm.bullets, room=room),
            "commands": gfm.fenced(tuning.reproduce, "sh", room.text),
        }

    return fitted("tune.md.j2", of_room, tuning)
