"""Training as messages: a progress bar with the remaining time, and a line per evaluation; with -v a line per step."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from typing import Self

from halluc.core import messages
from halluc.runs.events import Evaluated, Event, Started, Step, Stopped


class ConsoleLogger(contextlib.ExitStack):
    """Reports events as messages; ``shown`` are the figures on dev, ``noun`` is the word for examples."""

    def __init__(self, *, shown: Sequence[str], noun: str) -> None:
        super().__init__()
        self.shown, self.noun = shown, noun
        self.steps, self.began = 0, time.monotonic()
        self.features, self.seconds = 0, 0.0

    def __enter__(self) -> Self:
        self._tick = self.enter_context(messages.progress("training", "steps"))
        return self

    def __call__(self, event: Event) -> None:
        if isinstance(event, Started):
            self._started(event)
        elif isinstance(event, Step):
            self._step(event)
        elif isinstance(event, Evaluated):
            figures = " ".join(f"{name} {event.metrics[name]:.4f}" for name in self.shown)
            line = f"epoch {event.epoch} step {event.step}/{self.steps} dev {figures} ({event.seconds:.1f} s)"
            self._line(f"{line}  best so far" if event.best else line)
        elif isinstance(event, Stopped):
            rate = self._rate(event.features, event.seconds)
            self._line(f"{event.reason}: step {event.step}, {event.seconds:.1f} s of training, {rate}")

    def _started(self, event: Started) -> None:
        self.steps, self.began = event.steps, time.monotonic()
        processes = f" in {event.processes} processes" if event.processes > 1 else ""
        threads = f", {event.threads} threads ({event.waiting})" if event.device == "cpu" else ""
        self._line(
            f"training on {event.device} in {event.precision}{processes}{threads}: "
            f"{event.steps} steps in {event.epochs} epochs, "
            f"{event.features:,} {self.noun}, {event.pieces:,} word pieces, {event.padding:.1%} padding"
        )
        if event.resumed_step:
            self._line(f"resumed at step {event.resumed_step}")
        self._tick(event.resumed_step, event.steps)

    def _step(self, event: Step) -> None:
        self.features += event.features
        self.seconds += event.seconds
        rate = self._rate(self.features, self.seconds)
        self._tick(event.step, self.steps, f"epoch {event.epoch} loss {event.loss:.3f} {rate}")
        if messages.hears(messages.Level.VERBOSE):
            self._line(
                f"epoch {event.epoch} step {event.step}/{self.steps} loss {event.loss:.4f} lr {event.learning_rate:.2e}"
            )

    def _rate(self, features: int, seconds: float) -> str:
        return f"{features / seconds if seconds else 0:.0f} {self.noun}/s"

    def _line(self, text: str) -> None:
        minutes, seconds = divmod(int(time.monotonic() - self.began), 60)
        messages.tell(f"{minutes:3d}:{seconds:02d} {text}")
