"""Finds the run whose config is most similar to a config without a run, and the keys that differ."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from halluc.config import loading, rendering, yaml
from halluc.runs import directory
from halluc.workflows import continuation

MOST_KEYS = 5
_WIDEST = 60
# Keys that are missing in runs of earlier versions.
_VERSION = "data.tokenizer_version"
_ABSENT = object()


def description(loaded: loading.LoadedConfig, suits: Callable[[directory.RunDir], bool]) -> str:
    """The addition to the error "no run of this config": the most similar run, with each differing value.

    Empty if no other run of the name can be read. Of runs with equally many differences, the newest counts.

    Args:
        suits: whether a run could be used if its config were the same.
    """
    runs = directory.newest_first(loaded.home)
    results = [(differing, run) for run, _ in runs if suits(run) and (differing := _differences(run, loaded))]
    if not results:
        return ""
    differing, run = min(results, key=lambda one: len(one[0]))
    shown = [f"`{key}` ({in_run} there, {in_config} here)" for key, in_run, in_config in differing[:MOST_KEYS]]
    more = len(differing) - MOST_KEYS
    text = f"; the nearest, {run.path}, differs in {', '.join(shown)}" + (f" and {more} more" if more > 0 else "")
    if [key for key, *_ in differing] == [_VERSION]:
        text += f"; `--set {_VERSION}=1` splits texts as that run did"
    return text


def _differences(run: directory.RunDir, loaded: loading.LoadedConfig) -> list[tuple[str, str, str]]:
    """Key, value in the run and value in the config, for every differing key that decides the model."""
    stored = continuation.stored_config(run)
    if stored is None:
        return []  # of another version, or damaged: not the run searched for
    of_run, of_config = (dict(rendering.leaves(one.model_sections)) for one in (stored, loaded))
    keys = [key for key in of_run | of_config if of_run.get(key, _ABSENT) != of_config.get(key, _ABSENT)]
    return [(yaml.dotted(key), _text(of_run.get(key, _ABSENT)), _text(of_config.get(key, _ABSENT))) for key in keys]


def _text(value: Any) -> str:
    if value is _ABSENT:
        return "not set"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…"
