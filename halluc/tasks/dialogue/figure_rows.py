"""The figures of dialogue: their names and where they are shown."""

from __future__ import annotations

from collections.abc import Mapping

from halluc.core.figures import FigureRow, Placement, at
from halluc.tasks.text_generation import generation_rows

ROWS = (
    FigureRow(
        "reply_f1", "F1 with the reference", "F1", "higher", "task", 10, "",
        at("head", "summary", "compared", "sentences", "cells", "arms", "curves", "differences")
        + at("slope sentences", "slopes", "card", "card index"),
        legend="overlap of words of reply and reference",
    ),
    FigureRow(
        "knowledge_f1", "knowledge-F1", "F1", "higher", "task", 11, "",
        at("head", "summary", "compared", "cells", "arms", "card", "card index")
        + at("summary", heading="  of replies with knowledge", by=(("replies", "with knowledge"),), order=11),
        legend="overlap of words of reply and knowledge (Shuster et al. 2021)",
    ),
    FigureRow(
        "distinct_1", "distinct-1", "share", "higher", "task", 12, "", at("summary", "compared", "card"),
        legend="distinct words of a reply, divided by all its words",
    ),
    FigureRow(
        "distinct_2", "distinct-2", "share", "higher", "task", 13, "", at("summary", "compared", "cells", "card"),
        legend="the same for bigrams",
    ),
    *generation_rows.ROWS,
)  # fmt: skip
SLICES: Mapping[str, tuple[Placement, ...]] = {}
