"""The table of all figures: name, unit, which direction is better, and where each is shown.

Figures of claims and confidence are defined here; those of a task in its ``figure_rows.py``. DEFINITIONS has the
formulas.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import import_module
from typing import Any, Literal, NamedTuple

from halluc.components import TABLE

Unit = Literal["share", "F1", "score", "points", "times", "per 1,000"]
Better = Literal["higher", "lower", "none"]
# What a figure is computed from: claims and gold, the confidence of claims, their order by confidence, two runs at the
# same omission rate, the gap between splits, shares by period, answers to cloze patterns; "task": figures of a task.
Family = Literal["claims", "calibration", "order", "matched", "gap", "time", "probe", "task"]
By = tuple[tuple[str, str], ...]
# The tables of a classification report by name; each task defines their rows and columns.
Report = dict[str, Any]

# Where figures are shown.
Place = Literal[
    "head",  # the head of a run's report
    "labels",  # terminal: the columns of a table by label
    "novelty",  # terminal: the rows with a column for each novelty
    "summary",  # terminal: the rows below
    "abstention",  # computed over the claims that are kept
    "compared",  # computed for each run when runs are compared, in pairs or in a study
    "sentences",  # named in sentences about comparisons and studies
    "slope sentences",  # the same for slopes along an axis
    "cells",  # the columns of a study's cells
    "arms",  # the columns of differences between arms
    "curves",  # charts along an axis; the heading ends their id
    "differences",  # charts of differences between arms
    "slopes",  # charts of slopes
    "periods",  # a table and a chart over time, by label and period
    "card",  # the table of a model card
    "card index",  # the metadata of a model card
    "probe",  # the table of a probe with facts
]  # fmt: skip


class Placement(NamedTuple):
    """A slice of a figure in one place (``()``: all), with a heading and an order that replace those of its row.

    ``unless`` names a figure: if it was computed, this one is redundant.
    """

    place: Place
    heading: str = ""
    by: By = ()
    order: int | None = None
    unless: str = ""


@dataclass(frozen=True)
class FigureRow:
    """A figure: ``title`` names it in sentences, ``short`` heads a column, ``legend`` explains ``short``.

    ``hub`` is its name on the model hub. ``of_places``: it is redundant if claims are about whole examples.
    ``reports`` are the tables of ``eval/<split>_classification_report.json`` that its protocols produce, in order: the
    key of each, and the noun for its rows.
    """

    name: str
    title: str
    unit: Unit
    better: Better
    family: Family
    order: int
    short: str = ""
    shown: tuple[Placement, ...] = ()
    hub: str = ""
    legend: str = ""
    of_places: bool = False
    reports: tuple[tuple[str, str], ...] = ()

    @property
    def is_share(self) -> bool:
        """Whether it is shown as a percentage, and its differences in percentage points."""
        return self.unit == "share"

    @property
    def most(self) -> float:
        """The maximum possible value."""
        if self.unit == "points":  # out of a hundred
            return 100.0
        return 1.0 if self.unit in ("share", "F1", "score") else math.inf

    def is_at(self, place: Place) -> bool:
        return any(one.place == place for one in self.shown)


class Column(NamedTuple):
    """A slice of a figure with its heading."""

    heading: str
    row: FigureRow
    by: By

    @property
    def key(self) -> tuple[str, By]:
        return self.row.name, self.by


HALLUCINATION, OMISSION, SUPPORT = "hallucination_rate", "omission_rate", "support_rate"
MATCHED = "hallucination_rate_at_matched_omission"
KEPT: By = (("claims", "kept"),)
# Slices of the smallest p-value of shifts over time: over all periods, and of the last period alone.
ANY, LATEST = "any", "latest"


def at(
    *places: Place, heading: str = "", by: By = (), order: int | None = None, unless: str = ""
) -> tuple[Placement, ...]:
    """A slice in several places."""
    return tuple(Placement(place, heading, by, order, unless) for place in places)


ROWS = (
    FigureRow(
        HALLUCINATION, "hallucination rate", "share", "lower", "claims", 100, "HR",
        at("head", "novelty", "compared", "sentences", "differences")
        + at("slope sentences", "card", "card index")
        + at("labels", "cells", "arms", "curves", "slopes", heading="hallucination")
        + at("summary", "abstention", heading="  hallucination rate", by=KEPT, order=281),
    ),
    FigureRow(
        "hallucination_rate_wide", "hallucination rate, wide", "share", "lower", "claims", 110, "HR wide",
        at("novelty", "compared", "card")
        + at("labels", "cells", "arms", "curves", heading="wide"),
        of_places=True,
    ),
    FigureRow(
        "distortion_rate", "distortion rate", "share", "lower", "claims", 120, "DR",
        at("novelty", "compared", "card")
        + at("labels", "cells", "arms", heading="distortion"),
        of_places=True,
    ),
    FigureRow(
        "false_claim_rate", "false claims", "share", "lower", "claims", 130, "",
        at("novelty", "compared") + at("abstention", by=KEPT, order=283),
        of_places=True,
    ),
    FigureRow(SUPPORT, "supported claims", "share", "higher", "claims", 135),
    FigureRow(
        OMISSION, "omission rate", "share", "lower", "claims", 160, "OR",
        at("novelty", "compared", "sentences", "differences")
        + at("slope sentences", "card", "card index")
        + at("labels", "cells", "arms", "curves", "slopes", heading="omission")
        + at("summary", "abstention", heading="  omission rate", by=KEPT, order=282),
    ),
    FigureRow("recall", "recall", "share", "higher", "claims", 165, "", at("novelty")),
    FigureRow("hallucinated_examples", "hallucinated examples", "share", "lower", "claims", 190, "", at("summary")),
    FigureRow(
        "hallucination_density", "unsupported claims per 1,000 tokens", "per 1,000", "lower", "claims", 200, "",
        at("summary"), of_places=True,
    ),
    FigureRow(
        "negative_sentence_rate", "negative-sentence rate", "share", "lower", "claims", 210, "",
        at("summary"), of_places=True,
    ),
    FigureRow("over_claim", "over-claim", "share", "lower", "claims", 170, "OC", at("compared")),
    FigureRow(
        "gap_ratio", "gap ratio", "times", "lower", "claims", 180, "",
        at("head", "summary", "compared", "cells", "card", "card index"),
    ),
    FigureRow("share_of_hallucinations", "share of hallucinations", "share", "none", "claims", 168, "", at("novelty")),
    FigureRow(
        "claim_coverage", "share of claims kept", "share", "higher", "claims", 280, "",
        at("summary", "abstention", heading="after abstention: share of claims kept", by=KEPT),
    ),
    FigureRow(
        "ece", "calibration error (ECE)", "score", "lower", "calibration", 220, "ECE",
        at("head", "summary", "compared", "cells", "arms", "card", "card index")
        + at("summary", heading="  before calibration", by=(("confidence", "uncalibrated"),), order=221)
        + at("curves", heading="ece") + at("probe"),
    ),
    FigureRow("brier", "Brier score", "score", "lower", "calibration", 230, "", at("summary", "compared")),
    FigureRow("reliability", "reliability", "share", "none", "calibration", 235),
    FigureRow("aurc", "AURC", "score", "lower", "order", 250, "", at("summary")),
    FigureRow("e_aurc", "E-AURC", "score", "lower", "order", 255),
    FigureRow("auroc", "AUROC of confidence", "score", "higher", "order", 240, "", at("summary")),
    FigureRow(
        "hallucination_rate_at_coverage", "hallucination rate at coverage", "share", "lower", "order", 260, "",
        at("summary", heading="hallucination rate at 95% coverage", by=(("coverage", "0.95"),))
        + at("summary", heading="  at 90%", by=(("coverage", "0.9"),), order=261)
        + at("summary", heading="  at 80%", by=(("coverage", "0.8"),), order=262),
    ),
    FigureRow("risk_at_coverage", "risk at coverage", "share", "lower", "order", 265),
    FigureRow(
        MATCHED, "hallucination rate at matched omission", "share", "lower", "matched", 105, "HR matched",
        at("sentences")
        + at("arms", heading="at matched omission", order=300)
        + at("differences", heading="at matched omission")
        + at("slopes", heading="omission matched"),
    ),
    FigureRow("shift", "change from all earlier periods", "share", "none", "time", 305),
    FigureRow(
        "shift_p", "p of a shift (Holm)", "score", "none", "time", 306, "",
        at("summary", heading="shift over time: smallest p (Holm)", by=(("period", ANY),))
        + at("summary", heading="  of the latest period", by=(("period", LATEST),), order=307),
    ),
    FigureRow("gap_forecast", "gap forecast", "share", "none", "gap", 310),
    FigureRow("gap_unseen", "gap unseen", "share", "none", "gap", 311),
    FigureRow("gap_new", "gap new", "share", "none", "gap", 312),
    FigureRow("gap_excess", "gap excess", "share", "none", "gap", 313),
    FigureRow("probe_accuracy", "facts answered correctly (P@1)", "share", "higher", "probe", 200, "P@1", at("probe")),
    FigureRow("probe_majority", "majority object", "share", "none", "probe", 201, "majority", at("probe")),
    FigureRow("probe_consistency", "consistency", "share", "higher", "probe", 202, "consistency", at("probe")),
    FigureRow("probe_asserted", "asserted", "share", "none", "probe", 203, "asserted", at("probe")),
    FigureRow("probe_hallucination", "asserted and wrong", "share", "lower", "probe", 204, "wrong", at("probe")),
)  # fmt: skip


@lru_cache(maxsize=1)
def rows() -> dict[str, FigureRow]:
    """Every figure by its name: the general ones with the slices that tasks add, then those of the tasks.

    Raises:
        ValueError: two rows have the same name.
    """
    by_name = {row.name: row for row in ROWS}
    for target in TABLE["task"].values():
        module = import_module(target.partition(":")[0].rpartition(".")[0] + ".figure_rows")
        for row in module.ROWS:
            if by_name.setdefault(row.name, row) != row:
                raise ValueError(f"two figures are called {row.name}")
        for name, slices in module.SLICES.items():
            general = by_name[name]
            by_name[name] = replace(general, shown=tuple(dict.fromkeys((*general.shown, *slices))))
    return by_name


def figure(name: str) -> FigureRow:
    """The row of a figure; an unknown name, which may be from a later version, gets a row with the name as title."""
    return rows().get(name) or FigureRow(name, name.replace("_", " "), "score", "none", "task", 1_000)


def shown(place: Place, computed: Collection[str] | None = None) -> list[Column]:
    """The figures of a place, in order.

    Args:
        computed: the names of the figures that were computed, to leave out redundant ones; None: all figures.
    """
    placed = _placed(place)
    if computed is None:
        return [column for _, column in placed]
    return [column for one, column in placed if column.row.name in computed and one.unless not in computed]


@lru_cache
def _placed(place: Place) -> tuple[tuple[Placement, Column], ...]:
    placed = [(row, one) for row in rows().values() for one in row.shown if one.place == place]
    placed.sort(key=lambda both: both[0].order if both[1].order is None else both[1].order)
    return tuple(
        (one, Column(one.heading or (place in _COLUMNS and row.short) or row.title, row, one.by)) for row, one in placed
    )


# Columns have room for a short heading only, other places for the title.
_COLUMNS: frozenset[Place] = frozenset(("labels", "cells", "arms"))


def names(families: Iterable[Family]) -> tuple[str, ...]:
    """The general figures of these families."""
    wanted = set(families)
    return tuple(row.name for row in ROWS if row.family in wanted)


def of_places() -> frozenset[str]:
    """The figures that are redundant if claims are about whole examples."""
    return frozenset(row.name for row in ROWS if row.of_places)
