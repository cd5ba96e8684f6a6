"""``halluc runs``: the runs and studies of a folder, at most three lines each."""

from __future__ import annotations

from datetime import UTC, datetime

from halluc.commands.terminal import say
from halluc.core import figures
from halluc.runs.results import ListedRun
from halluc.wording import formats

_AGES = ((86_400, "d"), (3_600, "h"), (60, "min"))


def show(run: object) -> None:
    if not isinstance(run, ListedRun):
        return
    say(run.path, style="bold")
    parts = (run.task, run.state, formats.size(run.bytes), f"{_age(run.created)} old")
    say("  " + ", ".join(filter(None, parts)))
    texts = [f"{figures.figure(name).title} {formats.value(name, value)}" for name, value in run.figures.items()]
    if texts:
        say(f"  {run.split}: {', '.join(texts)}")


def _age(created: str) -> str:
    seconds = max(0.0, (datetime.now(UTC) - datetime.fromisoformat(created)).total_seconds())
    return next((f"{seconds / unit:.0f} {name}" for unit, name in _AGES if seconds >= unit), f"{seconds:.0f} s")
