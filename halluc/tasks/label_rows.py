"""Precision, recall and F1 of labels of whole examples: rows shared by several tasks."""

from __future__ import annotations

from halluc.core.figures import FigureRow, at

ROWS = (
    FigureRow(
        "micro_f1", "micro F1", "F1", "higher", "task", 13, "",
        at("compared", "cells", "arms", "card", "card index")
        + at("head", unless="accuracy")
        + at("summary", order=11, unless="accuracy")
        + at("sentences", "slope sentences", "differences", order=162)
        + at("curves", heading="micro-f1", order=162),
        hub="f1",
    ),
    FigureRow("micro_precision", "micro precision", "score", "higher", "task", 30),
    FigureRow("micro_recall", "micro recall", "score", "higher", "task", 31),
    FigureRow(
        "macro_f1", "macro F1", "F1", "higher", "task", 12, "", at("summary", "card", "card index"), hub="f1"
    ),
    FigureRow("macro_precision", "macro precision", "score", "higher", "task", 32),
    FigureRow("macro_recall", "macro recall", "score", "higher", "task", 33),
    FigureRow("weighted_f1", "weighted F1", "F1", "higher", "task", 34),
    FigureRow("weighted_precision", "weighted precision", "score", "higher", "task", 35),
    FigureRow("weighted_recall", "weighted recall", "score", "higher", "task", 36),
    FigureRow("label_f1", "F1", "F1", "higher", "task", 40, "", at("labels"), reports=(("labels", "labels"),)),
    FigureRow("label_precision", "precision", "score", "higher", "task", 41, "", at("labels")),
    FigureRow("label_recall", "recall", "score", "higher", "task", 42, "", at("labels")),
)  # fmt: skip
NAMES = tuple(row.name for row in ROWS)
