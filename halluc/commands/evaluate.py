"""``halluc eval``: the figures of what was evaluated, as tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from halluc.commands.figure_tables import show_evaluation
from halluc.commands.terminal import Talk, Terminal
from halluc.core.messages import Level, hears, listening, say
from halluc.runs.results import EvalResult
from halluc.workflows import evaluation
from halluc.workflows.cell_selection import EVERY_CELL, Selection


def run(
    config: Path | None,
    overrides: Sequence[str],
    *,
    splits: Sequence[str] | None,
    run: Path | None,
    checkpoint: str | None,
    talk: Talk,
    selection: Selection = EVERY_CELL,
    predictions: Path | None = None,
    name: str | None = None,
) -> None:
    with listening(Terminal(talk, show)):
        evaluation.evaluate(
            config, overrides, splits=splits, run=run, checkpoint=checkpoint, selection=selection,
            predictions=predictions, name=name,
        )  # fmt: skip


def show(result: EvalResult) -> None:
    if hears(Level.NORMAL):
        say()
        show_evaluation(result)
