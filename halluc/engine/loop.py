"""The training loop: a generator of events. Its consumers print, save and select."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from halluc.config.training import TrainConfig
from halluc.core.errors import HallucError, environment_error
from halluc.core.messages import warn
from halluc.core.rng import keyed_generator, keyed_seed
from halluc.engine import batching, checkpoint, environment
from halluc.engine.averaging import WeightAverage
from halluc.engine.batching import Batch, BatchPlan, Course, Shares
from halluc.engine.features import Features, VariedFeatures
from halluc.engine.layers import GradualUnfreezing
from halluc.engine.optimizer import adamw, learning_rate_factor
from halluc.engine.progress import Progress
from halluc.engine.reduced_precision import reduce_frozen
from halluc.engine.regularisation import EmbeddingNoise, loss_of, refuse_unsupported
from halluc.engine.runtime import Runtime
from halluc.engine.shortcuts import Shortcuts
from halluc.runs.events import Evaluated, Event, Started, Step, Stopped

if TYPE_CHECKING:
    from halluc.engine.sharding import ShardedModel

Metrics = dict[str, float]
_INTERRUPTED = "interrupted"


@dataclass
class Training:
    """A training in progress: ``model`` is the original, ``prepared`` the model wrapped for device, precision and
    processes. If ``sharded``, ``model`` is a copy, see ``synchronise``.

    ``by_epoch`` has the indexes of the features of each epoch, cyclically; empty: all features. ``parts`` is the number
    of passes into which each pass of the config is divided to fit into memory.
    """

    model: torch.nn.Module
    prepared: Any
    optimizer: Any
    features: Features
    config: TrainConfig
    runtime: Runtime
    seed: int
    shortcuts: Shortcuts | None = None
    noise: EmbeddingNoise | None = None
    progress: Progress = field(default_factory=Progress)
    by_epoch: Sequence[Sequence[int]] = ()
    average: WeightAverage | None = None
    unfreezing: GradualUnfreezing | None = None
    sharded: ShardedModel | None = None
    parts: int = 1

    def among(self, epoch: int) -> Sequence[int]:
        """The features of an epoch, from 0."""
        return self.by_epoch[epoch % len(self.by_epoch)] if self.by_epoch else range(len(self.features.lengths))

    def synchronise(self) -> None:
        """Give ``model`` the weights of the last step; if it is sharded, every process must take part."""
        if self.sharded is not None:
            self.sharded.gather()

    def load(self, path: Path) -> None:
        """Continue from a checkpoint, in every process.

        Raises:
            HallucError R107, R110: see ``checkpoint.load``.
        """
        self.progress = checkpoint.load(path, self.model, self.optimizer, self.average)
        if self.sharded is not None:
            self.sharded.scatter(self.optimizer)

    def whole(self) -> tuple[torch.nn.Module, Any]:
        """Model and optimizer for a checkpoint; if the model is sharded, every process must take part."""
        self.synchronise()
        return self.model, self.optimizer if self.sharded is None else self.sharded.whole_state(self.optimizer)


def prepare(
    model: torch.nn.Module, features: Features, config: TrainConfig, runtime: Runtime, seed: int
) -> Training:  # fmt: skip
    """Prepare model and optimizer with accelerate; a resumed run loads its weights into the result.

    Raises:
        HallucError C221: see ``refuse_unsupported``. C202: the config asks for layers that the model does not have.
    """
    refuse_unsupported(config, features)
    if config.gradient_checkpointing:
        _checkpoint_activations(model)
    sharded = None
    if config.fsdp and runtime.ranks > 1:
        from halluc.engine.sharding import ShardedModel  # a slow import, and not every torch has it

        sharded = ShardedModel(model, runtime)
    optimizer = adamw(model, config.learning_rate, config.weight_decay, config.layer_decay)
    if sharded is not None:  # all its weights have one precision
        model, prepared, optimizer = sharded.copy, model, runtime.accelerator.prepare(optimizer)
    else:
        reduce_frozen(model, runtime)
        compiled = torch.compile(model, dynamic=True) if config.compile else model
        prepared, optimizer = runtime.accelerator.prepare(compiled, optimizer)
    # Recomputing a pass in the backward pass would draw other dropout masks from the pool.
    recomputes = config.compile or config.gradient_checkpointing
    alone = runtime.device.type == "cpu" and runtime.ranks == 1 and not recomputes
    shortcuts = Shortcuts(seed, torch.bfloat16 if runtime.precision == "bf16" else torch.float32) if alone else None
    training = Training(model, prepared, optimizer, features, config, runtime, seed, shortcuts, sharded=sharded)
    if config.adversarial:
        training.noise = EmbeddingNoise(model, config.adversarial)
    if config.average is not None:
        training.average = WeightAverage(model, config.average)
    if config.unfreeze is not None:
        switches = runtime.ranks == 1 and not config.compile
        training.unfreezing = GradualUnfreezing(model, config.unfreeze, switches=switches)
    return training


def _checkpoint_activations(model: Any) -> None:
    """Store only the activations of layers' inputs, and recompute the others (Chen et al. 2016).

    Raises:
        HallucError C202: the model does not support it.
    """
    if not getattr(model, "supports_gradient_checkpointing", False):
        message = f"`train.gradient_checkpointing`: {type(model).__name__} does not support it"
        raise HallucError("C202", message, help="remove it, and set `train.accumulation` to save memory")
    # Early versions of transformers 5 have only the second name.
    enable = getattr(model, "activation_checkpointing_enable", None) or model.gradient_checkpointing_enable
    enable({"use_reentrant": False})


def fit(
    training: Training,
    *,
    evaluate: Callable[[torch.nn.Module], Metrics] | None,
    choose_by: str | None,
    interrupted: Callable[[], bool] = lambda: False,
) -> Iterator[Event]:
    """Train from ``training.progress`` to the last step, evaluating after each epoch or at the configured interval.

    An optimizer step minimises the loss summed over its global batch, divided by the labelled tokens of that batch: a
    mean of means would weight uneven batches wrongly. The consumer sees the model as it is at each event; with weight
    averaging, ``evaluate`` gets the model with the average.

    Args:
        choose_by: the figure on dev that selects the best checkpoint and ends the training after ``patience``
            evaluations without improvement, once it has varied; None: no selection.

    Raises:
        HallucError T101: the loss is not finite; the message names step, batch and examples. T102: out of memory.
    """
    config, progress = training.config, training.progress
    course = batching.course(
        lambda epoch: _plan(training, epoch),
        epochs=config.epochs,
        steps=config.steps,
        evaluate_steps=config.evaluate_steps,
    )
    # A run that is continued to a larger total was evaluated after its old last step, which is no longer the last.
    progress.evaluations = min(progress.evaluations, course.evaluations(progress.step))
    yield _started(training, course)
    seconds, seen = 0.0, 0
    remaining = course.after(progress.step)
    reason = ""
    while not reason:
        # Checked before a step, so that a run that was interrupted before an evaluation begins with it.
        if evaluate is not None and progress.evaluations < course.evaluations(progress.step):
            yield _evaluated(training, evaluate, choose_by, course)
        if config.patience is not None and progress.varied and progress.stale >= config.patience:
            reason = f"{choose_by} did not improve for {progress.stale} evaluations"
        elif (shares := next(remaining, None)) is None:
            reason = "all epochs done" if config.steps is None else "all steps done"
        else:
            step, stop = _step(training, shares, course, interrupted())
            seconds, seen = seconds + step.seconds, seen + step.features
            yield step
            reason = _INTERRUPTED if stop else ""
    training.synchronise()
    yield Stopped(progress.step, reason, reason == _INTERRUPTED, seconds, seen)


def _plan(training: Training, epoch: int) -> BatchPlan:
    config = training.config
    return batching.plan(
        training.features.lengths,
        budget=config.batch_tokens,
        seed=training.seed,
        epoch=epoch,
        ranks=training.runtime.ranks * config.accumulation,
        batching=config.batching,
        among=training.among(epoch) if training.by_epoch else None,
    )


def _started(training: Training, course: Course) -> Started:
    runtime = training.runtime
    lengths, indexes = training.features.lengths, training.among(0)
    return Started(
        steps=course.steps,
        epochs=len(course.ends),
        features=len(indexes),
        pieces=sum(lengths[index] for index in indexes),
        padding=round(course.padding, 4),
        device=runtime.device.type,
        precision=runtime.precision,
        threads=torch.get_num_threads(),
        waiting=environment.waiting(),
        processes=runtime.ranks,
        resumed_step=training.progress.step,
    )


def _evaluated(
    training: Training, evaluate: Callable[[torch.nn.Module], Metrics], choose_by: str | None, course: Course
) -> Evaluated:  # fmt: skip
    """Evaluate in the main process and send the result to the others, so that all take the same decisions."""
    clock, progress = time.perf_counter(), training.progress
    training.synchronise()
    training.runtime.release_memory()
    with training.average.applied() if training.average is not None else contextlib.nullcontext():
        metrics = training.runtime.from_main(evaluate(training.model) if training.runtime.is_main else None)
    training.runtime.release_memory()
    is_best = choose_by is not None and _choose(progress, metrics[choose_by], metrics)
    progress.evaluations = course.evaluations(progress.step)
    return Evaluated(progress.step, course.epoch(progress.step), metrics, is_best, time.perf_counter() - clock)


def _choose(progress: Progress, value: float, metrics: Metrics) -> bool:
    """Record the selection figure of one evaluation; returns whether it is the best so far."""
    is_best = value > (-math.inf if progress.best is None else progress.best)
    progress.varied = progress.varied or (progress.best_metrics is not None and value != progress.best)
    progress.stale = 0 if is_best else progress.stale + 1
    if is_best:
        progress.best, progress.best_step, progress.best_metrics = value, progress.step, metrics
    return is_best


def _step(training: Training, shares: Shares, course: Course, stop: bool) -> tuple[Step, bool]:
    """One optimizer step, and whether any process was asked to stop."""
    clock, progress, config = time.perf_counter(), training.progress, training.config
    rate = config.learning_rate * learning_rate_factor(progress.step, course.steps, config.warmup, config.schedule)
    for group in training.optimizer.param_groups:
        group["lr"] = rate * group.get("scale", 1.0)
    if training.unfreezing is not None:
        training.unfreezing.begin(progress.step, course.epoch(progress.step + 1))
    training.prepared.train()
    loss, stop = _gradients(training, shares, stop)
    if training.unfreezing is not None:
        training.unfreezing.drop_gradients()
    norm = _clip(training)
    if not math.isfinite(norm) and training.runtime.precision != "fp16":  # with fp16 the scaler skips the step
        raise _not_finite(training, shares, "norm of the gradient", norm)
    training.optimizer.step()
    if training.shortcuts is not None:
        training.shortcuts.rows.step(training.optimizer)
    training.optimizer.zero_grad()
    progress.step += 1
    evaluates = course.evaluations(progress.step) > course.evaluations(progress.step - 1)
    if training.average is not None:
        training.average.after_step(progress.step, evaluates=evaluates)
    sizes = [training.features.lengths[index] for share in shares for index in share]
    event = Step(
        step=progress.step,
        epoch=course.epoch(progress.step),
        loss=loss,
        learning_rate=rate,
        grad_norm=norm,
        features=len(sizes),
        pieces=sum(sizes),
        seconds=time.perf_counter() - clock,
        ends_epoch=course.ends_epoch(progress.step),
        evaluates=evaluates,
    )
    return event, stop


def _clip(training: Training) -> float:
    """Clip the norm of the gradient to ``max_grad_norm``; returns the norm before."""
    most = training.config.max_grad_norm
    if training.shortcuts is not None:
        return float(training.shortcuts.rows.clip(training.model, most))
    clipped = training.runtime.accelerator.clip_grad_norm_(training.prepared.parameters(), most)
    if training.sharded is not None:
        clipped = training.sharded.unsharded(clipped)
    return float(clipped) if clipped is not None else 0.0


def _gradients(training: Training, shares: Shares, stop: bool) -> tuple[float, bool]:
    """Like ``_accumulate``; if memory runs out, a single process repeats the step in twice as many passes.

    Raises:
        HallucError T102: out of memory with one example per pass, or in one of several processes.
    """
    while True:
        # Dropout as a function of seed, step and rank: a resumed run needs no generator state.
        training.runtime.seed(keyed_seed("dropout", training.seed, training.progress.step, training.runtime.rank))
        if training.shortcuts is not None:
            training.shortcuts.begin(training.progress.step)
        try:
            with training.shortcuts or contextlib.nullcontext():
                return _accumulate(training, shares, stop)
        except torch.OutOfMemoryError as error:
            if training.runtime.ranks > 1 or training.parts >= max(map(len, shares)):
                raise _out_of_memory(training, shares) from error
        # Outside of `except`: the error keeps references to the tensors of the pass.
        training.parts *= 2
        training.optimizer.zero_grad()
        if training.shortcuts is not None:
            training.shortcuts.rows.clear()
        torch.cuda.empty_cache()  # no effect without a CUDA device
        passes = training.parts * training.config.accumulation
        warn(
            f"out of memory in step {training.progress.step + 1}: from now on, each step is computed in {passes} passes"
        )


def _accumulate(training: Training, shares: Shares, stop: bool) -> tuple[float, bool]:
    """Compute the gradients of the global batch; returns its mean loss per labelled token, and whether to stop."""
    features, runtime, passes = training.features, training.runtime, training.config.accumulation
    weight = max(1, sum(features.weights[index] for share in shares for index in share))
    summed = torch.zeros(2, device=runtime.device)
    summed[1] = float(stop)
    own = _cut(shares[runtime.rank * passes : (runtime.rank + 1) * passes], training.parts)
    for number, share in enumerate(own, 1):
        # A process without examples still takes part in the gradient exchange, with a loss of zero.
        batch = features.collate(share or next(filter(None, shares))[:1])
        if isinstance(features, VariedFeatures):
            # A function of seed and step, like dropout.
            keys = (training.seed, training.progress.step, runtime.rank, number)
            batch = features.varied(batch, keyed_generator("varied batch", *keys))
        batch = batch.to(runtime.device)
        # Gradients are averaged over processes: multiplied by the number of processes, they are summed.
        scale = runtime.ranks / weight if share else 0.0
        loss = _backward(training, batch, scale, last=number == len(own))
        summed[0] += loss.detach() if share else 0.0
    reduced = runtime.accelerator.reduce(summed, "sum").tolist()
    total = reduced[0] / weight
    if not math.isfinite(total):
        raise _not_finite(training, shares, "loss", total)
    return total, reduced[1] > 0


def _backward(training: Training, batch: Batch, scale: float, *, last: bool) -> torch.Tensor:
    """Add the gradients of a batch, its summed loss times ``scale``; returns that loss, without the loss under noise.

    Processes exchange their gradients in the ``last`` backward pass of a step.
    """
    noise, accelerator = training.noise, training.runtime.accelerator

    def exchange(now: bool) -> Any:
        return contextlib.nullcontext() if now else accelerator.no_sync(training.prepared)

    with exchange(last and noise is None), noise.watched() if noise else contextlib.nullcontext():
        loss = loss_of(training.prepared, training.features, batch, training.config.r_drop)
        accelerator.backward(loss * scale)
    if noise is not None:
        with exchange(last), noise.added(len(batch.indexes)):
            accelerator.backward(loss_of(training.prepared, training.features, batch, 0.0) * scale)
    return loss


def _cut(shares: Shares, parts: int) -> Shares:
    """Each share in this many parts, without empty parts."""
    if parts == 1:
        return shares
    return tuple(share[first::parts] for share in shares for first in range(min(parts, len(share))))


def _out_of_memory(training: Training, shares: Shares) -> HallucError:
    rows = max(len(share) for share in _cut(shares, training.parts))
    columns = max(training.features.lengths[index] for share in shares for index in share)
    half, twice = max(1, training.config.batch_tokens // 2), 2 * training.config.accumulation
    message = f"out of memory in step {training.progress.step + 1}: a batch of {rows} by {columns} word pieces"
    help = "set `train.gradient_checkpointing: true`, or use a smaller model"
    if rows > 1:
        help = f"set `train.batch_tokens: {half}`, or keep it and set `train.accumulation: {twice}`"
    return environment_error("T102", message, help)


def _not_finite(training: Training, shares: Shares, what: str, value: float) -> HallucError:
    training.optimizer.zero_grad()
    ids = training.features.ids([index for share in shares for index in share])
    listed = ", ".join(ids[:8]) + (f" and {len(ids) - 8} more" if len(ids) > 8 else "")
    message = f"the {what} is {value} in step {training.progress.step + 1}, a batch of {len(ids)} examples: {listed}"
    help = "lower `train.learning_rate`, or set `train.precision: fp32`; the last checkpoint is unchanged"
    return HallucError("T101", message, help=help)
