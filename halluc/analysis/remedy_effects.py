"""The effects of the arms of a study of remedies on dev, their cost, and the best arm.

Figures and their p-values (Holm over the arms) are those of ``analysis.arms``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy
from scipy.special import stdtrit

from halluc.core.figures import MATCHED, figure
from halluc.core.significance import LEVEL
from halluc.runs.advice import CostRatio, RemedyEffect
from halluc.runs.studies import ALPHA, Plain, StudyFigures


@dataclass(frozen=True)
class ArmFacts:
    """Facts about an arm: seconds of training and prediction by seed, and whether it augments the training split."""

    training: Mapping[Plain, float]
    prediction: Mapping[Plain, float]
    is_control: bool = False
    augments: bool = False


NO_FACTS = ArmFacts({}, {})


def effects(
    figures: StudyFigures, facts: Mapping[Plain, ArmFacts], against_control: StudyFigures | None = None
) -> list[RemedyEffect]:
    """Each arm compared with its reference.

    Args:
        figures: of a study with one axis of arms, and no other axis except the seed.
        against_control: the same with the control arm as the reference.
    """
    primary = _primary(figures)
    controlled = {} if against_control is None else {one.arm: one for one in against_control.comparisons}
    results = []
    for one in figures.comparisons:
        own, reference = facts.get(one.arm, NO_FACTS), facts.get(one.reference, NO_FACTS)
        control = controlled.get(one.arm) if own.augments else None
        results.append(
            RemedyEffect(
                arm=one.arm,
                choice=one.choice,
                seeds=one.seeds,
                is_control=own.is_control,
                augments=own.augments,
                matched=one.delta(MATCHED),
                primary=one.delta(primary),
                ece=one.delta("ece"),
                over_control=None if control is None else control.delta(MATCHED),
                training=ratio(own.training, reference.training),
                prediction=ratio(own.prediction, reference.prediction),
            )
        )
    return results


def _primary(figures: StudyFigures) -> str | None:
    """The figure by which checkpoints were selected, if it is compared; otherwise the first one of the task."""
    chosen = {str(name) for cell in figures.cells for name in cell.training.chosen_by}
    compared = [delta.name for one in figures.comparisons for delta in one.figures if not delta.by]
    of_task = [name for name in compared if figure(name).family == "task"]
    return next((name for name in compared if chosen == {name}), of_task[0] if of_task else None)


def ratio(arm: Mapping[Plain, float], reference: Mapping[Plain, float]) -> CostRatio:
    """Seconds of an arm divided by those of the reference: geometric mean over pairs of the same seed, with Student's
    t interval on the logarithm."""
    shared = [seed for seed in reference if seed in arm and min(arm[seed], reference[seed]) > 0]
    if not shared:
        return CostRatio()
    logs = numpy.log([arm[seed] / reference[seed] for seed in shared])
    mean, k, interval = float(logs.mean()), len(shared), None
    if k > 1:
        half = float(stdtrit(k - 1, (1 + LEVEL) / 2) * logs.std(ddof=1) / math.sqrt(k))
        interval = math.exp(mean - half), math.exp(mean + half)
    return CostRatio(value=math.exp(mean), interval=interval, values=numpy.exp(logs).tolist())


def best(arms: Sequence[RemedyEffect], *, has_control: bool) -> RemedyEffect | None:
    """The arm to choose, None if there is none.

    It is significantly better in the rate at matched omission or in the primary figure, and worse in neither. If it
    augments and there is a control, it is also better than the control in that rate. Of several arms, it is the one
    with the best rate, if any improves the rate, otherwise with the best primary figure.
    """
    better = [one for one in arms if not one.is_control and _is_better(one, has_control)]
    return min(better, key=_order, default=None)


def _is_better(one: RemedyEffect, has_control: bool) -> bool:
    if one.primary is None:  # it might be worse in this figure
        return False
    deltas = [delta for delta in (one.matched, one.primary) if delta is not None]
    # p is adjusted over the arms within each figure; two figures decide, so each has half of the level.
    sure = any(delta.benefit > 0 and delta.p_holm is not None and 2 * delta.p_holm < ALPHA for delta in deltas)
    if not sure or any(delta.benefit < 0 for delta in deltas):
        return False
    return not (one.augments and has_control) or one.is_over_control


def _order(one: RemedyEffect) -> tuple[bool, float, float]:
    matched = (one.matched and one.matched.difference) or 0.0
    primary = (one.primary and one.primary.difference) or 0.0
    return one.matched is None or one.matched.benefit <= 0, matched, -primary
