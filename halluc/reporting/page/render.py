"""The page: one self-contained HTML file without any network requests."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from halluc import __version__
from halluc.reporting.charts.chart import Chart
from halluc.reporting.collect.claim_selection import window
from halluc.reporting.collect.comparison_reports import shown_flips
from halluc.reporting.page import highlight
from halluc.reporting.templating import TEMPLATES, environment
from halluc.reporting.views.comparison import with_letters
from halluc.reporting.views.tables import table
from halluc.reporting.words import nouns
from halluc.runs.reports import AnyReport, ComparisonReport, RunReport
from halluc.runs.studies import Flip
from halluc.wording import formats

# Further supported claims are folded.
MOST_UNFOLDED = 10
# Nothing may be loaded, framed or submitted; matplotlib's SVG has inline styles.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src '{script}'; base-uri 'none'; form-action 'none'"


def page(report: AnyReport, charts: Sequence[Chart]) -> str:
    """A report as HTML; its template places ``charts`` by their ids."""
    task, values = nouns.task_of(report), dict[str, Any]()
    if report.kind == "run":
        values = _run_values(report)
    elif report.kind == "comparison":
        values = _comparison_values(report)
    return render_page(
        f"{report.kind}.html.j2",
        "page.js",
        report=report,
        nouns=task.wording.nouns,
        distorts=bool(task.judge.reasons),
        charts={chart.id: chart for chart in charts},
        **values,
    )


def render_page(template: str, script_file: str, policy: str = _POLICY, **values: Any) -> str:
    """A template of a whole page, with its style and one script, the only one that the page may run.

    Args:
        policy: the Content-Security-Policy, with placeholders for the hashes of ``script`` and ``style``.
    """
    style, script = ((TEMPLATES / name).read_text(encoding="utf-8") for name in ("page.css", script_file))
    # The form of hashes in a Content-Security-Policy.
    hashes = {
        name: f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
        for name, text in (("script", script), ("style", style))
    }
    return fragment(
        template,
        style=Markup(style),
        script=Markup(script),
        policy=policy.format(**hashes),
        version=__version__,
        **values,
    )


def fragment(template: str, **values: Any) -> str:
    """A template that need not be a whole page."""
    return _environment().get_template(template).render(**values)


def _run_values(report: RunReport) -> dict[str, Any]:
    shown = [claim.line for section in report.claims for claim in section.shown]
    known, task = {line.novelty for line in shown}, nouns.task_of(report)
    return {
        "labels": sorted({line.label for line in shown}),
        "novelties": [novelty for novelty in task.knowledge.novelties if novelty in known],
        "section_titles": {
            "distorted": "Distorted",
            "supported": "Supported, by increasing confidence",
            **task.wording.nouns.sections,
        },
        "shown_claims": len(shown),
        "most_unfolded": MOST_UNFOLDED,
    }


def _comparison_values(report: ComparisonReport) -> dict[str, Any]:
    flips = {letter: shown_flips(other) for letter, other in with_letters(report)}
    return {"flipped": {letter: [_flip_values(flip, report) for flip in shown] for letter, shown in flips.items()}}


def _flip_values(flip: Flip, report: ComparisonReport) -> dict[str, Any]:
    """A flipped claim, in its text if that is available; ``style`` is the verdict that it is drawn with.

    For a claim about a whole text, ``halves`` is its beginning, for a pair that of both, and ``annotated`` its labels.
    """
    style, tokens = flip.b if flip.b != "absent" else flip.a, report.texts.get(flip.id)
    result = {"flip": flip, "style": style, "pieces": [], "halves": [], "annotated": []}
    if tokens is None:
        return result
    if not nouns.task(report.task).wording.nouns.is_placed:
        marked, second = report.marked.get(flip.id), report.seconds.get(flip.id)
        first, last = window(second, second, len(tokens))
        if marked:
            result["pieces"] = highlight.style_tokens(tokens, 0, [(span, style) for span in marked], [])
        result["annotated"] = [label for _, _, label in report.gold.get(flip.id, ())]
        return result | {"halves": highlight.halves(tokens[first:last], first, second)}
    if flip.start is not None and flip.end is not None:
        gold = [(span, highlight.GOLD) for span in highlight.spans_of_marks(report.gold.get(flip.id, []))]
        result["pieces"] = highlight.style_tokens(tokens, 0, [((flip.start, flip.end, flip.label), style)], gold)
    return result


@cache
def _environment() -> Environment:
    names = {
        "pieces": highlight.pieces,
        "groups": highlight.groups,
        "halves": highlight.halves,
        "plain_table": table,
        "edited": highlight.edit_pieces,
    }
    result = environment(_harmless, _FILTERS, names, is_html=True)
    result.tests["starting"] = str.startswith
    return result


def _harmless(value: Any) -> Any:
    """The output of a template is escaped by jinja; this makes invisible characters visible."""
    return formats.visible(value, longest=None) if type(value) is str else value


_FILTERS: dict[str, Callable[..., Any]] = {
    "beginning": highlight.beginning,
    "decimal": formats.decimal,
    "interval": formats.interval,
    "short": formats.visible,
    "spaced": highlight.display_text,
    "surface": highlight.surface,
    "value_of": formats.value,
}
