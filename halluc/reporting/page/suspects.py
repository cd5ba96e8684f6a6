"""The page for reviewing the suspects of a split, with a download of the decisions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from halluc.core.claims import Mark
from halluc.reporting.page import highlight
from halluc.reporting.page.render import render_page
from halluc.reporting.views.suspects import KINDS
from halluc.runs.audits import SUSPECT_KINDS, AuditResult, SuspectLine
from halluc.runs.records import content_sha256
from halluc.wording.formats import NOTHING
from halluc.wording.nouns import Nouns


def page(result: AuditResult, shown: Sequence[SuspectLine], nouns: Nouns, has_spans: bool, source: str) -> str:
    """Suspects as HTML, most suspicious first.

    Args:
        shown: those on the page, of all that ``result`` counts. has_spans: whether spans are annotated. source: the
            file of the split; the browser stores decisions under it, so they are kept after another audit.
    """
    return render_page(
        "suspects.html.j2",
        "suspects.js",
        result=result,
        total=sum(result.kinds.values()),
        kinds=[(kind, *KINDS[kind], result.kinds.get(kind, 0)) for kind in SUSPECT_KINDS],
        suspects=[_suspect_values(one, has_spans) for one in shown],
        key=content_sha256(source)[:16],
        has_spans=has_spans,
        nouns=nouns,
    )


def _suspect_values(one: SuspectLine, has_spans: bool) -> dict[str, Any]:
    """A suspect with its text in pieces; without spans, ``halves`` is the text, for a pair both."""
    pieces: list[highlight.Piece] = []
    if has_spans:
        claims = [(span, "unsupported") for span in highlight.spans_of_marks(one.proposed)]
        doubted = {*one.annotated}
        spans = highlight.spans_of_marks(one.gold)
        gold = [(span, highlight.OMISSION if span in doubted else highlight.GOLD) for span in spans]
        pieces = highlight.style_tokens(one.tokens, 0, claims, gold)
    elif one.marked:
        pieces = highlight.style_tokens(one.tokens, 0, [(span, highlight.OTHER) for span in one.marked], [])
    return {
        "line": one,
        "kind": KINDS[one.kind][0],
        "pieces": pieces,
        "halves": [] if pieces else highlight.halves(one.tokens, 0, one.second),
        "edit": "\n".join(_editable(mark, has_spans) for mark in one.proposed or one.annotated),
        "annotated": _surface_and_label(one.annotated, one.tokens, has_spans),
        "proposed": _surface_and_label(one.proposed, one.tokens, has_spans),
        "labels": [(label or "not annotated", count) for label, count in one.labels.items()],
    }


def _editable(mark: Mark, has_spans: bool) -> str:
    """A mark in its editable form: tokens and label, or only the label."""
    start, end, label = mark
    return f"{start} {end} {label}" if has_spans else label


def _surface_and_label(marks: Sequence[Mark], tokens: Sequence[str], has_spans: bool) -> list[tuple[str, str]]:
    """The surface (empty for the whole example) and label of each mark; one entry if there is no annotation."""
    if not marks:
        return [("", NOTHING)]
    return [
        (highlight.display_text(tokens[start:end]) if has_spans and start is not None else "", label)
        for start, end, label in marks
    ]
