"""The training loop: a generator of events. Printing, saving and choosing live with those who listen."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import torch

from halluc.config.schema import TrainConfig
from halluc.core.errors import EXIT_BUG, HallucError
from halluc.engine import batching
from halluc.engine.batching import Batch, BatchPlan
from halluc.engine.optimizer import adamw, learning_rate_factor
from halluc.engine.runtime import Runtime
from halluc.runs.events import Evaluated, Event, Started, Step, Stopped


class Features(Protocol):
    """Encoded training examples: what the loop needs to know of a task.

    ``lengths`` are word pieces a feature, ``weights`` labelled tokens a feature.
    """

    @property
    def lengths(self) -> Sequence[int]: ...

    @property
    def weights(self) -> Sequence[int]: ...

    def collate(self, indexes: Sequence[int]) -> Batch: ...

    def loss(self, outputs: object, batch: Batch) -> torch.Tensor:
        """The loss summed over the labelled tokens of the batch, a scalar."""
        ...

    def ids(self, indexes: Sequence[int]) -> list[str]:
        """The ids of the examples behind features, for messages."""
        ...


Metrics = dict[str, float]


def fit(
    model: torch.nn.Module,
    features: Features,
    config: TrainConfig,
    runtime: Runtime,
    *,
    seed: int,
    evaluate: Callable[[torch.nn.Module], Metrics] | None,
    choose_by: str,
) -> Iterator[Event]:
    """Train for ``config.epochs`` and evaluate after each.

    An optimizer step minimises the loss summed over its global batch, divided by the labelled tokens of that batch:
    a mean of means would weigh ragged batches wrongly. Whoever listens sees the model as it is at each event.

    Raises:
        HallucError T101: the loss is not finite; names step and examples. T102: out of memory.
    """
    plans = [_plan(features, config, runtime, seed, epoch) for epoch in range(config.epochs)]
    steps = sum(map(len, plans))
    optimizer = adamw(model, config.learning_rate, config.weight_decay)
    model, optimizer = runtime.accelerator.prepare(model, optimizer)
    pieces = sum(features.lengths)
    yield Started(
        steps, config.epochs, len(features.lengths), pieces, round(plans[0].padding, 4),
        runtime.device.type, runtime.precision, torch.get_num_threads(),
    )  # fmt: skip
    best, step, spent = -math.inf, 0, 0.0
    for epoch, plan in enumerate(plans, 1):
        model.train()
        for shares in plan.steps:
            clock = time.perf_counter()
            rate = config.learning_rate * learning_rate_factor(step, steps, config.warmup, config.schedule)
            for group in optimizer.param_groups:
                group["lr"] = rate
            step += 1
            loss, norm = _optimizer_step(model, optimizer, features, shares, runtime, config.max_grad_norm, step)
            seconds = time.perf_counter() - clock
            spent += seconds
            sizes = [features.lengths[index] for share in shares for index in share]
            yield Step(step, epoch, loss, rate, norm, len(sizes), sum(sizes), seconds)
        if evaluate is not None:
            clock = time.perf_counter()
            metrics = evaluate(model)
            is_best = metrics[choose_by] > best
            best = max(best, metrics[choose_by])
            yield Evaluated(step, epoch, metrics, is_best, time.perf_counter() - clock)
    yield Stopped(step, "all epochs done", spent, len(features.lengths) * config.epochs)


def _plan(features: Features, config: TrainConfig, runtime: Runtime, seed: int, epoch: int) -> BatchPlan:
    return batching.plan(
        features.lengths,
        budget=config.batch_tokens,
        seed=seed,
        epoch=epoch,
        ranks=runtime.ranks,
        batching=config.batching,
    )


def _optimizer_step(
    model: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    features: Features,
    shares: tuple[tuple[int, ...], ...],
    runtime: Runtime,
    max_grad_norm: float,
    step: int,
) -> tuple[float, float]:
    """One update; returns the mean loss of a labelled token over the global batch, and the gradient's norm."""
    share = shares[runtime.rank]
    weight = max(1, sum(features.weights[index] for part in shares for index in part))
    # A rank without examples still takes part in the exchange of gradients, with a loss of nought.
    batch = features.collate(share or shares[0][:1]).to(runtime.device)
    try:
        summed = features.loss(model(**batch.inputs), batch) * (1.0 if share else 0.0)
        # Gradients are averaged over ranks: multiplied by their number, they are summed.
        runtime.accelerator.backward(summed * (runtime.ranks / weight))
    except torch.OutOfMemoryError as error:
        shape = "x".join(map(str, batch.labels.shape))
        help = f"halve `train.batch_tokens`; this batch had {shape} positions"
        raise HallucError("T102", f"out of memory in step {step}", help=help) from error
    total = float(runtime.accelerator.reduce(summed.detach(), "sum")) / weight
    if not math.isfinite(total):
        optimizer.zero_grad()
        ids = ", ".join(features.ids(share)[:8])
        help = "lower `train.learning_rate`, or set `train.precision: fp32`"
        raise HallucError("T101", f"the loss is {total} in step {step} (examples {ids})", help=help, exit_code=EXIT_BUG)
    norm = runtime.accelerator.clip_grad_norm_(model.parameters(), max_grad_norm)
    optimizer.step()
    optimizer.zero_grad()
    return total, float(norm) if norm is not None else 0.0
