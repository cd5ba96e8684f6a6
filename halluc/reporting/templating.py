"""The environment of all templates: strict, with the modules of ``views`` as ``views.run``, ``views.study``, …"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from halluc.reporting.views import comparison, evaluation, probes, run, study, suspects, tune
from halluc.wording import formats

TEMPLATES = Path(__file__).parent / "templates"
_MODULES = (comparison, evaluation, probes, run, study, suspects, tune)
_VIEWS: dict[str, ModuleType] = {module.__name__.rpartition(".")[2]: module for module in _MODULES}
_FILTERS: dict[str, Callable[..., Any]] = {
    "count": formats.count,
    "metric_title": formats.title,
    "seconds": formats.seconds,
}


def environment(
    finalize: Callable[..., Any],
    filters: Mapping[str, Callable[..., Any]],
    names: Mapping[str, object],
    *,
    is_html: bool,
) -> Environment:
    """An environment that passes every printed value through ``finalize``; ``names`` are its variables."""
    result = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=is_html,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=finalize,
    )
    result.filters |= {**_FILTERS, **filters}
    result.globals |= {"views": _VIEWS, **names}
    return result
