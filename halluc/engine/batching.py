"""Which examples go together, as a pure function of (lengths, seed, epoch): the reason why a resumed run is equal to
an uninterrupted one, and why every process knows the whole plan without asking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy
import torch

from halluc.core.rng import keyed_generator

# Sorted by length inside pools of this many batches, CoNLL-2003 pads 7% (14% with 50) and batches stay varied.
BATCHES_A_POOL = 100


@dataclass(frozen=True)
class Batch:
    """Padded tensors of some features. ``weight`` is the number of labelled tokens."""

    inputs: dict[str, torch.Tensor]
    labels: torch.Tensor
    indexes: tuple[int, ...]
    weight: int

    def to(self, device: torch.device) -> Batch:
        inputs = {name: tensor.to(device, non_blocking=True) for name, tensor in self.inputs.items()}
        return Batch(inputs, self.labels.to(device, non_blocking=True), self.indexes, self.weight)


@dataclass(frozen=True)
class BatchPlan:
    """The optimizer steps of one epoch: ``steps[i][r]`` are the feature indexes of rank ``r`` in step ``i``.

    ``padding`` is the share of padded positions in all positions.
    """

    steps: tuple[tuple[tuple[int, ...], ...], ...]
    padding: float

    def __len__(self) -> int:
        return len(self.steps)


def plan(
    lengths: Sequence[int],
    *,
    budget: int,
    seed: int,
    epoch: int,
    ranks: int = 1,
    batching: Literal["buckets", "random"] = "buckets",
) -> BatchPlan:
    """Every index once, in steps of at most ``budget`` summed lengths (one index where it alone is longer).

    Every rank gets the same number of steps; where a step has fewer examples than ranks, some get none.
    """
    sizes = numpy.asarray(lengths, dtype=numpy.int64)
    generator = keyed_generator("batches", seed, epoch)
    order = generator.permutation(len(sizes))
    if batching == "buckets":
        order = _pooled_by_length(order, sizes, budget)
    groups = _cut(order, sizes, budget)
    if batching == "buckets":
        groups = [groups[index] for index in generator.permutation(len(groups))]
    steps = tuple(_dealt(group, sizes, ranks) for group in groups)
    return BatchPlan(steps, _padding(steps, sizes))


def _pooled_by_length(order: numpy.ndarray, sizes: numpy.ndarray, budget: int) -> numpy.ndarray:
    mean = max(1.0, float(sizes.mean())) if len(sizes) else 1.0
    pool = max(1, int(BATCHES_A_POOL * budget / mean))
    pools = [order[start : start + pool] for start in range(0, len(order), pool)]
    return numpy.concatenate([part[numpy.argsort(sizes[part], kind="stable")] for part in pools]) if pools else order


def _cut(order: numpy.ndarray, sizes: numpy.ndarray, budget: int) -> list[list[int]]:
    groups: list[list[int]] = []
    total = budget + 1
    for index in order.tolist():
        size = int(sizes[index])
        if total + size > budget:
            groups.append([])
            total = 0
        groups[-1].append(index)
        total += size
    return groups


def _dealt(group: list[int], sizes: numpy.ndarray, ranks: int) -> tuple[tuple[int, ...], ...]:
    """Shares of like length: the sorted group is cut where the summed length passes each rank's part."""
    if ranks == 1:
        return (tuple(group),)
    ordered = sorted(group, key=lambda index: (int(sizes[index]), index))
    shares = numpy.array_split(numpy.array(ordered, dtype=numpy.int64), ranks)
    return tuple(tuple(share.tolist()) for share in shares)


def _padding(steps: tuple[tuple[tuple[int, ...], ...], ...], sizes: numpy.ndarray) -> float:
    padded = sum(len(part) * int(sizes[list(part)].max()) for step in steps for part in step if part)
    return 1 - float(sizes.sum()) / padded if padded else 0.0


def sorted_batches(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """For inference: longest first (so that memory runs out at once or never), ``budget`` counts padding."""
    batches: list[list[int]] = []
    width = 0
    for index in numpy.argsort(-numpy.asarray(lengths, dtype=numpy.int64), kind="stable").tolist():
        if not batches or width * (len(batches[-1]) + 1) > budget:
            batches.append([])
            width = max(1, int(lengths[index]))
        batches[-1].append(index)
    return batches
