"""The figures of relation extraction: their names and where they are shown."""

from __future__ import annotations

from collections.abc import Mapping

from halluc.core.figures import FigureRow, Placement, at
from halluc.tasks import label_rows

ROWS = (
    *label_rows.ROWS,
    FigureRow(
        "semeval_macro_f1", "SemEval macro F1", "F1", "higher", "task", 10, "",
        at("head", "summary", "compared", "card", "card index"),
        legend="official figure of SemEval-2010 Task 8: mean over relations, with direction",
        reports=(("relations", "relations"),),
    ),
)  # fmt: skip
_DIRECTION = (("reason", "direction"),)

# The slices of general figures that are shown, in addition to those of every task.
SLICES: Mapping[str, tuple[Placement, ...]] = {
    "distortion_rate": (
        *at("novelty", heading="  by direction", by=_DIRECTION, order=125),
        *at("cells", heading="wrong direction", by=_DIRECTION, order=125),
        *at("curves", heading="direction", by=_DIRECTION, order=125),
        *at("slope sentences", heading="claims with a wrong direction", by=_DIRECTION, order=1_002),
    )
}
