"""The mentions in a training split, and the novelty of a mention."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

from halluc.gap.coverage import SurfaceCoverage
from halluc.gap.forecast import SplitGap, gap_of
from halluc.gap.novelty import NOVELTIES, SurfaceKnowledge
from halluc.gap.units import BY_MENTIONS, UNITS, Strata, UnitKind, WithheldUnits
from halluc.runs.schema import Novelty
from halluc.tasks.defaults import SurfacesOfTraining
from halluc.tasks.token_classification.tagged_sentence import Tagged


class MentionKnowledge(SurfacesOfTraining):
    """Surfaces and their labels in the training split."""

    novelties: ClassVar[tuple[Novelty, ...]] = NOVELTIES
    reported: ClassVar[tuple[Novelty, ...]] = NOVELTIES
    units: ClassVar[Mapping[str, UnitKind]] = UNITS

    def from_coverage(self, coverage: SurfaceCoverage, withheld: WithheldUnits | None) -> SurfaceKnowledge:
        return SurfaceKnowledge(coverage, withheld)

    def strata(self, examples: Sequence[Tagged]) -> Strata:
        return BY_MENTIONS

    def gap(self, coverage: SurfaceCoverage, examples: Iterable[Tagged]) -> SplitGap:
        return gap_of(coverage, examples)
