"""Divides the examples of an epoch into batches: a pure function of (lengths, seed, epoch). So a resumed run equals an
uninterrupted one, and every process computes the same plan without communication."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

import numpy

from halluc.core.packed import OnDemand
from halluc.core.rng import keyed_generator

if TYPE_CHECKING:
    import torch

# Examples are sorted by length within pools of this many batches: batches still vary, with 2% padding on CoNLL-2003.
BATCHES_A_POOL = 100
# A step has at most this many times its budget of positions with padding: memory is allocated for the largest step.
MOST_PADDED = 1.1
# How many lengths are converted to Python numbers at a time.
_AT_ONCE = 1 << 16


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


Shares = tuple[tuple[int, ...], ...]


class Steps(OnDemand[Shares]):
    """The steps of a plan, created on access: stored are 4 bytes per example and 16 per step.

    Args:
        order: indexes of features; step ``i`` has those from ``ends[turns[i]]`` to ``ends[turns[i] + 1]``.
    """

    def __init__(
        self, order: numpy.ndarray, ends: numpy.ndarray, turns: numpy.ndarray, sizes: numpy.ndarray, ranks: int
    ) -> None:
        self._order, self._ends, self._turns, self._sizes, self._ranks = order, ends, turns, sizes, ranks

    def __len__(self) -> int:
        return len(self._turns)

    def at(self, number: int) -> Shares:
        group = self._order[slice(*self._ends[self._turns[number] :][:2])]
        return tuple(tuple(share.tolist()) for share in _split_by_rank(group, self._sizes, self._ranks))


@dataclass(frozen=True)
class BatchPlan:
    """The optimizer steps of one epoch: ``steps[i][r]`` are the feature indexes of rank ``r`` in step ``i``.

    ``padding`` is the share of padded positions in all positions.
    """

    steps: Sequence[Shares]
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

    With ``among``, every index in it once. In buckets a step has at most ``MOST_PADDED`` times ``budget`` positions
    with padding, if all ranks are padded to the same length. Every rank gets the same number of steps; in a step with
    fewer examples than ranks, some ranks get none.
    """
    sizes = numpy.asarray(lengths) if len(lengths) else numpy.zeros(0, dtype=numpy.int32)
    generator = keyed_generator("batches", seed, epoch)
    order = numpy.array(among, numpy.int32) if among is not None else numpy.arange(len(sizes), dtype=numpy.int32)
    generator.shuffle(order)
    if batching == "buckets":
        _pool_by_length(order, sizes, budget)
    ends = _cut(order, sizes, budget, MOST_PADDED * budget if batching == "buckets" else math.inf)
    turns = numpy.arange(len(ends) - 1, dtype=numpy.int64)
    if batching == "buckets":
        generator.shuffle(turns)
    return BatchPlan(Steps(order, ends, turns, sizes, ranks), _padding(order, ends, sizes, ranks))


def _pool_by_length(order: numpy.ndarray, sizes: numpy.ndarray, budget: int) -> None:
    """Sort each pool in place, alternately ascending and descending: otherwise a step at the border of two pools would
    have the longest examples of one and the shortest of the other, mostly padding."""
    mean = max(1.0, float(sizes.mean())) if len(sizes) else 1.0
    pool = max(1, int(BATCHES_A_POOL * budget / mean))
    for number, start in enumerate(range(0, len(order), pool)):
        part = order[start : start + pool]
        part[:] = part[numpy.argsort(sizes[part], kind="stable")][:: -1 if number % 2 else 1]


def _cut(order: numpy.ndarray, sizes: numpy.ndarray, budget: int, padded: float) -> numpy.ndarray:
    """The position in ``order`` at which each step begins, and that at which the last one ends."""
    begins = array("q")
    total = longest = at = 0
    for start in range(0, len(order), _AT_ONCE):
        for at, size in enumerate(sizes[order[start : start + _AT_ONCE]].tolist(), start):
            longest = max(longest, size)
            if not begins or total + size > budget or longest * (at - begins[-1] + 1) > padded:
                begins.append(at)
                total, longest = 0, size
            total += size
    begins.append(len(order))
    return numpy.asarray(begins)


def _split_by_rank(group: numpy.ndarray, sizes: numpy.ndarray, ranks: int) -> list[numpy.ndarray]:
    """The examples of a step for each rank: sorted by length, and divided into parts of equal size."""
    if ranks == 1:
        return [group]
    return numpy.array_split(group[numpy.lexsort((group, sizes[group]))], ranks)


def _padding(order: numpy.ndarray, ends: numpy.ndarray, sizes: numpy.ndarray, ranks: int) -> float:
    padded = filled = 0
    for begin, end in pairwise(ends.tolist()):
        for share in _split_by_rank(order[begin:end], sizes, ranks):
            if len(share):
                own = sizes[share]
                padded += len(own) * int(own.max())
                filled += int(own.sum())
    return 1 - filled / padded if padded else 0.0


@dataclass(frozen=True)
class Course:
    """When a training passes over its data and when it is evaluated; steps and epochs count from 1.

    ``ends`` is the last step of each epoch; the last epoch may be incomplete. ``padding`` is the mean over epochs.
    """

    plan_of: Callable[[int], BatchPlan]
    ends: tuple[int, ...]
    padding: float
    evaluate_steps: int | None

    @property
    def steps(self) -> int:
        return self.ends[-1]

    def epoch(self, step: int) -> int:
        return bisect_left(self.ends, step) + 1

    def ends_epoch(self, step: int) -> bool:
        return self.ends[self.epoch(step) - 1] == step

    def evaluations(self, step: int) -> int:
        """The number of evaluations up to ``step``, including the one that follows it."""
        if self.evaluate_steps is None:
            return bisect_right(self.ends, step)
        regular, over = divmod(step, self.evaluate_steps)
        return regular + (step == self.steps and over > 0)

    def after(self, step: int) -> Iterator[Shares]:
        """The examples of each step after ``step``; one epoch is planned at a time, to save memory."""
        for number, (start, end) in enumerate(pairwise((0, *self.ends))):
            if step < end:
                steps = self.plan_of(number).steps
                yield from (steps[place] for place in range(max(0, step - start), end - start))


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
        epoch_plan = plan_of(len(ends))
        ends.append((ends[-1] if ends else 0) + len(epoch_plan))
        paddings.append(epoch_plan.padding)
        if not len(epoch_plan):
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


def padded_arrays(rows: Sequence[Sequence[int]], pad: int, *, left: bool = False) -> dict[str, numpy.ndarray]:
    """``input_ids`` and ``attention_mask``, each (rows, longest row), padded on the right or on the ``left``."""
    width = max(map(len, rows))
    ids = numpy.full((len(rows), width), pad, dtype=numpy.int64)
    mask = numpy.zeros_like(ids)
    for number, row in enumerate(rows):
        columns = slice(width - len(row), width) if left else slice(len(row))
        ids[number, columns], mask[number, columns] = row, 1
    return {"input_ids": ids, "attention_mask": mask}


def tensors(arrays: Mapping[str, numpy.ndarray]) -> dict[str, torch.Tensor]:
    import torch

    return {name: torch.from_numpy(array) for name, array in arrays.items()}
