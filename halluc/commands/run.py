"""``halluc run``: what came of training and evaluation, and the report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from halluc.commands import evaluate, report, train
from halluc.commands.terminal import Talk, Terminal
from halluc.core.messages import Level, hears, listening
from halluc.runs.results import EvalResult, TrainResult
from halluc.runs.schema import EvalFile
from halluc.workflows import experiments
from halluc.workflows.cell_selection import Selection
from halluc.workflows.reports import Reported


def run(config: Path, overrides: Sequence[str], *, selection: Selection, talk: Talk) -> None:
    with listening(Terminal(talk, show)):
        experiments.run(config, overrides, selection=selection)


def show(result: object) -> None:
    if isinstance(result, TrainResult):
        train.show(result)
    elif isinstance(result, EvalResult):
        evaluate.show(result)
    elif isinstance(result, Reported) and hears(Level.NORMAL):
        if not isinstance(result.figures, EvalFile):  # of a single experiment the evaluation has just told them
            report.show_figures(result)
        report.conclude(result)
