"""What a training split shows of a surface with a label, in the one place that a ledger asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from halluc.core.claims import Claim
from halluc.gap.coverage import SurfaceCoverage
from halluc.gap.novelty import NearestMentions, is_confusable, novelty
from halluc.gap.units import WithheldUnits
from halluc.runs.schema import Nearest, Novelty


@dataclass(frozen=True)
class SurfaceKnowledge:
    """The coverage of the split that was trained on, and what was withheld from it, if anything was.

    A mention is asked for by its surface: its tokens joined by one space.
    """

    coverage: SurfaceCoverage
    withheld: WithheldUnits | None = None

    @property
    def label_counts(self) -> Mapping[str, int] | None:
        """How often training shows each label, where figures are to be told by it; of mentions they are not."""
        return None

    def novelty(self, claim: Claim) -> Novelty:
        return novelty(self.coverage, claim.text.split(" "), claim.label)

    def is_confusable(self, claim: Claim) -> bool:
        return is_confusable(self.coverage, claim.text, claim.label)

    def nearest(self, claim: Claim) -> Nearest | None:
        return self._mentions.nearest(claim.text.split(" "), claim.label)

    def is_withheld(self, claim: Claim) -> bool:
        return self.withheld is not None and self.withheld.is_withheld(claim.text, claim.label)

    @cached_property
    def _mentions(self) -> NearestMentions:
        return NearestMentions(self.coverage)
