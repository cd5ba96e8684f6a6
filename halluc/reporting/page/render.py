"""The page: one HTML file that needs nothing else, and from which nothing is asked of any network."""

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
from halluc.reporting.page import comparison_views, highlight, run_views, study_views
from halluc.reporting.words import nouns
from halluc.runs.reports import AnyReport
from halluc.wording import formats

TEMPLATES = Path(__file__).parent.parent / "templates"

# Nothing may be fetched, framed or submitted; matplotlib's SVG carries inline styles.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src '{script}'; base-uri 'none'; form-action 'none'"


# What a template needs beside the report itself.
_VIEWS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "run": run_views.view,
    "comparison": comparison_views.view,
    "study": study_views.view,
}


def page(report: AnyReport, charts: Sequence[Chart]) -> str:
    """A report as HTML; its template places ``charts`` by their ids."""
    style, script = (_asset(name) for name in ("page.css", "page.js"))
    task = nouns.task_of(report)
    return (
        _environment()
        .get_template(f"{report.kind}.html.j2")
        .render(
            report=report,
            nouns=task.wording.nouns,
            distorts=bool(task.judge.reasons),
            charts={chart.id: chart for chart in charts},
            style=Markup(style),
            script=Markup(script),
            policy=_POLICY.format(script=_hash_of(script)),
            version=__version__,
            **_VIEWS[report.kind](report),
        )
    )


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_harmless,
    )
    made.filters |= _FILTERS
    made.tests["starting"] = str.startswith
    made.globals |= {"pieces": highlight.pieces, "groups": highlight.groups, "halves": highlight.halves}
    return made


def _harmless(value: Any) -> Any:
    """What a template prints is escaped by jinja; here what is invisible in it is made visible, wherever it stands."""
    return formats.visible(value, longest=None) if type(value) is str else value


def _svg(chart: Chart) -> Markup:
    """Trusted: its text was escaped when it was drawn."""
    return Markup(chart.svg)


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
    "svg": _svg,
    "value_of": formats.value,
}


def _asset(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def _hash_of(script: str) -> str:
    """As a Content-Security-Policy names a script that it lets run."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
