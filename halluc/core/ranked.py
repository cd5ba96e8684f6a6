"""What a set of figures is: it holds predictions against the gold of their examples."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy

from halluc.config.schema import Section
from halluc.core.significance import Figure, Sheet

# The tables of a classification report by name; rows and columns are the set's own.
Report = dict[str, Any]

# A figure of things in an order, NaN or None where undefined: of each as often as weights (resamples, things) say, an
# array (resamples,); or, where they are None, of each once.
Weighed = Callable[[numpy.ndarray | None], Any]


@dataclass(frozen=True)
class Ranked:
    """Figures of things in an order, which no sums over examples can give.

    ``example`` (things,) indexes the example of each thing; a figure is its name, its slice, and what computes it.
    """

    protocol: str
    example: numpy.ndarray
    figures: tuple[tuple[str, dict[str, str], Weighed], ...]


class Metrics(Protocol):
    """The figures of one kind of task; a task names its set in ``scores``. Rates and confidence need none.

    ``families`` are the overall figures that may choose a checkpoint, more is better; those of one family are told
    together. ``names`` has every figure that ``figures`` may give, the ones that a gate may bound; ``protocols`` are
    those whose overall figures stand for a whole evaluation, and no other set has them. ``untold`` are the rates of a
    ledger (see ``hallucination.rates``) that say nothing here, or nothing of their own: they are not counted. ``named``
    are the set's own names for what a ledger gives too, so that comparisons and studies have it: ``f1``, of claims and
    gold, ``recall``, of gold, and ``claimed_without_gold``, of examples without gold.
    ``by_label`` and ``overall`` are the figures that the terminal shows, by their headings.
    """

    Config: ClassVar[type[Section]]
    families: ClassVar[tuple[tuple[str, ...], ...]]
    names: ClassVar[tuple[str, ...]]
    protocols: ClassVar[tuple[str, ...]]
    untold: ClassVar[frozenset[str]]
    named: ClassVar[Mapping[str, str]]
    by_label: ClassVar[Mapping[str, str]]
    overall: ClassVar[Mapping[str, str]]

    def headline(self, examples: Sequence[Any], predictions: Sequence[Any]) -> dict[str, float]:
        """The overall figures of the families, by name: what chooses checkpoints, so it has to be quick."""
        ...

    def figures(self, examples: Sequence[Any], predictions: Sequence[Any], sheet: Sheet) -> list[Figure]:
        """Every figure, counted in columns of ``sheet``, which has a row an example."""
        ...

    def kept(
        self, examples: Sequence[Any], predictions: Sequence[Any], remaining: numpy.ndarray, sheet: Sheet
    ) -> list[Figure]:
        """Figures after abstention, with ``{"claims": "kept"}``; ``remaining`` claims stand of each example."""
        ...

    def ranked(self, examples: Sequence[Any], predictions: Sequence[Any]) -> list[Ranked]:
        """The figures that need an order."""
        ...

    def report(self, examples: Sequence[Any], predictions: Sequence[Any]) -> Report:
        """The classification report: tables of plain values, by name."""
        ...

    def text(self, report: Report) -> str:
        """The same for people, as classification_report.txt has it."""
        ...
