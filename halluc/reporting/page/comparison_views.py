"""What comparison.html.j2 lays out as rows: paired differences, and claims that flipped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from string import ascii_lowercase
from typing import Any, NamedTuple

from halluc.core.figures import MATCHED
from halluc.reporting.collect.shown import window
from halluc.reporting.page import highlight
from halluc.reporting.page.cells import Cell
from halluc.reporting.page.highlight import Piece
from halluc.reporting.page.study_views import Family, Row
from halluc.reporting.words import nouns
from halluc.runs.reports import ComparisonReport
from halluc.runs.studies import SURE, Comparison, Delta, Flip
from halluc.wording import formats

MOST_FLIPS = 200
# So many keys of one section are named one by one.
MOST_KEYS = 4


class Flipped(NamedTuple):
    """A claim that changed, in its text where that is at hand; ``style`` is the verdict that it is drawn as.

    Of a claim about a whole text, ``halves`` is its beginning, of a pair that of both, and ``annotated`` its labels.
    """

    flip: Flip
    style: str
    pieces: list[Piece]
    halves: Sequence[str] = ()
    annotated: Sequence[str] = ()


def view(report: ComparisonReport) -> dict[str, Any]:
    """What the template needs beside the report itself."""
    letters = [run_letter(number) for number in range(len(report.others) + 1)]
    named = list(zip(letters[1:], report.others, strict=True))
    return {
        "letters": letters,
        "keys": [_keys(other.config_differences) for other in report.others],
        "families": [_family(letter, other) for letter, other in named],
        "training": [[letter, one.what, one.a, one.b] for letter, other in named for one in other.training_differences],
        "flipped": [_flipped(letter, other, report) for letter, other in named],
    }


def _keys(names: Sequence[str]) -> list[str]:
    """The keys in which configs differ; many of one section as the section."""
    plain = [name.strip("`") for name in names]
    counts = Counter(name.partition(".")[0] for name in plain)
    told = {}
    for name in plain:
        section = name.partition(".")[0]
        told[section if counts[section] > MOST_KEYS else name] = counts[section]
    return [f"{name} ({count} keys)" if count > MOST_KEYS else name for name, count in told.items()]


def run_letter(number: int) -> str:
    """What a run is called, from 0 on: a to z, then a2 to z2, …"""
    round_, place = divmod(number, len(ascii_lowercase))
    return ascii_lowercase[place] + (str(round_ + 1) if round_ else "")


def _family(letter: str, other: Comparison) -> Family:
    rows: list[Row] = [_row(formats.title(delta.name, delta.by), delta) for delta in other.figures]
    at = other.matched_omission
    if at is not None:
        delta = Delta(name=MATCHED, by={}, **at.model_dump(exclude={"omission_rate", "achieved"}))
        rows.append(_row(f"hallucination rate at matched omission ({formats.percent(at.omission_rate)})", delta))
    columns = ["figure", "difference", "p (Holm)", "a", letter, "p"]
    return Family(f"{letter} less a, {other.examples:,} examples of {other.split}", columns, rows)


def _row(told: str, delta: Delta) -> Row:
    name = delta.name
    sure = delta.p_holm is not None and delta.p_holm < SURE
    interval = "" if delta.difference is None else formats.interval(name, delta.interval) or formats.NO_INTERVAL
    return [
        told,
        Cell(formats.difference(name, delta.difference), interval, sure),
        Cell(formats.p_value(delta.p_holm)),
        *(Cell(formats.value(name, value)) for value in (delta.a, delta.b)),
        Cell(formats.p_value(delta.p)),
    ]


def _flipped(letter: str, other: Comparison, report: ComparisonReport) -> dict[str, Any]:
    counts = Counter((flip.a, flip.b) for flip in other.flipped)
    worst_first = sorted(other.flipped, key=lambda flip: "unsupported" not in (flip.a, flip.b))
    return {
        "letter": letter,
        "total": len(other.flipped),
        "counts": [[before, after, formats.count(n)] for (before, after), n in counts.most_common()],
        "shown": [_in_its_text(flip, report) for flip in worst_first[:MOST_FLIPS]],
    }


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
