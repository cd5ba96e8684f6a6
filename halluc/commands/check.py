"""``halluc check``: is the config sound, is the data, and what should a person know of it before training?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from halluc.commands import experiment
from halluc.commands.terminal import people, put_json, say
from halluc.components import TABLE
from halluc.config import loading
from halluc.core.errors import HallucError
from halluc.data.checks import CheckReport, check_corpora
from halluc.data.corpora import read_corpora
from halluc.engine.references import resolve_model


def run(path: Path, overrides: Sequence[str], *, deep: bool, as_json: bool) -> None:
    loaded = loading.load(path, overrides, table=TABLE)
    experiment.choose_by(loaded)
    corpora = read_corpora(loaded.experiment.data, TABLE)
    report = check_corpora(corpora)
    report.warnings.extend(_absent_model(loaded.experiment.model.name))
    if not as_json:
        show(report)
    probed = None
    if deep:
        from halluc.commands import probe

        probed = probe.probe(loaded, corpora)
    if as_json:
        put_json({**report.as_json(), "model": probed.as_json()} if probed else report.as_json())
    elif probed:
        probe.show(probed)


def _absent_model(reference: str) -> list[str]:
    """A model that is not here is no fault of config or data, but train would stop at it."""
    try:
        resolve_model(reference)
    except HallucError as error:
        return [error.message + (f" ({error.help})" if error.help else "")]
    return []


def show(report: CheckReport) -> None:
    """The report as tables for people."""
    counts = Table(title="splits", title_justify="left", box=None, pad_edge=False)
    for heading in ("split", "sentences", "tokens", "mentions", "without", "documents", "mean", "median", "p90", "p99"):
        counts.add_column(heading, justify="left" if heading == "split" else "right")
    counts.add_column("longest", justify="right")
    for name, split in report.splits.items():
        free = f"{split.entity_free} ({split.entity_free / split.sentences:.1%})"
        whole = [split.sentences, split.tokens, split.mentions]
        shape = [f"{split.lengths[key]:g}" for key in ("mean", "median", "p90", "p99", "longest")]
        counts.add_row(name, *(f"{number:,}" for number in whole), free, f"{split.documents:,}", *shape)
    people.print(counts)
    say("without: sentences without any mention; mean to longest: tokens a sentence", style="dim")
    say()
    labels = Table(title="mentions by label", title_justify="left", box=None, pad_edge=False)
    labels.add_column("label")
    for name in report.splits:
        labels.add_column(name, justify="right")
    for label in sorted({label for split in report.splits.values() for label in split.labels}):
        labels.add_row(label, *(f"{split.labels.get(label, 0):,}" for split in report.splits.values()))
    people.print(labels)
    say()
    scheme = f"{report.scheme.upper()} ({report.scheme_note})" if report.scheme else "none: the files give spans"
    say(f"scheme: {scheme}")
    for warning in report.warnings:
        say(f"warning: {warning}", style="yellow")
    if not report.warnings:
        say("nothing odd found", style="green")
