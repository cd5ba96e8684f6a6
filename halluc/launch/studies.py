"""``halluc run``, by one of the launchers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from halluc.core import threads
from halluc.launch import local
from halluc.workflows import experiments
from halluc.workflows.cell_selection import EVERY_CELL, Selection


def run(
    config: Path, overrides: Sequence[str] = (), *, selection: Selection = EVERY_CELL, jobs: str | None = None
) -> experiments.CellOutcome:
    """As ``experiments.run``, with ``jobs`` cells at once.

    Raises:
        HallucError C019: ``jobs`` is no number.
    """
    if jobs is None:
        return experiments.run(config, overrides, selection=selection)
    local.number(jobs, threads.cores())  # before anything is read
    return experiments.run(config, overrides, selection=selection, launcher=partial(local.launch, jobs=jobs))
