"""The figures of relation extraction: what they are called and where they are shown."""

from __future__ import annotations

from collections.abc import Mapping

from halluc.core.figures import FigureRow, Shown, at
from halluc.tasks import label_rows
from halluc.tasks.token_classification.figure_rows import of_novelty, of_reason

ROWS = (
    *label_rows.ROWS,
    FigureRow(
        "semeval_macro_f1", "SemEval macro F1", "F1", "higher", "task", 10, "",
        at("head", "summary", "compared", "card", "card index"),
        legend="official figure of SemEval-2010 Task 8: mean over relations, with direction",
        reports=(("relations", "relations"),),
    ),
)  # fmt: skip

# The slices of general figures that are shown.
SLICES: Mapping[str, tuple[Shown, ...]] = {
    "distortion_rate": (
        *of_reason("label", 121, "wrong label"),
        *of_reason("direction", 125, "direction"),
        Shown("slope sentences", "claims with a wrong label", (("reason", "label"),), 1_000),
        Shown("slope sentences", "claims with a wrong direction", (("reason", "direction"),), 1_002),
    ),
    "over_claim": (*of_novelty("seen", 170), *of_novelty("new", 171)),
}
