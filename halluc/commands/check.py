"""``halluc check``: is the config sound, is the data, and what should a person know of it before training?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from halluc.analysis import gates
from halluc.commands import gap_table, progress
from halluc.commands.terminal import Grid, Talk, put_json, put_table, say
from halluc.components import TABLE
from halluc.config.hashing import sha256_of_tree
from halluc.config.loading import LoadedConfig
from halluc.config.matrix import Cell, load_study
from halluc.config.schema import ModelConfig
from halluc.core.errors import HallucError, ManyErrors, refuse
from halluc.data.checks import check_corpora
from halluc.data.corpora import Corpora, read_corpora
from halluc.data.statistics import Count, Words, counted
from halluc.engine.references import resolve_model
from halluc.runs.data import DataRecord, Renamed, SplitData
from halluc.workflows import augmentation, augmentation_checks, cells, experiment, withholding
from halluc.workflows.cell_selection import Selection, choose


def run(path: Path, overrides: Sequence[str], *, only: Sequence[str] = (), deep: bool, talk: Talk) -> None:
    study = load_study(path, overrides, table=TABLE)
    chosen = choose(study, Selection(tuple(only)))
    for cell in chosen:
        experiment.choose_by(cell.loaded)
        gates.refuse_invalid(cell.loaded)
    alike: dict[str, list[Cell]] = {}
    for cell in chosen:
        alike.setdefault(_looked_at(cell.loaded, deep), []).append(cell)
    cells.each(
        [like[0] for like in alike.values()],
        lambda cell: _one(cell, alike[_looked_at(cell.loaded, deep)], deep=deep, talk=talk),
        done=lambda cell: False,
        talk=talk,
    )


def _looked_at(loaded: LoadedConfig, deep: bool) -> str:
    """Hash of what a check looks at: cells that differ elsewhere, as in their seed, are checked once."""
    parts = {
        section: loaded.tree[section]
        for section in ("task", "data", "gap", "augment", *(("model", "train") if deep else ()))
    }
    return sha256_of_tree({**parts, "encoder": [loaded.tree["model"][key] for key in ("name", "scratch")]})


def _one(cell: Cell, alike: Sequence[Cell], *, deep: bool, talk: Talk) -> None:
    """Check one experiment, for all cells that are like it in what is looked at."""
    loaded = cell.loaded
    task = experiment.task_of(loaded)
    augmentation_checks.refuse_unfit(loaded, task)
    with progress.reading(loaded.experiment.data, talk):
        corpora = read_corpora(loaded.experiment.data, TABLE)
    _refuse_labels(task, corpora)
    if "train" in corpora.splits:
        experiment.refuse_unknown_classes(loaded, task, corpora.splits["train"])
    with progress.bar(f"{task.wording.words.examples} counted", talk, logged=False) as tick:
        report = check_corpora(corpora, task.wording.words, tick, loaded.experiment.data)
    bare = sum(not example.labels for corpus in corpora.splits.values() for example in corpus)
    labels = {name: split.labels for name, split in report.splits.items()}
    report.warnings.extend(loaded.experiment.data.unmet(labels, bare))
    report.warnings.extend(_absent_model(loaded.experiment.model))
    remaining, withheld = withholding.withhold(loaded, corpora)
    if "train" in remaining.splits:
        experiment.refuse_bare(task, remaining.splits["train"])
    gaps = gap_table.gaps(task, remaining)
    plan = augmentation.planned(loaded)
    if talk is Talk.NORMAL:
        if len(alike) > 1:
            say(_others([one.slug for one in alike[1:]]), style="dim")
        show(report, task.wording.words)
        gap_table.show(gaps, withheld.told() if withheld else None)
        if plan is not None:
            noun = task.wording.words.examples
            spent = f"made from {plan['parents']:,} {noun}, at most {plan['most']:,} of one"
            say(f"augmentation: {plan['new']:,} new {noun} by {', '.join(plan['methods'])}, {spent}")
    probed = None
    if deep:
        from halluc.workflows import probe

        probed = probe.probe(loaded, remaining)
    if talk is Talk.JSON:
        gap = {
            "withheld": withheld.as_record() if withheld else None,
            "splits": {name: gap.as_json() for name, gap in gaps.items()},
        }
        which = {} if cell.slug is None else {"cells": [one.slug for one in alike]}
        found = {"augment": plan, **({"model": probed.as_json()} if probed else {})}
        put_json({**which, **report.model_dump(mode="json", exclude={"encoding"}), "gap": gap, **found})
    elif talk is Talk.QUIET:
        warnings = len(report.warnings) + (len(probed.warnings) if probed else 0)
        say(f"{counted(warnings, 'warnings')}: see them without --quiet" if warnings else "nothing odd found")
    elif probed:
        probe.show(probed, task)


def _others(slugs: Sequence[str | None]) -> str:
    """What is said of the other cells that one check is for."""
    if len(slugs) == 1:
        return f"and 1 cell that differs in none of this, {slugs[0]}"
    return f"and {len(slugs):,} cells that differ in none of this, such as {slugs[-1]}"


def _refuse_labels(task: Any, corpora: Corpora) -> None:
    """What training, or evaluating, would refuse later.

    Raises:
        HallucError or ManyErrors: labels that the task cannot have, of all splits at once.
    """
    found: list[HallucError] = []
    for corpus in corpora.splits.values():
        try:
            task.examples.labels(corpus)
        except ManyErrors as errors:
            found += errors.errors
        except HallucError as error:
            found.append(error)
    refuse(found)


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


def show(report: DataRecord, words: Words) -> None:
    """The report as tables for people."""
    # A count that is 0 everywhere, as that of pairs, tells nothing; nor do documents where a split is one.
    counts = [count for count in words.counts if any(split.counts[count.name] for split in report.splits.values())]
    documents = ["documents"] if any(split.documents > 1 for split in report.splits.values()) else []
    shape = ("mean", "median", "p90", "p99", "longest")
    names = (count.name.replace("_", " ") for count in counts)
    table = Grid("split", *names, *documents, *shape, title="splits")
    for name, split in report.splits.items():
        many = [f"{split.documents:,}" for _ in documents]
        lengths = [f"{split.lengths[key]:g}" for key in shape]
        table.add_row(name, *(_count(split, count, words) for count in counts), *many, *lengths)
    put_table(table)
    legend = [f"{count.name.replace('_', ' ')}: {count.legend}" for count in counts if count.legend]
    say("; ".join([*legend, f"mean to longest: {words.tokens} a {words.examples.removesuffix('s')}"]), style="dim")
    say()
    _show_labels(report, words)
    say()
    mappings = [(name, mapping) for name, mapping in report.mappings.items() if mapping]
    if len({mapping for _, mapping in mappings}) == 1:
        say(f"read: {mappings[0][1]}")
    else:
        for name, mapping in mappings:
            say(f"read of {name}: {mapping}")
    if report.scheme:
        say(f"scheme: {report.scheme.upper()} ({report.scheme_note})")
    elif report.schemes:
        say(f"schemes: {report.scheme_note}")
    if any(found.mentions for found in report.renamed_labels.values()):
        say(f"labels: {'; '.join(map(_renamed, report.renamed_labels.items()))}")
    for warning in report.warnings:
        say(f"warning: {warning}", style="yellow")
    if not report.warnings:
        say("nothing odd found", style="green")


def _renamed(item: tuple[str, Renamed]) -> str:
    label, found = item
    what = f"read as {found.label}" if found.label is not None else "left out"
    return f"{label} {what} ({counted(found.mentions, 'mentions')})"


def _count(split: SplitData, count: Count, words: Words) -> str:
    """A count of a split, beside it its share of the examples where it is one."""
    found = split.counts[count.name]
    return f"{found:,}" + (f" ({found / split.counts[words.examples]:.1%})" if count.is_share else "")


def _show_labels(report: DataRecord, words: Words) -> None:
    """How often each label stands in each split; of very many, the most frequent."""
    labelled = words.labelled if words.labelled != "labels" else words.examples
    table = Grid("label", *report.splits, title=f"{labelled} by label")
    total = sum((Counter(split.labels) for split in report.splits.values()), Counter[str]())
    shown = sorted(total, key=lambda label: (-total[label], label))[:_MOST_LABELS]
    for label in sorted(shown):
        table.add_row(label, *(f"{split.labels.get(label, 0):,}" for split in report.splits.values()))
    put_table(table)
    if len(total) > len(shown):
        say(f"and {len(total) - len(shown)} more labels, none of them more frequent; --json has them all", style="dim")
