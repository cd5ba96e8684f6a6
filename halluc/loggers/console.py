"""Training on a terminal: one live line and a row an evaluation; plain timed lines where output is piped."""

from __future__ import annotations

import time
from collections.abc import Sequence
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from halluc.runs.events import Evaluated, Event, Started, Step, Stopped

# A piped log gets a line about this often between evaluations.
_SECONDS_A_LINE = 10.0


class ConsoleLogger:
    """Prints events to ``console``; ``every_step`` is what --verbose asks for, ``shown`` are the figures of dev.

    ``noun`` is what examples are called, in the plural.
    """

    def __init__(self, console: Console, *, every_step: bool = False, shown: Sequence[str], noun: str) -> None:
        self.console = console
        self.every_step = every_step
        self.shown, self.noun = shown, noun
        self.live: Progress | None = None
        self.bar: TaskID | None = None
        self.steps = 0
        self.began = self.last_line = time.monotonic()
        self.features, self.seconds = 0, 0.0

    def __enter__(self) -> ConsoleLogger:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.live:
            self.live.stop()

    def __call__(self, event: Event) -> None:
        if isinstance(event, Started):
            self._started(event)
        elif isinstance(event, Step):
            self._step(event)
        elif isinstance(event, Evaluated):
            self._evaluated(event)
        elif isinstance(event, Stopped):
            rate = event.features / event.seconds if event.seconds else 0
            self._line(
                f"{event.reason}: step {event.step}, {event.seconds:.1f} s of training, {rate:.0f} {self.noun}/s"
            )

    def _started(self, event: Started) -> None:
        self.steps = event.steps
        self.began = self.last_line = time.monotonic()
        processes = f" in {event.processes} processes" if event.processes > 1 else ""
        threads = f", {event.threads} threads ({event.waiting})" if event.device == "cpu" else ""
        self._line(
            f"training on {event.device} in {event.precision}{processes}{threads}: "
            f"{event.steps} steps in {event.epochs} epochs, "
            f"{event.features:,} {self.noun}, {event.pieces:,} word pieces, {event.padding:.1%} padding"
        )
        if event.resumed_step:
            self._line(f"resumed at step {event.resumed_step}")
        if self.console.is_terminal:
            columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
            self.live = Progress(*columns, TimeRemainingColumn(), console=self.console, transient=True)
            self.bar = self.live.add_task("training", total=event.steps, completed=event.resumed_step)
            self.live.start()

    def _step(self, event: Step) -> None:
        self.features += event.features
        self.seconds += event.seconds
        told = f"epoch {event.epoch} step {event.step}/{self.steps} loss {event.loss:.4f} lr {event.learning_rate:.2e}"
        if self.live and self.bar is not None:
            rate = self.features / self.seconds if self.seconds else 0
            described = f"epoch {event.epoch} loss {event.loss:.3f} {rate:.0f} {self.noun}/s"
            self.live.update(self.bar, completed=event.step, description=described)
        due = not self.console.is_terminal and time.monotonic() - self.last_line > _SECONDS_A_LINE
        if self.every_step or due:
            self._line(told)

    def _evaluated(self, event: Evaluated) -> None:
        figures = " ".join(f"{name} {event.metrics[name]:.4f}" for name in self.shown)
        star = "  best so far" if event.best else ""
        self._line(f"epoch {event.epoch} step {event.step}/{self.steps} dev {figures} ({event.seconds:.1f} s){star}")

    def _line(self, text: str) -> None:
        self.last_line = time.monotonic()
        minutes, seconds = divmod(int(self.last_line - self.began), 60)
        self.console.print(f"{minutes:3d}:{seconds:02d} {text}")
