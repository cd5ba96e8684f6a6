"""``halluc check --deep``: how the model encodes the data, before hours of training."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from halluc.config.schema import Experiment
from halluc.core.errors import HallucError
from halluc.engine import batching, loop, optimizer, runtime
from halluc.engine.pretrained import quiet_libraries
from halluc.workflows.job import Job


@dataclass(frozen=True)
class Inspection:
    """Sizes of the model, how the splits fit it, and one batch forward and backward.

    ``encoding`` has the task's notes by split, with the pieces of the longest input; ``dry_batch`` is the batch of the
    first epoch with the most positions, including padding; its seconds are those of one forward and backward pass.
    ``usual_learning_rates`` is the usual range for fine-tuning: None for a model from scratch, and for adapters.
    """

    device: str
    precision: str
    parameters: int
    trainable: int
    without_embeddings: int
    encoding: dict[str, dict[str, int]]
    steps_an_epoch: int
    padding: float
    dry_batch: dict[str, float]
    usual_learning_rates: tuple[float, float] | None
    warnings: list[str] = field(default_factory=list)


def inspect(job: Job) -> Inspection:
    """Load the model, encode every split, and run the largest batch once. Nothing is trained or written."""
    corpora = job.remaining()
    if "train" not in corpora.splits:
        raise HallucError("C107", "`check --deep` needs `data.train`", help="set the training split")
    quiet_libraries(verbose=False)
    settings, task = job.settings, job.task
    engine = runtime.start(settings.train.precision, settings.seed)
    train = corpora.splits["train"]
    texts = (text for example in train for text in task.examples.texts(example))
    encoder = task.model.build(
        settings.model, task.examples.labels(train), runtime.attention_for(engine.device.type), texts
    )
    features = {split: task.model.encode(corpus.examples, encoder) for split, corpus in corpora.splits.items()}
    plan = batching.plan(
        features["train"].lengths,
        budget=settings.train.batch_tokens,
        seed=settings.seed,
        epoch=0,
        ranks=settings.train.accumulation,
        batching=settings.train.batching,
    )
    sizes = _sizes(encoder.model)
    is_tuned_whole = settings.model.scratch is None and getattr(settings.task, "lora", None) is None
    rates = optimizer.usual_learning_rates(sizes["without_embeddings"]) if is_tuned_whole else None
    return Inspection(
        device=engine.device.type,
        precision=engine.precision,
        **sizes,
        encoding={split: {**encoded.notes, "longest": max(encoded.lengths)} for split, encoded in features.items()},
        steps_an_epoch=len(plan),
        padding=round(plan.padding, 4),
        dry_batch=_dry_batch(encoder.model, features["train"], plan, settings, engine),
        usual_learning_rates=rates,
        warnings=_warnings(settings.train.learning_rate, rates),
    )


def _sizes(model: Any) -> dict[str, int]:
    named = [(name, p.numel(), p.requires_grad) for name, p in model.named_parameters()]
    return {
        "parameters": sum(count for _, count, _ in named),
        "trainable": sum(count for _, count, trained in named if trained),
        "without_embeddings": sum(count for name, count, _ in named if "embedding" not in name),
    }


def _dry_batch(
    model: Any, features: Any, plan: batching.BatchPlan, settings: Experiment, engine: runtime.Runtime
) -> dict[str, float]:
    shares = [share for step in plan.steps for share in step if share]
    largest = max(shares, key=lambda share: len(share) * max(features.lengths[index] for index in share))
    training = loop.prepare(model, features, settings.train, engine, settings.seed)
    training.prepared.train()
    batch = features.collate(largest).to(engine.device)
    seconds = []
    for _ in range(2):  # the first pass also includes set-up
        clock = time.perf_counter()
        loss = features.loss(training.prepared(**batch.inputs), batch)
        engine.accelerator.backward(loss / max(1, batch.weight))
        value = loss.item() / max(1, batch.weight)
        seconds.append(time.perf_counter() - clock)
    rows, columns = batch.inputs["input_ids"].shape
    results = {"examples": rows, "positions": columns, "loss": round(value, 4), "seconds": round(seconds[-1], 4)}
    peak = engine.peak_memory()
    return results if peak is None else {**results, "peak_bytes": peak}


def _warnings(rate: float, usual: tuple[float, float] | None) -> list[str]:
    if usual is None:
        return []
    low, high = usual
    if low <= rate <= high:
        return []
    return [
        f"`train.learning_rate: {rate:g}` is outside {low:g} to {high:g}, which are usual for an encoder of this size"
    ]
