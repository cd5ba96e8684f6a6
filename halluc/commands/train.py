"""``halluc train``: where the model of a training is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from halluc.commands.terminal import Talk, Terminal, say
from halluc.core.messages import listening
from halluc.runs.results import TrainResult
from halluc.workflows import training
from halluc.workflows.cell_selection import EVERY_CELL, Selection


def run(
    config: Path,
    overrides: Sequence[str],
    *,
    run: Path | None,
    resume: bool,
    talk: Talk,
    selection: Selection = EVERY_CELL,
) -> None:
    with listening(Terminal(talk, show)):
        training.train(config, overrides, run=run, resume=resume, selection=selection)


def show(result: TrainResult) -> None:
    there = Path(result.model).is_dir()
    say(f"model: {result.model}" if there else f"{result.run} is trained; its model was removed")
