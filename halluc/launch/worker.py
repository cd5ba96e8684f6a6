"""The process of one cell: ``python -m halluc.launch.worker``, with a ``CellOrder`` on standard input.

Standard output has its answers, standard error its log: both are files of the parent process.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

from halluc.components import TABLE
from halluc.config.matrix import Cell, Study, load_study
from halluc.core import processes
from halluc.core.errors import EXIT_INTERRUPTED, HallucError, render
from halluc.core.messages import listening
from halluc.core.processes import allowing_commands
from halluc.launch.orders import PARENT, Answering, CellOrder
from halluc.workflows import evaluation, experiments, gate_reports
from halluc.workflows.cells import BUSY

_PAUSE = 1.0


def main() -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    parent = os.environ.pop(PARENT, None)
    if parent is not None and not processes.end_with(int(parent)):
        return EXIT_INTERRUPTED
    # Output of libraries goes to the log, and not between the answers.
    with os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8") as answers:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        order = CellOrder.of_json(sys.stdin.read())
        answering = Answering(answers, sys.stderr, verbose=order.verbose)
        try:
            _run(order, answering)
        except HallucError as error:
            sys.stderr.write(render(error) + "\n")
            answering.fail(error)
            return error.exit_code
        except KeyboardInterrupt:
            return EXIT_INTERRUPTED
    return 0


def _run(order: CellOrder, answering: Answering) -> None:
    started = time.monotonic()
    with listening(answering), allowing_commands(order.allow_commands), gate_reports.use_format(order.ci):
        study, cell = _ordered_cell(order)
        while True:
            try:
                if order.trains:
                    summary = experiments.run_cell(cell, order.overrides, study, experiments.CellOutcome())
                else:
                    results = evaluation.evaluate_cell(cell, order.overrides, order.splits)
                    summary = evaluation.summary(results)
                break
            except HallucError as error:
                if error.code != BUSY or time.monotonic() - started > order.patience:
                    raise
                time.sleep(_PAUSE)
    answering.end(summary, time.monotonic() - started)


def _ordered_cell(order: CellOrder) -> tuple[Study, Cell]:
    """The study and the cell of an order; a config without a matrix is a single cell, which gets the slug of the order.

    Raises:
        HallucError R104: the config was edited after the study was started.
    """
    study = load_study(Path(order.config), order.overrides, table=TABLE)
    for cell in study.cells:
        if cell.slug in (order.slug, None) and cell.loaded.sha256 == order.sha256:
            return study, replace(cell, slug=order.slug)
    message = f"{order.config} was edited while the study ran: its cell {order.slug} has changed"
    raise HallucError("R104", message, help="undo the change, or start the study again")


if __name__ == "__main__":
    sys.exit(main())
