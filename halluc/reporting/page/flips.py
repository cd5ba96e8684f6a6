"""Claims that flipped between two runs, drawn in their texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from halluc.reporting.collect.several import shown_flips
from halluc.reporting.collect.shown import window
from halluc.reporting.page import highlight
from halluc.reporting.page.highlight import Piece
from halluc.reporting.words import nouns
from halluc.runs.reports import ComparisonReport
from halluc.runs.studies import Comparison, Flip


class Flipped(NamedTuple):
    """A claim that changed, in its text where that is at hand; ``style`` is the verdict that it is drawn as.

    Of a claim about a whole text, ``halves`` is its beginning, of a pair that of both, and ``annotated`` its labels.
    """

    flip: Flip
    style: str
    pieces: list[Piece]
    halves: Sequence[str] = ()
    annotated: Sequence[str] = ()


def flipped(other: Comparison, report: ComparisonReport) -> list[Flipped]:
    """The flipped claims that are shown."""
    return [_in_its_text(flip, report) for flip in shown_flips(other)]


def _in_its_text(flip: Flip, report: ComparisonReport) -> Flipped:
    style = flip.b if flip.b != "absent" else flip.a
    tokens = report.texts.get(flip.id)
    marked = [(span, style) for span in report.marked.get(flip.id, [])]
    if tokens is not None and not nouns.of(report.task).is_placed:
        second = report.seconds.get(flip.id)
        first, last = window(second, second, len(tokens))
        labels = [label for _, _, label in report.gold.get(flip.id, ())]
        parts = highlight.halves(tokens[first:last], first, second)
        return Flipped(flip, style, highlight.drawn(tokens, 0, marked, []) if marked else [], parts, labels)
    if tokens is None or flip.start is None or flip.end is None:
        return Flipped(flip, style, [])
    spans = [((flip.start, flip.end, flip.label), style)]
    gold = [
        ((start, end, label), highlight.GOLD)
        for start, end, label in report.gold.get(flip.id, [])
        if start is not None and end is not None
    ]
    return Flipped(flip, style, highlight.drawn(tokens, 0, spans, gold))
