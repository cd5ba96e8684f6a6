"""The figures of token classification: their names and where they are shown."""

from __future__ import annotations

from collections.abc import Mapping

from halluc.core.figures import FigureRow, Placement, at

ROWS = (
    FigureRow(
        "entity_f1", "entity F1", "F1", "higher", "task", 10, "",
        at("head", "summary", "compared", "cells", "arms", "card", "card index")
        + at("labels", heading="F1")
        + at("sentences", "slope sentences", "differences", order=161)
        + at("curves", heading="entity-f1", order=161),
        hub="f1",
        reports=(("entity", "entities"), ("entity_strict", "entities")),
    ),
    FigureRow(
        "entity_precision", "entity precision", "score", "higher", "task", 11, "",
        at("labels", heading="precision") + at("card", "card index"),
        hub="precision",
    ),
    FigureRow(
        "entity_recall", "entity recall", "score", "higher", "task", 12, "",
        at("labels", heading="recall") + at("card", "card index"),
        hub="recall",
    ),
    FigureRow("token_f1", "token F1", "F1", "higher", "task", 20, reports=(("token", "tokens"),)),
)  # fmt: skip


def _reason_placements(reason: str, order: int, on_page: str, *, is_curve: bool = True) -> tuple[Placement, ...]:
    by = (("reason", reason),)
    return (
        *at("novelty", heading=f"  by {reason}", by=by, order=order),
        *at("cells", heading=on_page, by=by, order=order),
        *(at("curves", heading=reason, by=by, order=order) if is_curve else ()),
    )


# The slices of general figures that are shown.
SLICES: Mapping[str, tuple[Placement, ...]] = {
    "distortion_rate": (
        *_reason_placements("label", 121, "wrong label"),
        *_reason_placements("boundary", 122, "boundary"),
        *_reason_placements("both", 123, "both", is_curve=False),
        *_reason_placements("duplicate", 124, "duplicate"),
        Placement("slope sentences", "claims with a wrong label", (("reason", "label"),), 1_000),
        Placement("slope sentences", "claims with a wrong boundary", (("reason", "boundary"),), 1_001),
    ),
    "over_claim": at("cells", heading="false in seen", by=(("novelty", "seen"),), order=170)
    + at("cells", heading="false in new", by=(("novelty", "new"),), order=171),
}
