"""The figures of translation: what they are called and where they are shown."""

from __future__ import annotations

from collections.abc import Mapping

from halluc.core.figures import FigureRow, Shown, at
from halluc.tasks.text_generation import generation_rows

ROWS = (
    FigureRow(
        "bleu", "BLEU", "points", "higher", "task", 10, "",
        at("head", "summary", "compared", "sentences", "cells", "arms", "curves", "differences", "card", "card index"),
        hub="bleu", legend="n-grams that output and reference share (sacrebleu)",
    ),
    FigureRow(
        "chrf", "chrF", "points", "higher", "task", 11, "",
        at("head", "summary", "compared", "cells", "card", "card index"), hub="chrf",
        legend="character n-grams that output and reference share (sacrebleu)",
    ),
    *generation_rows.ROWS,
)  # fmt: skip
SLICES: Mapping[str, tuple[Shown, ...]] = {}
