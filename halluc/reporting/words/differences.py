"""Differences as sentences name them: which figures, under which names, and whether they are shown."""

from __future__ import annotations

from typing import NamedTuple

from halluc.core.figures import shown
from halluc.runs.studies import Interval
from halluc.wording.phrases import signed

# A sentence names so many arms, runs or values at most.
MOST_NAMED = 3
# The figures that sentences name, in this order, as they are called there.
NAMED = {column.row.name: column.heading for column in shown("sentences")}
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
