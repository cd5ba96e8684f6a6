"""The points of a study: runs that differ in nothing but their seed, all resampled under the same draws of examples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy

from halluc.commands import comparison, threads
from halluc.commands.measured import FigureKey, Measured
from halluc.core.significance import draws
from halluc.metrics import matched, seeds
from halluc.metrics.matched import Ranked
from halluc.metrics.seeds import Paired, Seeds
from halluc.runs.directory import RunDir
from halluc.runs.studies import Plain

Array = numpy.ndarray
# The reference's run and an arm's, of one seed.
Pair = tuple[Measured, Measured]


@dataclass(frozen=True)
class Place:
    """A cell of a study and its run, whether or not anything is there."""

    slug: str
    choice: Mapping[str, Plain]
    run: RunDir


@dataclass(frozen=True)
class Group:
    """The runs under one choice on all axes but the seed, by seed."""

    choice: dict[str, Plain]
    runs: dict[Plain, Measured]


@dataclass(frozen=True)
class Point:
    """A group as figures; each over the seeds for which it can be told."""

    choice: dict[str, Plain]
    runs: list[str]
    figures: dict[FigureKey, Seeds]

    @cached_property
    def drawn(self) -> dict[FigureKey, Array]:
        """Each figure's mean over seeds that are drawn anew, (resamples,); other points draw theirs independently."""
        return {key: seeds.drawn(sorted(self.choice.items())) for key, seeds in self.figures.items()}


@dataclass(frozen=True)
class Resampled:
    """Runs, by their names, under the same draws of examples.

    ``figures`` are (resamples,); ``matched`` the hallucination rates of a pair at matched omission, (1 + resamples,)
    each, of which the first is that of the examples as they are.
    """

    figures: dict[str, dict[FigureKey, Array]]
    matched: dict[tuple[str, str], tuple[Array, Array]]

    def of(self, runs: Sequence[Measured]) -> dict[FigureKey, Seeds]:
        """Every figure over some runs."""
        return {
            key: Seeds(
                numpy.array([run.values[key] for run in runs]),
                numpy.stack([self.figures[run.name][key] for run in runs]),
            )
            for key in runs[0].figures
        }

    def at_matched_omission(self, pairs: Sequence[Pair]) -> Paired:
        """Hallucination rates at matched omission, each seed matched by itself."""
        found = [self.matched[reference.name, arm.name] for reference, arm in pairs]
        reference, arm = (numpy.stack([both[which] for both in found]) for which in (0, 1))
        return Paired(Seeds(arm[:, 0], arm[:, 1:]), Seeds(reference[:, 0], reference[:, 1:]))


# What one chunk of draws comes to: figures by run and key, and rates at matched omission by pair.
Drawn = tuple[dict[str, dict[FigureKey, Array]], dict[tuple[str, str], tuple[Array, Array]]]


def resample(runs: Sequence[Measured], pairs: Sequence[Pair]) -> Resampled:
    """Every figure of every run, and hallucination rates at matched omission of every pair.

    The runs are of the same examples. Each draw is made once for all of them, and the draws are shared out to threads.
    """
    examples = len(runs[0].examples)
    orders = {run.name: _ranked(run) for run in {run.name: run for pair in pairs for run in pair}.values()}
    # One arm after the other, so that only its reference is held beside it.
    names = sorted({(reference.name, arm.name) for reference, arm in pairs})
    for run in runs:
        run.figures  # noqa: B018  made before threads ask for them

    def within(drawn: Array) -> Drawn:
        weights = numpy.ascontiguousarray(drawn.T)
        return {run.name: _figures(run, weights) for run in runs}, dict(_matched(names, orders, weights))

    parts = list(threads.in_order(within, draws(examples), threads.number()))
    as_they_are = dict(_matched(names, orders, numpy.ones((examples, 1), dtype=numpy.float32)))
    return Resampled(
        {
            run.name: {key: numpy.concatenate([part[0][run.name][key] for part in parts]) for key in run.figures}
            for run in runs
        },
        {pair: _joined([as_they_are[pair], *(part[1][pair] for part in parts)]) for pair in names},
    )


def _figures(run: Measured, weights: Array) -> dict[FigureKey, Array]:
    sums = run.sheet.summed(weights)
    return {key: figure.formula(sums) for key, figure in run.figures.items()}


def _ranked(run: Measured) -> Ranked:
    return Ranked(comparison.arm(run), run.table.gold.example, len(run.examples))


def _matched(
    pairs: Iterable[tuple[str, str]], orders: dict[str, Ranked], weights: Array
) -> Iterable[tuple[tuple[str, str], tuple[Array, Array]]]:  # fmt: skip
    name = None
    for pair in pairs:
        if pair[0] != name:
            name = pair[0]
            reference = orders[name].within(weights)
        yield pair, matched.rates(reference, orders[pair[1]].within(weights))


def _joined(parts: Sequence[tuple[Array, Array]]) -> tuple[Array, Array]:
    reference, arm = zip(*parts, strict=True)
    return numpy.concatenate(reference), numpy.concatenate(arm)


def of_line(key: FigureKey, points: int, line: seeds.Line) -> dict[str, Any]:
    """What ``study.json`` says of a figure's line."""
    return {
        "name": key[0],
        "by": dict(key[1]),
        "points": points,
        "slope": line.slope.value,
        "slope_interval": line.slope.interval,
        "intercept": line.intercept.value,
        "intercept_interval": line.intercept.interval,
    }
