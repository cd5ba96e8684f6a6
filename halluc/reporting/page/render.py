"""The page: one self-contained HTML file without any network requests."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from halluc import __version__
from halluc.reporting.charts.chart import Chart
from halluc.reporting.collect.several import shown_flips
from halluc.reporting.collect.shown import window
from halluc.reporting.page import highlight
from halluc.reporting.views import comparison, probes, run, study, suspects
from halluc.reporting.views.tables import table
from halluc.reporting.words import nouns
from halluc.runs.reports import AnyReport, ComparisonReport, RunReport, StudyReport
from halluc.runs.studies import Flip
from halluc.wording import formats

TEMPLATES = Path(__file__).parent.parent / "templates"

# Further supported claims are folded.
MOST_UNFOLDED = 10
# Nothing may be loaded, framed or submitted; matplotlib's SVG has inline styles.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src '{script}'; base-uri 'none'; form-action 'none'"


def page(report: AnyReport, charts: Sequence[Chart]) -> str:
    """A report as HTML; its template places ``charts`` by their ids."""
    task = nouns.task_of(report)
    return rendered(
        f"{report.kind}.html.j2",
        "page.js",
        report=report,
        nouns=task.wording.nouns,
        distorts=bool(task.judge.reasons),
        charts={chart.id: chart for chart in charts},
        **_VIEWS[report.kind](report),
    )


def rendered(template: str, script_file: str, policy: str = _POLICY, **values: Any) -> str:
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


def _of_run(report: RunReport) -> dict[str, Any]:
    shown = [claim.line for section in report.claims for claim in section.shown]
    known, task = {line.novelty for line in shown}, nouns.task_of(report)
    words = task.wording.nouns
    manifest = report.augmentation.manifest if report.augmentation is not None else None
    return {
        "labels": sorted({line.label for line in shown}),
        "novelties": [novelty for novelty in task.knowledge.novelties if novelty in known],
        "section_titles": {
            "distorted": "Distorted",
            "supported": "Supported, by increasing confidence",
            **words.sections,
        },
        "shown_claims": len(shown),
        "most_unfolded": MOST_UNFOLDED,
        "abstention": run.abstention(report.abstention, words) if report.abstention else [],
        "thresholds": run.thresholds(report.abstention),
        "annotation": suspects.of_report(report.annotation) if report.annotation else [],
        "classification": run.classification(report, words),
        "splits": run.splits(report.data.splits, report.data.scheme),
        "withheld": report.data.withheld and run.withheld(report.data.withheld),
        "augmented": run.augmented(manifest) if manifest else [],
        "probed": [view for one in report.probes for view in probes.tables(one, detailed=True)],
        "figures": run.every_figure(report),
        "config": run.config(report.config),
        "provenance": run.provenance(report.run),
    }


def _of_comparison(report: ComparisonReport) -> dict[str, Any]:
    training = comparison.training(report)
    return {
        "runs": [
            (letter, other.b, comparison.keys(other.config_differences))
            for letter, other in comparison.lettered(report)
        ],
        "differences": [comparison.differences(*one) for one in comparison.lettered(report)],
        "training": [training] if training else [],
        "flipped": [
            (
                letter,
                comparison.flips(letter, other),
                len(other.flipped),
                [_flipped(flip, report) for flip in shown_flips(other)],
            )
            for letter, other in comparison.lettered(report)
        ],
    }


def _flipped(flip: Flip, report: ComparisonReport) -> dict[str, Any]:
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
            result["pieces"] = highlight.drawn(tokens, 0, [(span, style) for span in marked], [])
        result["annotated"] = [label for _, _, label in report.gold.get(flip.id, ())]
        return result | {"halves": highlight.halves(tokens[first:last], first, second)}
    if flip.start is not None and flip.end is not None:
        gold = [(span, highlight.GOLD) for span in highlight.placed(report.gold.get(flip.id, []))]
        result["pieces"] = highlight.drawn(tokens, 0, [((flip.start, flip.end, flip.label), style)], gold)
    return result


def _of_study(report: StudyReport) -> dict[str, Any]:
    result = report.figures
    return {
        "seeds": study.seeds(result),
        "cells": study.cells(result),
        "by_seed": study.by_seed(result),
        "training": study.training(result),
        "differences": study.differences(result),
        "slopes": [*study.slopes(result.trends), *study.slopes(result.arm_trends)],
    }


# Variables of a template besides the report itself.
_VIEWS: dict[str, Callable[[Any], dict[str, Any]]] = {"run": _of_run, "comparison": _of_comparison, "study": _of_study}


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_harmless,
    )
    environment.filters |= _FILTERS
    environment.tests["starting"] = str.startswith
    environment.globals |= {
        "pieces": highlight.pieces,
        "groups": highlight.groups,
        "halves": highlight.halves,
        "plain_table": table,
        "edited": highlight.edited,
    }
    return environment


def _harmless(value: Any) -> Any:
    """The output of a template is escaped by jinja; this makes invisible characters visible."""
    return formats.visible(value, longest=None) if type(value) is str else value


_FILTERS: dict[str, Callable[..., Any]] = {
    "beginning": highlight.beginning,
    "count": formats.count,
    "decimal": formats.decimal,
    "difference": formats.difference,
    "interval": formats.interval,
    "metric": formats.metric,
    "metric_title": formats.title,
    "p_value": formats.p_value,
    "percent": formats.percent,
    "seconds": formats.seconds,
    "short": formats.visible,
    "spaced": highlight.spaced,
    "surface": highlight.surface,
    "value_of": formats.value,
}
