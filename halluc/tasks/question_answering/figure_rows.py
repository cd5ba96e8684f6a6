"""The figures of question answering: their names and where they are shown."""

from __future__ import annotations

from collections.abc import Mapping

from halluc.core.figures import KEPT, FigureRow, Placement, at

ROWS = (
    FigureRow(
        "answer_f1", "F1 of answers", "F1", "higher", "task", 9, "F1",
        at("labels", "head", "summary", "card", "card index")
        + at("compared", "cells", "arms", "sentences", "slope sentences", "differences", order=12), hub="f1",
    ),
    FigureRow(
        "exact_match", "exact match", "share", "higher", "task", 10, "EM",
        at("labels", "head", "summary", "card", "card index"), hub="exact_match",
    ),
    FigureRow(
        "answerable_exact_match", "exact match of answerable questions", "share", "higher", "task", 11, "",
        at("compared", order=161) + at("cells", "arms", heading="EM, answerable", order=161)
        + at("curves", heading="exact-match", order=161),
    ),
    FigureRow("claim_f1", "F1 of exact answers", "F1", "higher", "task", 14, ""),
    FigureRow(
        "false_answer_rate", "false answers", "share", "lower", "task", 105, "false answers",
        at("head", "compared", "cells", "arms", "differences", "card", "card index")
        + at("sentences", "slope sentences", heading="unanswerable questions that get an answer")
        + at("summary", heading="unanswerable: false answers", order=20)
        + at("summary", heading="  unanswerable: false answers", by=KEPT, order=284),
        legend="unanswerable questions that get an answer",
    ),
    FigureRow(
        "no_answer_auroc", "AUROC, answerable against not", "score", "higher", "task", 23, "",
        at("summary", heading="  AUROC, answerable against not") + at("card", "card index", order=152),
    ),
)  # fmt: skip
_PLACE = (("reason", "place"),)

# The slices of general figures that are shown, in addition to those of every task.
SLICES: Mapping[str, tuple[Placement, ...]] = {
    "distortion_rate": at("novelty", heading="  by place", by=_PLACE, order=126)
}
