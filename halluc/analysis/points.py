"""The points of a study: runs that differ only in their seed, all resampled with the same draws of examples."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy

from halluc.analysis import comparison, matched_omission, seeds
from halluc.analysis.matched_omission import RankedArm
from halluc.analysis.run_figures import FigureKey, Measured
from halluc.analysis.seeds import Paired, Seeds
from halluc.core import threads
from halluc.core.exact_intervals import Interval
from halluc.core.figures import figure
from halluc.core.significance import draws
from halluc.runs.directory import RunDir
from halluc.runs.studies import Plain, spans_factor_of_ten

Array = numpy.ndarray
MemberT = TypeVar("MemberT")
# The reference's run and an arm's, with the same seed.
RunPair = tuple[Measured, Measured]


@dataclass(frozen=True)
class StudyCell:
    """A cell of a study and its run, whether or not the run exists."""

    slug: str
    choice: Mapping[str, Plain]
    run: RunDir


@dataclass(frozen=True)
class SeedGroup:
    """The runs with the same choice on all axes except the seed, by seed."""

    choice: dict[str, Plain]
    runs: dict[Plain, Measured]


@dataclass(frozen=True)
class StudyPoint:
    """A group with its figures over the seeds."""

    group: SeedGroup
    figures: dict[FigureKey, Seeds]

    @property
    def choice(self) -> dict[str, Plain]:
        return self.group.choice

    @property
    def is_silent(self) -> bool:
        """Whether a run makes no claim."""
        return any(run.is_silent for run in self.group.runs.values())


@dataclass(frozen=True)
class Resampled:
    """Runs, by name, resampled with the same draws of examples.

    ``figures`` are (resamples,). For each pair, ``matched`` has the hallucination rates at matched omission, (1 +
    resamples,) each, the first one for the original examples; ``left`` has the numbers of claims left there.
    """

    figures: dict[str, dict[FigureKey, Array]]
    matched: dict[tuple[str, str], tuple[Array, Array]]
    left: dict[tuple[str, str], tuple[float, float]]

    def of(self, runs: Mapping[Plain, Measured], *, of_difference: bool = False) -> dict[FigureKey, Seeds]:
        """Every figure over the runs of some seeds.

        Args:
            of_difference: whether exact intervals are used for intervals of differences.
        """
        in_order = list(runs.values())
        return {
            key: Seeds(
                tuple(runs),
                numpy.array([run.values[key] for run in in_order]),
                numpy.stack([self.figures[run.name][key] for run in in_order]),
                tuple((run.limits if of_difference else run.exact_intervals)[key] for run in in_order),
            )
            for key in in_order[0].figures
        }

    def at_matched_omission(self, pairs: Mapping[Plain, RunPair], *, of_difference: bool = False) -> Paired:
        """Hallucination rates at matched omission, matched separately for each seed; ``of_difference`` as in ``of``."""
        names = [(reference.name, arm.name) for reference, arm in pairs.values()]

        def side(which: int) -> Seeds:
            rates = numpy.stack([self.matched[name][which] for name in names])
            exact = [
                matched_omission.limits(float(rate), self.left[name][which], of_difference=of_difference)
                for rate, name in zip(rates[:, 0], names, strict=True)
            ]
            return Seeds(tuple(pairs), rates[:, 0], rates[:, 1:], tuple(exact))

        return Paired(arm=side(1), reference=side(0))


# The results for one chunk of draws: figures by run and key, and rates at matched omission by pair.
Drawn = tuple[dict[str, dict[FigureKey, Array]], dict[tuple[str, str], tuple[Array, Array]]]


def resample(runs: Sequence[Measured], pairs: Sequence[RunPair]) -> Resampled:
    """Every figure of every run, and hallucination rates at matched omission of every pair.

    The runs are on the same examples. Each draw of examples is used for all of them; draws are distributed to threads.
    """
    examples = len(runs[0].examples)
    orders = {
        run.name: RankedArm(comparison.arm(run), run.table.gold.example, examples)
        for run in {run.name: run for pair in pairs for run in pair}.values()
    }
    # Sorted, so that `_matched` has only one reference and one arm in memory at a time.
    names = sorted({(reference.name, arm.name) for reference, arm in pairs})
    for run in runs:
        run.figures  # noqa: B018  cached before threads access them

    def within(drawn: Array) -> Drawn:
        weights = numpy.ascontiguousarray(drawn.T)
        return {run.name: _figures(run, weights) for run in runs}, dict(_matched(names, orders, weights))

    parts = list(threads.in_order(within, draws(examples), threads.number()))
    once = numpy.ones((examples, 1), dtype=numpy.float32)
    original = dict(_matched(names, orders, once))
    left = {(a, b): matched_omission.claims_left(orders[a].within(once), orders[b].within(once)) for a, b in names}
    return Resampled(
        {
            run.name: {key: numpy.concatenate([part[0][run.name][key] for part in parts]) for key in run.figures}
            for run in runs
        },
        {pair: _joined([original[pair], *(part[1][pair] for part in parts)]) for pair in names},
        left,
    )


def _figures(run: Measured, weights: Array) -> dict[FigureKey, Array]:
    sums = run.sheet.summed(weights)
    return {key: figure.formula(sums) for key, figure in run.figures.items()}


def _matched(
    pairs: Iterable[tuple[str, str]], orders: dict[str, RankedArm], weights: Array
) -> Iterable[tuple[tuple[str, str], tuple[Array, Array]]]:
    name = None
    for pair in pairs:
        if pair[0] != name:
            name = pair[0]
            reference = orders[name].within(weights)
        yield pair, matched_omission.rates(reference, orders[pair[1]].within(weights))


def _joined(parts: Sequence[tuple[Array, Array]]) -> tuple[Array, Array]:
    reference, arm = zip(*parts, strict=True)
    return numpy.concatenate(reference), numpy.concatenate(arm)


def along(
    axis: str,
    members: Iterable[MemberT],
    choice_of: Callable[[MemberT], Mapping[str, Plain]],
    kind_of: Callable[[MemberT], object] = lambda member: None,
) -> list[tuple[dict[str, Plain], list[MemberT]]]:
    """The groups of at least two members of a kind that differ only on an axis, with their choice on the other axes."""
    groups: dict[tuple[object, tuple[tuple[str, Plain], ...]], list[MemberT]] = {}
    for one in members:
        others = tuple((name, value) for name, value in choice_of(one).items() if name != axis)
        groups.setdefault((kind_of(one), others), []).append(one)
    return [(dict(others), group) for (_, others), group in groups.items() if len(group) > 1]


# The choice of a member of a group, its figures, and whether one of its runs makes no claim.
Member = tuple[Mapping[str, Plain], Mapping[FigureKey, Seeds], bool]


def lines(axis: str, group: Sequence[Member]) -> Iterator[dict[str, Any]]:
    """The line of each figure that all members have along a numeric axis, as recorded in ``study.json``."""
    places = [float(place) for choice, _, _ in group if isinstance(place := choice[axis], (int, float))]
    logarithmic = spans_factor_of_ten(places)
    x = [math.log10(place) for place in places] if logarithmic else places
    is_tested = not any(is_silent for *_, is_silent in group)
    for key in group[0][1]:
        if not all(key in figures for _, figures, _ in group):
            continue
        slope, intercept = seeds.line(x, [figures[key] for _, figures, _ in group])
        yield {
            "axis": axis,
            "name": key[0],
            "by": dict(key[1]),
            "points": len(group),
            "scale": "log10" if logarithmic else "linear",
            "seeds": slope.seeds,
            "n": slope.n,
            "slope": slope.value,
            "slope_interval": slope.interval,
            "slope_p": slope.p if is_tested else None,
            "smallest": slope.smallest if is_tested else None,
            "intercept": None if logarithmic else intercept.value,
            "intercept_interval": None if logarithmic else intercept.interval,
        }


def interval_of(key: FigureKey, mean: seeds.SeedMean) -> Interval | None:
    """The interval of a figure, clipped to its range."""
    if mean.interval is None:
        return None
    low, high = mean.interval
    return max(0.0, low), min(figure(key[0]).most, high)
