"""What a set of figures is: it holds predictions against the gold of their examples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy

# The tables of a classification report by name; rows and columns are the set's own.
Report = dict[str, Any]

# A figure of things in an order, NaN or None where undefined: of each as often as weights (resamples, things) say, an
# array (resamples,); or, where they are None, of each once.
Weighed = Callable[[numpy.ndarray | None], Any]


@dataclass(frozen=True)
class Ranked:
    """Figures of things in an order, which no sums over examples can give.

    ``example`` (things,) indexes the example of each thing; a figure is its name, its slice, and what computes it.
    ``units``: the things belong to so many units other than examples, which are resampled in the place of examples.
    """

    protocol: str
    example: numpy.ndarray
    figures: tuple[tuple[str, dict[str, str], Weighed], ...]
    units: int | None = None
