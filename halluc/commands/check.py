"""``halluc check``: is the config sound, is the data, and what should a person know of it before training?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from halluc.commands import augmenting, cells, experiment, gap_table, gapping
from halluc.commands.choosing import Selection, choose
from halluc.commands.terminal import Talk, people, put_json, say
from halluc.components import TABLE
from halluc.config.loading import LoadedConfig, sha256_of_tree
from halluc.config.matrix import Cell, load_study
from halluc.config.schema import ModelConfig
from halluc.core.errors import HallucError
from halluc.data.checks import TEXTS, CheckReport, check_corpora
from halluc.data.corpora import read_corpora
from halluc.engine.references import resolve_model


def run(path: Path, overrides: Sequence[str], *, only: Sequence[str] = (), deep: bool, as_json: bool) -> None:
    study = load_study(path, overrides, table=TABLE)
    chosen = choose(study, Selection(tuple(only)))
    for cell in chosen:
        experiment.choose_by(cell.loaded)
    alike: dict[str, list[Cell]] = {}
    for cell in chosen:
        alike.setdefault(_looked_at(cell.loaded, deep), []).append(cell)
    cells.each(
        [like[0] for like in alike.values()],
        lambda cell: _one(cell, alike[_looked_at(cell.loaded, deep)], deep=deep, as_json=as_json),
        done=lambda cell: False,
        talk=Talk.JSON if as_json else Talk.NORMAL,
    )


def _looked_at(loaded: LoadedConfig, deep: bool) -> str:
    """Hash of what a check looks at: cells that differ elsewhere, as in their seed, are checked once."""
    parts = {
        section: loaded.tree[section]
        for section in ("task", "data", "gap", "augment", *(("model", "train") if deep else ()))
    }
    return sha256_of_tree({**parts, "encoder": [loaded.tree["model"][key] for key in ("name", "scratch")]})


def _one(cell: Cell, alike: Sequence[Cell], *, deep: bool, as_json: bool) -> None:
    """Check one experiment, for all cells that are like it in what is looked at."""
    loaded = cell.loaded
    corpora = read_corpora(loaded.experiment.data, TABLE)
    report = check_corpora(corpora)
    report.warnings.extend(_absent_model(loaded.experiment.model))
    remaining, withheld = gapping.withhold(loaded, corpora)
    gaps = gap_table.gaps(experiment.task_of(loaded), remaining)
    plan = augmenting.planned(loaded)
    if not as_json:
        if len(alike) > 1:
            say(f"and {len(alike) - 1} cells that differ in none of this, such as {alike[-1].slug}", style="dim")
        show(report)
        gap_table.show(gaps, withheld.told() if withheld else None)
        if plan is not None:
            spent = f"made from {plan['parents']:,} sentences, at most {plan['most']:,} of one"
            say(f"augmentation: {plan['new']:,} new sentences by {', '.join(plan['methods'])}, {spent}")
    probed = None
    if deep:
        from halluc.commands import probe

        probed = probe.probe(loaded, remaining)
    if as_json:
        gap = {
            "withheld": withheld.as_record() if withheld else None,
            "splits": {name: gap.as_json() for name, gap in gaps.items()},
        }
        which = {} if cell.slug is None else {"cells": [one.slug for one in alike]}
        found = {"augment": plan, **({"model": probed.as_json()} if probed else {})}
        put_json({**which, **report.as_json(), "gap": gap, **found})
    elif probed:
        probe.show(probed, experiment.task_of(loaded).columns)


def _absent_model(model: ModelConfig) -> list[str]:
    """A model that is not here is no fault of config or data, but train would stop at it."""
    if model.name is None:
        return []
    try:
        resolve_model(model.name)
    except HallucError as error:
        return [error.message + (f" ({error.help})" if error.help else "")]
    return []


# More labels than these, and the rarest are only counted.
_MOST_LABELS = 60


def show(report: CheckReport) -> None:
    """The report as tables for people."""
    words = report.words
    counts = Table(title="splits", title_justify="left", box=None, pad_edge=False)
    whole = (words.examples, "tokens", words.labelled, "without", "documents")
    for heading in ("split", *whole, "mean", "median", "p90", "p99", "longest"):
        counts.add_column(heading, justify="left" if heading == "split" else "right")
    for name, split in report.splits.items():
        free = f"{split.entity_free} ({split.entity_free / split.sentences:.1%})"
        sizes = [split.sentences, split.tokens, split.mentions]
        shape = [f"{split.lengths[key]:g}" for key in ("mean", "median", "p90", "p99", "longest")]
        counts.add_row(name, *(f"{number:,}" for number in sizes), free, f"{split.documents:,}", *shape)
    people.print(counts)
    one, thing = (word.removesuffix("s") for word in (words.examples, words.labelled))
    none = " (out of scope, where it can have but one)" if words is TEXTS else ""
    say(f"without: {words.examples} without any {thing}{none}; mean to longest: tokens a {one}", style="dim")
    say()
    _show_labels(report)
    say()
    if words is not TEXTS:
        scheme = f"{report.scheme.upper()} ({report.scheme_note})" if report.scheme else "none: the files give spans"
        say(f"scheme: {scheme}")
    for warning in report.warnings:
        say(f"warning: {warning}", style="yellow")
    if not report.warnings:
        say("nothing odd found", style="green")


def _show_labels(report: CheckReport) -> None:
    """How often each label stands in each split; of very many, the most frequent."""
    title = "texts by label" if report.words is TEXTS else f"{report.words.labelled} by label"
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    table.add_column("label")
    for name in report.splits:
        table.add_column(name, justify="right")
    total = sum((Counter(split.labels) for split in report.splits.values()), Counter[str]())
    shown = sorted(total, key=lambda label: (-total[label], label))[:_MOST_LABELS]
    for label in sorted(shown):
        table.add_row(label, *(f"{split.labels.get(label, 0):,}" for split in report.splits.values()))
    people.print(table)
    if len(total) > len(shown):
        say(f"and {len(total) - len(shown)} more labels, none of them more frequent; --json has them all", style="dim")
