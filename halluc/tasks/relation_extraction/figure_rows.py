"""The figures of relation extraction: what they are called and where they are shown."""

from __future__ import annotations

from collections.abc import Mapping

from halluc.core.figures import FigureRow, Shown, at
from halluc.tasks import label_rows

ROWS = (
    *label_rows.ROWS,
    FigureRow(
        "semeval_macro_f1", "official macro F1 (SemEval-2010)", "F1", "higher", "task", 14, "",
        at("head", "card", "card index") + at("summary", heading="SemEval macro F1"), hub="f1",
    ),
)  # fmt: skip

# The slices of general figures that are shown, beside those of every task.
SLICES: Mapping[str, tuple[Shown, ...]] = {
    "distortion_rate": at("page cells", heading="wrong direction", by=(("reason", "direction"),), order=125),
}
