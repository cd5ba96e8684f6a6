"""Which examples form a batch and when, as a pure function of (lengths, seed, epoch). So a resumed run equals an
uninterrupted one, and every process knows the whole plan without communication."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

import numpy

from halluc.core.rng import keyed_generator

if TYPE_CHECKING:
    import torch

# Sorted by length inside pools of this many batches, CoNLL-2003 pads 2% and batches stay varied.
BATCHES_A_POOL = 100
# The few steps of very long examples may pad to this many times their budget: memory is taken for the largest of all.
MOST_PADDED = 1.1


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


class Rows(Protocol):
    """Features that a model processes together, one per row."""

    @property
    def inputs(self) -> Mapping[str, Any]: ...
    @property
    def indexes(self) -> tuple[int, ...]: ...


# Rows with the logits of a model: tensors, or arrays from an exported model.
Outputs = Iterable[tuple[Rows, Any]]


class ArrayRows(NamedTuple):
    """The inputs of some features as arrays, without labels, for an exported model."""

    inputs: dict[str, numpy.ndarray]
    indexes: tuple[int, ...]


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
    among: Sequence[int] | None = None,
) -> BatchPlan:
    """Every index once, in steps of at most ``budget`` summed lengths (a single index if it alone is longer).

    With ``among``, every index in it once. In buckets a step has at most 1.1 times ``budget`` positions with padding,
    all ranks padded alike. Every rank gets the same number of steps; where a step has fewer examples than ranks, some
    get none.
    """
    sizes = numpy.asarray(lengths, dtype=numpy.int64)
    generator = keyed_generator("batches", seed, epoch)
    order = generator.permutation(len(sizes)) if among is None else generator.permutation(among)
    if batching == "buckets":
        order = _pooled_by_length(order, sizes, budget)
    groups = _cut(order, sizes, budget, MOST_PADDED * budget if batching == "buckets" else math.inf)
    if batching == "buckets":
        groups = [groups[index] for index in generator.permutation(len(groups))]
    steps = tuple(_dealt(group, sizes, ranks) for group in groups)
    return BatchPlan(steps, _padding(steps, sizes))


def _pooled_by_length(order: numpy.ndarray, sizes: numpy.ndarray, budget: int) -> numpy.ndarray:
    """Ascending in one pool and descending in the next: otherwise a step across two pools would combine the longest of
    one with the shortest of the other, and pad to many times its budget."""
    mean = max(1.0, float(sizes.mean())) if len(sizes) else 1.0
    pool = max(1, int(BATCHES_A_POOL * budget / mean))
    pools = [order[start : start + pool] for start in range(0, len(order), pool)]
    rising = [part[numpy.argsort(sizes[part], kind="stable")] for part in pools]
    return numpy.concatenate([part[:: -1 if n % 2 else 1] for n, part in enumerate(rising)]) if pools else order


def _cut(order: numpy.ndarray, sizes: numpy.ndarray, budget: int, padded: float) -> list[list[int]]:
    groups: list[list[int]] = []
    total = longest = 0
    for index in order.tolist():
        size = int(sizes[index])
        longest = max(longest, size)
        if not groups or total + size > budget or longest * (len(groups[-1]) + 1) > padded:
            groups.append([])
            total, longest = 0, size
        groups[-1].append(index)
        total += size
    return groups


def _dealt(group: list[int], sizes: numpy.ndarray, ranks: int) -> tuple[tuple[int, ...], ...]:
    """Shares of similar length: the sorted group is split where the summed length exceeds each rank's part."""
    if ranks == 1:
        return (tuple(group),)
    ordered = sorted(group, key=lambda index: (int(sizes[index]), index))
    shares = numpy.array_split(numpy.array(ordered, dtype=numpy.int64), ranks)
    return tuple(tuple(share.tolist()) for share in shares)


def _padding(steps: tuple[tuple[tuple[int, ...], ...], ...], sizes: numpy.ndarray) -> float:
    padded = sum(len(part) * int(sizes[list(part)].max()) for step in steps for part in step if part)
    filled = sum(int(sizes[list(part)].sum()) for step in steps for part in step if part)
    return 1 - filled / padded if padded else 0.0


@dataclass(frozen=True)
class Course:
    """When a training passes over its data and when it is evaluated; steps and epochs count from 1.

    ``ends`` is the last step of each epoch; the last epoch may be cut. ``padding`` is the mean of the epochs' plans.
    """

    plan_of: Callable[[int], BatchPlan]
    ends: tuple[int, ...]
    padding: float
    evaluate_steps: int | None

    @property
    def steps(self) -> int:
        return self.ends[-1]

    def epoch(self, step: int) -> int:
        """The epoch of a step."""
        return bisect_left(self.ends, step) + 1

    def ends_epoch(self, step: int) -> bool:
        return self.ends[self.epoch(step) - 1] == step

    def evaluations(self, step: int) -> int:
        """The number of evaluations up to ``step``, including the one that follows it."""
        if self.evaluate_steps is None:
            return bisect_right(self.ends, step)
        regular, over = divmod(step, self.evaluate_steps)
        return regular + (step == self.steps and over > 0)

    def after(self, step: int) -> Iterator[tuple[tuple[int, ...], ...]]:
        """The batches of each step after ``step``; one epoch is planned at a time, since many would fill memory."""
        for number, (start, end) in enumerate(pairwise((0, *self.ends))):
            if step < end:
                yield from self.plan_of(number).steps[max(0, step - start) : end - start]


def course(
    plan_of: Callable[[int], BatchPlan], *, epochs: int, steps: int | None, evaluate_steps: int | None
) -> Course:  # fmt: skip
    """A course of ``epochs`` epochs or, if ``steps`` are given, of exactly that many steps.

    Args:
        plan_of: the plan of an epoch, from 0.
        evaluate_steps: steps between evaluations; None evaluates after each epoch.
    """
    ends: list[int] = []
    paddings: list[float] = []
    while len(ends) < epochs if steps is None else not ends or ends[-1] < steps:
        made = plan_of(len(ends))
        ends.append((ends[-1] if ends else 0) + len(made))
        paddings.append(made.padding)
        if not len(made):
            break  # no examples: no number of passes makes a step
    last = ends[-1] if steps is None else min(steps, ends[-1])
    return Course(plan_of, (*ends[:-1], last), sum(paddings) / len(paddings), evaluate_steps)


def sorted_batches(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """For inference: longest first (so that memory runs out at once or never); ``budget`` includes padding."""
    batches: list[list[int]] = []
    width = 0
    for index in numpy.argsort(-numpy.asarray(lengths, dtype=numpy.int64), kind="stable").tolist():
        if not batches or width * (len(batches[-1]) + 1) > budget:
            batches.append([])
            width = max(1, int(lengths[index]))
        batches[-1].append(index)
    return batches
