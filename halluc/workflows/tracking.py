"""Sends figures and reports of a run to experiment trackers (``loggers`` of its config)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from halluc.config.loading import LoadedConfig
from halluc.config.rendering import leaves
from halluc.config.yaml import dotted
from halluc.loggers.trackers import Tracked, Trackers
from halluc.runs.directory import RunDir
from halluc.runs.schema import EvalFile


def trackers(loaded: LoadedConfig, run: RunDir) -> Trackers:
    """The trackers of the config; ``begin`` opens them."""
    record, experiment = run.read(), loaded.experiment
    tags = {
        "config_sha256": record.config_sha256,
        "halluc": record.halluc,
        "run": str(run.path),
        **({"git_commit": str(record.git["commit"])} if record.git and record.git.get("commit") else {}),
    }
    name = f"{experiment.name}/{run.path.name}"
    config = {dotted(path): value for path, value in leaves(loaded.tree)}
    tracked = Tracked(run, name, experiment.name, Path(experiment.runs_dir), config, tags)
    return Trackers(experiment.loggers, tracked)


def track_evaluation(loaded: LoadedConfig, run: RunDir, files: Sequence[EvalFile]) -> None:
    """Send the figures of evaluated splits; with ``upload_text`` their ledgers too."""
    if not loaded.experiment.loggers:
        return
    best = run.read().best or {}
    with trackers(loaded, run) as opened:
        opened.begin()
        for file in files:
            opened.figures(file.split, file.metrics, int(best.get("step") or 0))
            if loaded.experiment.upload_text:
                opened.text(f"ledger/{file.split}.jsonl", run.ledger(file.split))


def track_report(loaded: LoadedConfig, run: RunDir, report: Path | None) -> None:
    """With ``upload_text``, send the report of a run as Markdown."""
    if loaded.experiment.loggers and loaded.experiment.upload_text and report is not None:
        with trackers(loaded, run) as opened:
            opened.begin()
            opened.text("report.md", report)
