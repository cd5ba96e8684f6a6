"""``halluc check``: the results as tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from halluc.commands.figure_tables import show_gap
from halluc.commands.terminal import Grid, put_table, say
from halluc.core.messages import Level, hears
from halluc.core.quantities import quantity
from halluc.data.statistics import Count, Words
from halluc.runs.data import DataRecord, Renamed, SplitData
from halluc.task import AnyTask
from halluc.workflows.checking import Checked

if TYPE_CHECKING:
    from halluc.workflows.inspection import Inspection


def show(checked: Checked) -> None:
    """The results as tables, or the number of warnings."""
    if not hears(Level.NORMAL):
        warnings = len(checked.data.warnings) + (len(checked.inspection.warnings) if checked.inspection else 0)
        say(f"{quantity(warnings, 'warnings')}: run without --quiet to see them" if warnings else "no warnings")
        return
    words, plan = checked.task.wording.words, checked.plan
    if len(checked.alike) > 1:
        say(_others([cell.slug for cell in checked.alike[1:]]), style="dim")
    show_data(checked.data, words)
    show_gap(checked.gaps, checked.withheld.sentence() if checked.withheld else None)
    if plan is not None:
        noun = words.examples
        spent = f"made from {plan['parents']:,} {noun}, at most {plan['most']:,} from one"
        say(f"augmentation: {plan['new']:,} new {noun} by {', '.join(plan['methods'])}, {spent}")
    if checked.inspection:
        _show_inspection(checked.inspection, checked.task)


def _others(slugs: Sequence[str | None]) -> str:
    """The label of the other cells that share a check."""
    if len(slugs) == 1:
        return f"and 1 cell with the same data and model, {slugs[0]}"
    return f"and {len(slugs):,} cells with the same data and model, such as {slugs[-1]}"


# With more labels than this, the rarest are only counted.
_MOST_LABELS = 60


def show_data(report: DataRecord, words: Words) -> None:
    # Counts that are 0 in all splits are not shown, nor are documents if every split is one document.
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
    if words.has_labels:
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
    if any(result.mentions for result in report.renamed_labels.values()):
        say(f"labels: {'; '.join(map(_renamed, report.renamed_labels.items()))}")
    for warning in report.warnings:
        say(f"warning: {warning}", style="yellow")
    if not report.warnings:
        say("no warnings", style="green")


def _renamed(item: tuple[str, Renamed]) -> str:
    label, result = item
    what = f"read as {result.label}" if result.label is not None else "removed"
    return f"{label} {what} ({quantity(result.mentions, 'mentions')})"


def _count(split: SplitData, count: Count, words: Words) -> str:
    """A count of a split, with its share of the examples if it counts examples."""
    result = split.counts[count.name]
    return f"{result:,}" + (f" ({result / split.counts[words.examples]:.1%})" if count.is_share else "")


def _show_labels(report: DataRecord, words: Words) -> None:
    """The frequency of each label in each split; with very many labels, the most frequent."""
    labelled = words.labelled if words.labelled != "labels" else words.examples
    table = Grid("label", *report.splits, title=f"{labelled} by label")
    total = sum((Counter(split.labels) for split in report.splits.values()), Counter[str]())
    shown = sorted(total, key=lambda label: (-total[label], label))[:_MOST_LABELS]
    for label in sorted(shown):
        table.add_row(label, *(f"{split.labels.get(label, 0):,}" for split in report.splits.values()))
    put_table(table)
    if len(total) > len(shown):
        say(f"and {len(total) - len(shown)} more labels, none of them more frequent; --json has them all", style="dim")


def _show_inspection(found: Inspection, task: AnyTask) -> None:
    """How the model encodes the data, as text."""
    say()
    say(f"model: {found.parameters:,} parameters, {found.trainable:,} trained, on {found.device} in {found.precision}")
    table = Grid("split", *task.model.columns.values(), title="encoding")
    for split, notes in found.encoding.items():
        table.add_row(split, *(f"{notes[key]:,}" for key in task.model.columns))
    put_table(table)
    batch = found.dry_batch
    say(
        f"largest batch: {batch['examples']} {task.wording.words.examples} by "
        f"{batch['positions']} positions, loss {batch['loss']}, "
        f"{batch['seconds']:.2f} s forward and backward"
    )
    say(f"an epoch: {found.steps_an_epoch:,} steps, {found.padding:.1%} padding")
    if found.usual_learning_rates is None:
        say("learning rate: models from scratch and adapters need a higher one than fine-tuning, such as 1e-3")
    else:
        low, high = found.usual_learning_rates
        say(f"learning rate: {low:g} to {high:g} are usual for an encoder of this size")
    for warning in found.warnings:
        say(f"warning: {warning}", style="yellow")
