"""Training of a method's model: checkpoints, resumption, selection of the best weights, and a progress bar."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch

from halluc.config.training import TrainConfig
from halluc.core import messages
from halluc.core.rng import keyed_generator
from halluc.engine import checkpoint, loop
from halluc.engine.checkpoint import CheckpointWriter
from halluc.engine.features import Features
from halluc.engine.loop import Metrics
from halluc.engine.runtime import Runtime
from halluc.runs.events import Evaluated, Started, Step


def split_held_out(size: int, share: float, seed: int) -> tuple[list[int], list[int]]:
    """Divide the numbers below ``size`` into those for training and at least one that is held out, both ascending."""
    order = keyed_generator("held out", seed).permutation(size).tolist()
    count = max(1, round(share * size))
    return sorted(order[count:]), sorted(order[:count])


def perplexity(loss: float) -> float:
    """The perplexity for a mean loss in nats, rounded for the manifest."""
    return round(math.exp(min(loss, 700.0)), 3)


class TrainedModel(NamedTuple):
    """The result of a training: optimizer steps, the step of the selected weights, and its figures on held-out data."""

    steps: int
    best_step: int
    held_out: Metrics | None


def train(
    model: Any,
    features: Features,
    config: TrainConfig,
    runtime: Runtime,
    work: Path,
    *,
    seed: int,
    what: str,
    evaluate: Callable[[torch.nn.Module], Metrics] | None,
    by_epoch: Sequence[Sequence[int]] = (),
) -> TrainedModel:
    """Train ``model`` in place, from the newest checkpoint in ``work`` if any; afterwards it has the best weights.

    Args:
        what: the text of the progress bar.
        evaluate: called after each epoch; returns figures on held-out data, of which ``log_likelihood`` is maximised.
        by_epoch: the indexes of the features of each epoch; empty: all features.

    Raises:
        HallucError T101: the loss is not finite. T102: out of memory. E401: a checkpoint cannot be written.
    """
    training = loop.prepare(model, features, config, runtime, seed)
    training.by_epoch = by_epoch
    newest = checkpoint.newest_whole(work, messages.warn)
    if newest is not None:
        checkpoint.remove_newer(newest)
        training.load(newest)
    writer = CheckpointWriter(work, "none")
    epoch = steps = 0
    try:
        with messages.progress(what, "steps") as tick:
            for event in loop.fit(training, evaluate=evaluate, choose_by="log_likelihood" if evaluate else None):
                if isinstance(event, Started):
                    steps = event.steps
                elif isinstance(event, (Step, Evaluated)):
                    epoch = event.epoch
                if isinstance(event, Step):
                    tick(event.step, steps)
                if _is_due(event, config.checkpoint_steps, evaluate is not None):
                    writer.written(wait=True)
                    writer.begin(training.model, training.optimizer, training.progress, epoch)
        writer.written(wait=True)
    finally:
        writer.close()
    progress = training.progress
    if progress.is_chosen and progress.best_step != progress.step:
        checkpoint.load_weights(work, progress.best_step, training.model)
    best_step = progress.best_step if progress.is_chosen else progress.step
    return TrainedModel(progress.step, best_step, progress.best_metrics)


def _is_due(event: object, every: int | None, evaluates: bool) -> bool:
    """Whether a checkpoint is due: after each evaluation or epoch, and after ``every`` so many steps."""
    if isinstance(event, Evaluated):
        return True
    if not isinstance(event, Step) or (event.evaluates and evaluates):
        return False
    return event.ends_epoch or (every is not None and event.step % every == 0)
