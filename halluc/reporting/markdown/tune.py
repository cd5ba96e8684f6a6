"""report.md of a tuning."""

from __future__ import annotations

from functools import partial

from halluc.reporting.markdown import gfm
from halluc.reporting.markdown.pages import MOST_CHARACTERS, ROOMS
from halluc.reporting.views import tune as views
from halluc.runs.tuning import TuneFile


def page(found: TuneFile) -> str:
    """A tuning in Markdown, short enough for a comment: trials that there is no room for are counted."""
    told = ""
    for room in ROOMS:
        drawn = [one for one in (views.differences(found), views.importances(found), views.trials(found)) if one]
        values = {
            "report": found,
            "tables": [gfm.titled(one, room) for one in drawn],
            "bullets": partial(gfm.bullets, room=room),
            "commands": gfm.fenced(found.reproduce, "sh", room.text),
        }
        told = gfm.render("tune.md.j2", room, values)
        if len(told) <= MOST_CHARACTERS:
            break
    return told
