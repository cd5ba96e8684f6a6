"""Listens to a training and writes checkpoints, and the best weights as ``model/`` at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from halluc.core.files import replace_folder
from halluc.engine import checkpoint, loop
from halluc.runs.directory import RunDir
from halluc.runs.events import Checkpointed, Evaluated, Event, Started, Step, Stopped

if TYPE_CHECKING:
    import torch


class Checkpointer:
    """Writes only in the main process; in the others the events pass through."""

    def __init__(self, target: RunDir, training: loop.Training, tokenizer: Any, *, evaluates: bool) -> None:
        self.target, self.training, self.tokenizer, self.evaluates = target, training, tokenizer, evaluates
        self.keep = training.config.checkpoints.keep
        self.last: Path | None = None
        self._steps = self._epoch = 0
        self._evaluated: int | None = None  # the step of the last evaluation in this process

    def watch(self, events: Iterator[Event]) -> Iterator[Event]:
        """Each event, and a ``Checkpointed`` once a checkpoint is on disk, which may be some steps later.

        Raises:
            HallucError E401: a checkpoint cannot be written.
        """
        training = self.training
        writer = checkpoint.CheckpointWriter(self.target.checkpoints, self.keep)
        try:
            for event in events:
                yield event
                yield from self._checkpoint_events(writer, wait=False)
                self._follow(event)
                if self._is_due(event):
                    yield from self._checkpoint_events(writer, wait=True)
                    whole = training.whole()  # gathered from all processes
                    if training.runtime.is_main:
                        writer.begin(*whole, training.progress, self._epoch, training.average)
            yield from self._checkpoint_events(writer, wait=True)
        finally:
            writer.close()

    def _follow(self, event: Event) -> None:
        if isinstance(event, Started):
            self._steps = event.steps
        elif isinstance(event, (Step, Evaluated)):
            self._epoch = event.epoch
            self._evaluated = event.step if isinstance(event, Evaluated) else self._evaluated

    def _checkpoint_events(self, writer: checkpoint.CheckpointWriter, *, wait: bool) -> Iterator[Checkpointed]:
        path = writer.written(wait=wait)
        if path is not None:
            self.last = path
            yield Checkpointed(int(path.name.removeprefix("step-")), str(path.relative_to(self.target.path)))

    def _is_due(self, event: Event) -> bool:
        """Whether a checkpoint is due: after each evaluation and epoch, at the configured interval, and on
        interruption."""
        if isinstance(event, Stopped):
            return event.interrupted
        if isinstance(event, (Step, Evaluated)) and event.step >= self._steps and self.keep == "none":
            return False  # training ends here: the model is published at once, and a checkpoint would be deleted
        if isinstance(event, Step):
            if event.evaluates and self.evaluates:
                return False  # the checkpoint waits for the result of the evaluation
            every = self.training.config.checkpoint_steps
            return event.ends_epoch or (every is not None and event.step % every == 0)
        return isinstance(event, Evaluated)

    def publish(self, refit: Callable[[torch.nn.Module], object] | None = None) -> None:
        """Write the best weights as ``model/``: those of the last step if dev selected none.

        Args:
            refit: fits values that the model stores besides its weights; checkpoints do not have them.

        Raises:
            HallucError R107: the best weights are lost. E401: the model cannot be written.
        """
        from halluc.engine.pretrained import save

        model, progress = self.training.model, self.training.progress
        if progress.is_chosen and progress.best_step != progress.step:
            checkpoint.load_weights(self.target.checkpoints, progress.best_step, model)
            self._evaluated = None
        elif self.training.average is not None:
            self.training.average.apply()
        if refit is not None and self._evaluated != progress.step:
            refit(model)
        replace_folder(self.target.model, lambda folder: save(model, self.tokenizer, folder))

    def summary(self, choose_by: str, why_last: str | None) -> dict[str, Any]:
        """The ``best`` of run.json; ``why_last``: why dev cannot select a checkpoint, if this was known before."""
        progress = self.training.progress
        if not progress.is_chosen:
            why = why_last or f"`{choose_by}` on dev was {progress.best:.4f} in all {progress.evaluations} evaluations"
            return {"step": progress.step, "chosen_by": f"last: {why}", "dev": {}}
        return {"step": progress.best_step, "chosen_by": choose_by, "dev": progress.best_metrics}
