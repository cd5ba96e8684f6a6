"""The figures of translation: their names and where they are shown."""

from __future__ import annotations

from collections.abc import Mapping

from halluc.core.figures import FigureRow, Placement, at
from halluc.tasks.text_generation import generation_rows

ROWS = (
    FigureRow(
        "bleu", "BLEU", "points", "higher", "task", 10, "",
        at("head", "summary", "compared", "sentences", "cells", "arms", "curves", "differences")
        + at("slope sentences", "slopes", "card", "card index"), hub="bleu",
        legend="n-gram overlap of output and reference (sacrebleu)",
    ),
    FigureRow(
        "chrf", "chrF", "points", "higher", "task", 11, "",
        at("head", "summary", "compared", "cells", "card", "card index"), hub="chrf",
        legend="character n-gram overlap of output and reference (sacrebleu)",
    ),
    FigureRow(
        "perturbation_rate", "hallucinations after one inserted token", "share", "lower", "task", 192, "",
        at("head", "summary", "compared", "cells", "arms", "card")
        + at("summary", heading="  a frequent word", by=(("token", "frequent"),), order=193)
        + at("summary", heading="  a mid-frequency word", by=(("token", "medium"),), order=194)
        + at("summary", heading="  a rare word", by=(("token", "rare"),), order=195)
        + at("summary", heading="  punctuation", by=(("token", "punctuation"),), order=196),
        legend="tested sources with a hallucination after one token is inserted (Lee et al. 2018)",
    ),
    FigureRow(
        "perturbed_outputs", "outputs good enough to be perturbed", "share", "none", "task", 197, "", at("summary")
    ),
    *generation_rows.ROWS,
)  # fmt: skip
SLICES: Mapping[str, tuple[Placement, ...]] = {}
