"""Types of figures that a task computes from predictions and gold, apart from rates of claims."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy

# The tables of a classification report by name; each task defines their rows and columns.
Report = dict[str, Any]

# A figure of ranked items, NaN or None if undefined. With weights, an array (resamples, items) of how often each item
# counts, the result has shape (resamples,); with None each item counts once.
WeightedFigure = Callable[[numpy.ndarray | None], Any]


@dataclass(frozen=True)
class Ranked:
    """Figures of ranked items, such as AUROC, which cannot be computed from sums over examples.

    ``example`` (items,) is the index of the example of each item; a figure has a name, a slice, and a function that
    computes it. ``units``: the number of units other than examples to which the items belong; these units are resampled
    instead of examples.
    """

    protocol: str
    example: numpy.ndarray
    figures: tuple[tuple[str, dict[str, str], WeightedFigure], ...]
    units: int | None = None
