"""Sets of figures that compare predictions with the gold of their examples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy

# The tables of a classification report by name; each set defines their rows and columns.
Report = dict[str, Any]

# A figure of ordered things, NaN or None if undefined. With weights, an array (resamples, things) of how often each
# thing counts, the result has shape (resamples,); with None each thing counts once.
Weighed = Callable[[numpy.ndarray | None], Any]


@dataclass(frozen=True)
class Ranked:
    """Figures of ordered things, which cannot be computed from sums over examples.

    ``example`` (things,) is the index of the example of each thing; a figure has a name, a slice, and a function that
    computes it. ``units``: the things belong to this many units other than examples, and these units are resampled
    instead.
    """

    protocol: str
    example: numpy.ndarray
    figures: tuple[tuple[str, dict[str, str], Weighed], ...]
    units: int | None = None
