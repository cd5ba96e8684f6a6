"""Differences as sentences name them: which figures, under which names, and whether they are shown."""

from __future__ import annotations

from typing import NamedTuple

from halluc.reporting.words.wording import signed
from halluc.runs.studies import Interval

# A sentence names so many arms, runs or values at most.
MOST_NAMED = 3
RATE, OMISSION = "hallucination_rate", "omission_rate"
MATCHED = "hallucination_rate_at_matched_omission"
# The figures that sentences name, in this order, as they are called there.
NAMED = {
    RATE: "hallucination rate",
    MATCHED: "hallucination rate at matched omission",
    OMISSION: "omission rate",
    "entity_f1": "entity F1",
    "micro_f1": "micro F1",
    "out_of_scope_acceptance": "out-of-scope texts that get a label",
}
HIGHER_IS_BETTER = {"entity_f1", "micro_f1"}
WORD = {1: "higher", -1: "lower", 0: "undecided"}


class Stated(NamedTuple):
    """A difference: ``sign`` is 1 or -1 where it is shown, 0 where that is undecided.

    ``some`` says of how many seeds it is, where not of all.
    """

    name: str
    value: float
    interval: Interval | None
    sign: int
    some: str = ""

    @property
    def told(self) -> str:
        """``−0.7 points [−1.4, −0.2]``."""
        return signed(self.name, self.value, self.interval) + self.some
