"""``halluc audit``: the suspects, or the result of applying decisions."""

from __future__ import annotations

from halluc.commands.terminal import put_view, say
from halluc.core.messages import Level, hears
from halluc.reporting.views import suspects
from halluc.runs.audits import AuditResult, CorrectionResult


def show(result: object) -> None:
    if isinstance(result, CorrectionResult):
        say(suspects.corrections(result))
    elif isinstance(result, AuditResult) and hears(Level.NORMAL):
        for view in suspects.tables(result):
            put_view(view)
