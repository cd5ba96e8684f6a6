"""Training as messages: a bar with time left, and a line an evaluation; every step where all is to be told."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from types import TracebackType

from halluc.core import messages
from halluc.core.messages import Level, tell
from halluc.runs.events import Evaluated, Event, Started, Step, Stopped


class ConsoleLogger:
    """Tells events to whoever listens; ``shown`` are the figures of dev, ``noun`` what examples are called."""

    def __init__(self, *, shown: Sequence[str], noun: str) -> None:
        self.shown, self.noun = shown, noun
        self.steps = 0
        self.began = time.monotonic()
        self.features, self.seconds = 0, 0.0
        self._open = contextlib.ExitStack()

    def __enter__(self) -> ConsoleLogger:
        self._tick = self._open.enter_context(messages.progress("training", "steps"))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._open.close()

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
        self.began = time.monotonic()
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
        rate = self.features / self.seconds if self.seconds else 0
        told = f"epoch {event.epoch} loss {event.loss:.3f} {rate:.0f} {self.noun}/s"
        self._tick(event.step, self.steps, told)
        if messages.hears(Level.VERBOSE):
            at = f"epoch {event.epoch} step {event.step}/{self.steps}"
            self._line(f"{at} loss {event.loss:.4f} lr {event.learning_rate:.2e}")

    def _evaluated(self, event: Evaluated) -> None:
        figures = " ".join(f"{name} {event.metrics[name]:.4f}" for name in self.shown)
        star = "  best so far" if event.best else ""
        self._line(f"epoch {event.epoch} step {event.step}/{self.steps} dev {figures} ({event.seconds:.1f} s){star}")

    def _line(self, text: str) -> None:
        minutes, seconds = divmod(int(time.monotonic() - self.began), 60)
        tell(f"{minutes:3d}:{seconds:02d} {text}")
