"""The arms of a study compared with a reference: paired differences, also at matched omission, and differences of
trends.

An axis with a value that is not a number is an axis of arms. Its first value is the reference, unless another is named.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy

from halluc.analysis.points import Member, Resampled, RunPair, SeedGroup, along, lines
from halluc.analysis.run_figures import FigureKey
from halluc.analysis.seeds import Paired
from halluc.core.errors import HallucError
from halluc.core.figures import MATCHED, OMISSION
from halluc.core.significance import defined, holm
from halluc.runs import training_facts
from halluc.runs.studies import ALPHA, LEAST_SEEDS, ArmComparison, ArmDelta, ArmTrend, Plain, TrainingDifference


@dataclass(frozen=True)
class ArmPair:
    """An arm and the reference of its axis, with the same values on all other axes."""

    axis: str
    arm: SeedGroup
    reference: SeedGroup

    @property
    def choice(self) -> dict[str, Plain]:
        """The choice on the other axes."""
        return {axis: value for axis, value in self.arm.choice.items() if axis != self.axis}

    @property
    def names(self) -> tuple[Plain, Plain]:
        """The names of the arm and the reference."""
        return self.arm.choice[self.axis], self.reference.choice[self.axis]

    @cached_property
    def pairs(self) -> dict[Plain, RunPair]:
        """The pairs of runs for the seeds that both have."""
        return {
            seed: (self.reference.runs[seed], self.arm.runs[seed])
            for seed in self.reference.runs
            if seed in self.arm.runs
        }

    @property
    def silent_seeds(self) -> list[Plain]:
        """The seeds in which the arm or the reference makes no claim."""
        return [seed for seed, pair in self.pairs.items() if any(run.is_silent for run in pair)]

    @cached_property
    def omission_rate(self) -> float | None:
        """The omission rate at which both are matched: the larger rate of each seed, averaged; None without gold."""
        rates = [max(run.values.get((OMISSION, ()), math.nan) for run in pair) for pair in self.pairs.values()]
        return defined(float(numpy.mean(rates)))


@dataclass(frozen=True)
class ComparedPair:
    """A pair with every figure of both arms, over the seeds that both have."""

    arm_pair: ArmPair
    figures: dict[FigureKey, Paired]

    @property
    def member(self) -> Member:
        """With the differences as figures."""
        differences = {key: paired.seeds for key, paired in self.figures.items()}
        return self.arm_pair.choice, differences, bool(self.arm_pair.silent_seeds)


def references(axes: Mapping[str, Sequence[Plain]], wanted: str | None) -> dict[str, Plain]:
    """The reference of each axis of arms.

    Args:
        axes: the values of each axis except the seed, in order.
        wanted: the name of the reference arm, instead of the first.

    Raises:
        HallucError C015: no axis has such an arm.
    """
    armed = {axis: values for axis, values in axes.items() if len(values) > 1 and not all(map(is_number, values))}
    result = {axis: next((v for v in values if str(v) == wanted), values[0]) for axis, values in armed.items()}
    if wanted is not None and wanted not in map(str, result.values()):
        known = ", ".join(f"`{value}`" for values in armed.values() for value in values)
        raise HallucError("C015", f"there is no arm `{wanted}`", help=f"the arms are {known}" if known else None)
    return result


def is_number(value: Plain) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def arm_pairs(groups: Sequence[SeedGroup], references: Mapping[str, Plain]) -> list[ArmPair]:
    """Each arm that has a seed in common with its reference."""
    by_choice = {tuple(group.choice.items()): group for group in groups}
    results = []
    for axis, reference in references.items():
        for group in groups:
            other = by_choice.get(tuple({**group.choice, axis: reference}.items()))
            if other is not None and other is not group:
                results.append(ArmPair(axis, group, other))
    return [arm_pair for arm_pair in results if arm_pair.pairs]


def compared_pair(arm_pair: ArmPair, resampled: Resampled) -> ComparedPair:
    reference, arm = (
        resampled.of({seed: pair[which] for seed, pair in arm_pair.pairs.items()}, of_difference=True)
        for which in (0, 1)
    )
    figures = {key: Paired(arm[key], reference[key]) for key in arm}
    if arm_pair.omission_rate is not None:
        figures[MATCHED, ()] = resampled.at_matched_omission(arm_pair.pairs, of_difference=True)
    return ComparedPair(arm_pair, figures)


def comparisons(compared_pairs: Sequence[ComparedPair]) -> list[ArmComparison]:
    """The differences of every pair; p is adjusted (Holm) over the arms of an axis with equal choices otherwise."""
    results = [_comparison(compared_pair) for compared_pair in compared_pairs]
    families: dict[tuple[object, ...], list[ArmDelta]] = {}
    for one in results:
        for delta in one.figures:
            families.setdefault((one.axis, *one.choice.items(), delta.name, *delta.by.items()), []).append(delta)
    for family in families.values():
        for delta, adjusted in zip(family, holm([delta.p for delta in family]), strict=True):
            delta.p_holm = adjusted
    for one in results:
        for delta in one.figures:
            delta.shown = one.seeds >= LEAST_SEEDS and delta.p_holm is not None and delta.p_holm < ALPHA
    return results


def _training_differences(arm_pair: ArmPair) -> list[TrainingDifference]:
    reference, arm = (training_facts.facts(pair[which].run for pair in arm_pair.pairs.values()) for which in (0, 1))
    return training_facts.differences(reference, arm)


def _comparison(compared_pair: ComparedPair) -> ArmComparison:
    arm_pair = compared_pair.arm_pair
    arm, reference = arm_pair.names
    return ArmComparison(
        axis=arm_pair.axis,
        arm=arm,
        reference=reference,
        choice=arm_pair.choice,
        seeds=len(arm_pair.pairs),
        silent_seeds=arm_pair.silent_seeds,
        training_differences=_training_differences(arm_pair),
        omission_rate=arm_pair.omission_rate,
        figures=[
            _delta(key, paired, tested=not arm_pair.silent_seeds) for key, paired in compared_pair.figures.items()
        ],
    )


def _delta(key: FigureKey, paired: Paired, *, tested: bool) -> ArmDelta:
    """``tested``: whether there is a p-value, which is only the case if every seed makes claims."""
    result, differences = paired.estimate, paired.seeds
    in_both = [name for name, known in zip(differences.names, differences.defined, strict=True) if known]
    reference, arm = (defined((one.of(in_both) if in_both else one).mean) for one in (paired.reference, paired.arm))
    return ArmDelta(
        name=key[0], by=dict(key[1]), reference=reference, arm=arm,
        difference=result.value, interval=result.interval, p=result.p if tested else None, sd=result.sd,
        smallest=result.smallest if tested else None,
        values=list(map(defined, differences.values.tolist())),
    )  # fmt: skip


def trends(compared_pairs: Sequence[ComparedPair], axes: Sequence[str]) -> list[ArmTrend]:
    """The lines of the differences along each numeric axis; p is adjusted (Holm) over the compared arms."""
    results = list(_trends(compared_pairs, axes))
    families: dict[tuple[object, ...], list[ArmTrend]] = {}
    for one in results:
        key = (one.axis, one.arm_axis, one.reference, *one.choice.items(), one.name, *one.by.items())
        families.setdefault(key, []).append(one)
    for family in families.values():
        for one, adjusted in zip(family, holm([one.slope_p for one in family]), strict=True):
            one.slope_p_holm = adjusted
    return results


def _trends(compared_pairs: Sequence[ComparedPair], axes: Sequence[str]) -> Iterator[ArmTrend]:
    """The differences of two lines, which are the lines of the differences."""
    for axis in axes:
        groups = along(
            axis, compared_pairs, lambda one: one.arm_pair.choice, lambda one: (one.arm_pair.axis, one.arm_pair.names)
        )
        for others, group in groups:
            arm_pair = group[0].arm_pair
            arm, reference = arm_pair.names
            for line in lines(axis, [one.member for one in group]):
                yield ArmTrend(arm_axis=arm_pair.axis, arm=arm, reference=reference, choice=others, **line)
