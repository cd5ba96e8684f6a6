"""The figures of summarisation: their names and where they are shown."""

from __future__ import annotations

from collections.abc import Mapping

from halluc.core.figures import FigureRow, Placement, at
from halluc.tasks.text_generation import generation_rows

TITLES = {"rouge1": "ROUGE-1", "rouge2": "ROUGE-2", "rougeL": "ROUGE-L"}
ROUGE = tuple(TITLES)


def _extract_placements(order: int) -> tuple[Placement, ...]:
    return at("summary", heading="  of lead-3", by=(("system", "lead-3"),), order=order) + at(
        "summary", heading="  of the most central sentences", by=(("system", "central"),), order=order
    )


ROWS = (
    FigureRow(
        "rouge1", "ROUGE-1", "score", "higher", "task", 10, "",
        at("head", "summary", "compared", "cells", "card", "card index") + _extract_placements(10), hub="rouge",
        legend="overlap of words of summary and reference (rouge-score)", reports=(("rouge1", "systems"),),
    ),
    FigureRow(
        "rouge2", "ROUGE-2", "score", "higher", "task", 11, "",
        at("head", "summary", "compared", "sentences", "cells", "arms", "curves", "differences")
        + at("slope sentences", "slopes", "card", "card index")
        + _extract_placements(11), hub="rouge",
        legend="overlap of bigrams of summary and reference", reports=(("rouge2", "systems"),),
    ),
    FigureRow(
        "rougeL", "ROUGE-L", "score", "higher", "task", 12, "",
        at("head", "summary", "compared", "cells", "card", "card index") + _extract_placements(12), hub="rouge",
        legend="longest common subsequence of summary and reference", reports=(("rougeL", "systems"),),
    ),
    FigureRow(
        "novel_ngrams", "bigrams that are not in the document", "share", "none", "task", 190, "",
        at("summary", "compared")
        + at("summary", heading="  words", by=(("n", "1"),), order=190)
        + at("summary", heading="  trigrams", by=(("n", "3"),), order=190),
    ),
    *generation_rows.ROWS,
)  # fmt: skip
SLICES: Mapping[str, tuple[Placement, ...]] = {}
