"""Evaluations, comparisons and studies as tables on the terminal."""

from __future__ import annotations

from collections.abc import Mapping

from halluc.commands.terminal import put_view, say
from halluc.core.characters import printable_cell
from halluc.core.figures import shown
from halluc.gap.forecast import SplitGap
from halluc.reporting.views import comparison, evaluation, study
from halluc.runs.reports import ComparisonReport
from halluc.runs.schema import EvalFile
from halluc.runs.studies import ALPHA, LEAST_SEEDS, Comparison, StudyFigures

MOST_FLIPS_SHOWN = 12


def show_evaluation(file: EvalFile) -> None:
    """Figures by label, then those of the whole split."""
    for table in evaluation.tables(file):
        put_view(table)


def show_gap(gaps: Mapping[str, SplitGap], note: str | None) -> None:
    """The gap of each split, after the ``note`` on what was withheld, if any."""
    if note:
        say()
        say(note)
    if gaps:
        say()
        put_view(evaluation.gap_by_split(gaps))


def show_study(figures: StudyFigures) -> None:
    """A line for each cell and each arm, then the slopes of the figures that are named in sentences."""
    say(f"{figures.name}, {figures.split}, {figures.examples:,} examples, {study.extent(figures)}")
    say()
    for table in study.cells(figures)[:1]:
        put_view(table, brief=True)
    for number, table in enumerate(study.differences(figures)):
        put_view(table, brief=True, legend=not number)
    named = {column.row.name: column.heading for column in shown("slopes")}
    for table in (*study.slopes(figures.trends, named), *study.slopes(figures.arm_trends, named)):
        put_view(table, brief=True)
    if figures.comparisons or figures.trends:
        say(f"*: p < {ALPHA} (Holm-adjusted for the arms of the table) and at least {LEAST_SEEDS} seeds", "dim")
    say("the report also has intervals, all figures by seed, the training of the cells, and all slopes", "dim")


def show_comparison(report: ComparisonReport, *, is_placed: bool) -> None:
    """Each run compared with the first; ``is_placed``: whether claims have positions in a text."""
    say(f"a: {report.reference}")
    for letter, other in comparison.with_letters(report):
        say(f"{letter}: {other.b}")
        keys = ", ".join(comparison.keys(other.config_differences)) or "nothing"
        say(f"   its config differs from that of a in: {keys}")
    say()
    training = comparison.training_differences(report)
    if training is not None:
        put_view(training)
    for letter, other in comparison.with_letters(report):
        put_view(comparison.differences(letter, other))
        put_view(comparison.flips(letter, other))
        _show_flips(other, is_placed)
    say(f"*: p (Holm) under {ALPHA}; rates differ in percentage points", "dim")


def _show_flips(compared: Comparison, is_placed: bool) -> None:
    worst = [flip for flip in compared.flipped if "unsupported" in (flip.a, flip.b)]
    for flip in worst[:MOST_FLIPS_SHOWN]:
        place = f" [{flip.start}, {flip.end})" if is_placed and flip.start is not None else ""
        identity, text, label = map(printable_cell, (flip.id, flip.text, flip.label))
        say(f'{identity}{place} "{text}" {label}: {flip.a} -> {flip.b}')
    if len(worst) > MOST_FLIPS_SHOWN:
        say(f"… and {len(worst) - MOST_FLIPS_SHOWN:,} more with a hallucination on one side (see --json)")
    if worst:
        say()
