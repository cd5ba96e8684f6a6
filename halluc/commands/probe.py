"""``halluc probe``: the models' answers to cloze patterns, as tables."""

from __future__ import annotations

from halluc.commands.terminal import put_view
from halluc.core.messages import Level, hears
from halluc.reporting.views import probes
from halluc.runs.results import ProbeResult


def show(result: ProbeResult) -> None:
    """Figures by whether the training split mentions the names, then by relation."""
    if hears(Level.NORMAL):
        for view in probes.tables(result):
            put_view(view)
