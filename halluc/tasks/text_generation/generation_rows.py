"""Rows of figures of all text generation tasks."""

from __future__ import annotations

from halluc.core.figures import FigureRow, at

ROWS = (
    FigureRow(
        "outputs_without_claims", "outputs without any claim", "share", "none", "task", 186, "",
        at("head", "summary", "compared", "cells", "card"),
        legend="outputs that state nothing that can be verified",
    ),
    FigureRow("empty_outputs", "empty outputs", "share", "lower", "task", 187, "", at("summary", "compared")),
    FigureRow("unended_outputs", "outputs cut at the limit", "share", "lower", "task", 188, "", at("summary")),
    FigureRow(
        "repeated_outputs", "outputs shared by different inputs", "share", "lower", "task", 189, "",
        at("summary", "compared"),
    ),
    FigureRow("length_ratio", "generated words per word of reference", "times", "none", "task", 191, "", at("summary")),
)  # fmt: skip
NAMES = tuple(row.name for row in ROWS)
