"""What a training split shows of a mention, in the one place that a ledger asks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from halluc.gap.coverage import Coverage
from halluc.gap.novelty import NearestMentions, is_confusable, novelty
from halluc.gap.units import WithheldUnits
from halluc.runs.schema import Nearest, Novelty


@dataclass(frozen=True)
class Knowledge:
    """The coverage of the split that was trained on, and what was withheld from it, if anything was.

    A mention is asked for by its surface: its tokens joined by one space.
    """

    coverage: Coverage
    withheld: WithheldUnits | None = None

    def novelty(self, surface: str, label: str) -> Novelty:
        return novelty(self.coverage, surface.split(" "), label)

    def is_confusable(self, surface: str, label: str) -> bool:
        return is_confusable(self.coverage, surface, label)

    def nearest(self, surface: str, label: str) -> Nearest | None:
        return self._mentions.nearest(surface.split(" "), label)

    def is_withheld(self, surface: str, label: str) -> bool:
        return self.withheld is not None and self.withheld.is_withheld(surface, label)

    @cached_property
    def _mentions(self) -> NearestMentions:
        return NearestMentions(self.coverage)
