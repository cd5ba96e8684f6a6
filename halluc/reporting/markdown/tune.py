"""report.md of a tuning."""

from __future__ import annotations

from halluc.reporting.markdown.pages import fitted
from halluc.runs.tuning import TuneFile


def page(tuning: TuneFile) -> str:
    """A tuning in Markdown, short enough for a comment: trials that do not fit are counted."""
    return fitted("tune.md.j2", tuning)
