"""Listens to a training and keeps what must outlast it: checkpoints, the best weights, and ``model/`` at the end."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from halluc.core.files import replace_folder
from halluc.engine import checkpoint
from halluc.engine.loop import Training
from halluc.runs.directory import RunDir
from halluc.runs.events import Checkpointed, Evaluated, Event, Step, Stopped


class Keeper:
    """Writes in the main process alone; in the others the events pass through."""

    def __init__(self, target: RunDir, training: Training, tokenizer: Any, *, evaluates: bool) -> None:
        self.target, self.training, self.tokenizer, self.evaluates = target, training, tokenizer, evaluates
        self.last: Path | None = None

    def watch(self, events: Iterator[Event]) -> Iterator[Event]:
        """Each event, and what was written because of it."""
        for event in events:
            yield event
            if not self.training.runtime.is_main:
                continue
            if isinstance(event, Evaluated) and event.best:
                yield self._keep_best(event.step)
            elif isinstance(event, Stopped) and not event.interrupted and not self.training.progress.is_chosen:
                yield self._keep_best(event.step)  # dev chose none: the last weights are the best that is known
            if self._is_due(event):
                yield self._checkpoint()

    def _is_due(self, event: Event) -> bool:
        """After each evaluation and epoch; every so many steps; and where training is interrupted."""
        if isinstance(event, Step):
            if event.evaluates and self.evaluates:
                return False  # the checkpoint waits for what the evaluation says
            every = self.training.config.checkpoint_steps
            return event.ends_epoch or (every is not None and event.step % every == 0)
        return isinstance(event, Evaluated) or (isinstance(event, Stopped) and event.interrupted)

    def _keep_best(self, step: int) -> Checkpointed:
        path = checkpoint.keep_best(self.target.checkpoints, step, self._save)
        return Checkpointed(step, str(path.relative_to(self.target.path)))

    def _checkpoint(self) -> Checkpointed:
        training = self.training
        self.last = checkpoint.save(
            self.target.checkpoints, training.model, training.optimizer, training.progress
        )  # fmt: skip
        return Checkpointed(training.progress.step, str(self.last.relative_to(self.target.path)))

    def _save(self, folder: Path) -> None:
        from halluc.tasks.encoders import save

        save(self.training.model, self.tokenizer, folder)

    def publish(self) -> None:
        """Copy the best weights to ``model/``."""
        best = checkpoint.pointed(self.target.checkpoints, checkpoint.BEST)
        assert best is not None, "training ended without any best weights"
        replace_folder(self.target.model, lambda folder: shutil.copytree(best, folder, dirs_exist_ok=True))

    def summary(self, choose_by: str, why_last: str | None) -> dict[str, Any]:
        """The ``best`` of run.json; ``why_last``: why dev cannot choose, where it was known before."""
        progress = self.training.progress
        if not progress.is_chosen:
            constant = f"`{choose_by}` on dev was {progress.best:.4f} in all {progress.evaluations} evaluations"
            return {"step": progress.step, "chosen_by": f"last: {why_last or constant}", "dev": {}}
        return {"step": progress.best_step, "chosen_by": choose_by, "dev": progress.best_metrics}
