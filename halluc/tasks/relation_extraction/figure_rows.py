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


def _of_reason(reason: str, order: int) -> tuple[Shown, ...]:
    by = (("reason", reason),)
    return at("page cells", heading=f"wrong {reason}", by=by, order=order)


# The slices of general figures that are shown.
SLICES: Mapping[str, tuple[Shown, ...]] = {
    "distortion_rate": (*_of_reason("label", 141), *_of_reason("direction", 142)),
    "over_claim": tuple(
        shown
        for place, novelty in enumerate(("seen", "new"))
        for by in [(("novelty", novelty),)]
        for shown in (
            *at("cells", heading=f"OC {novelty}", by=by, order=172 + place),
            *at("page cells", heading=f"false in {novelty}", by=by, order=172 + place),
        )
    ),
}
