"""Reports of studies and of compared runs: their figures, their interpretation, and what is missing."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from halluc.core.errors import HallucError
from halluc.reporting.collect import claim_selection, reproducing
from halluc.reporting.collect.integrity import cell_problems
from halluc.reporting.words import nouns
from halluc.reporting.words.difference_sentences import comparison_sentences, study_sentences
from halluc.runs import evaluations, matrix
from halluc.runs.directory import RunDir
from halluc.runs.reports import ComparisonReport, StudyReport
from halluc.runs.studies import ArmComparison, CellFigures, Comparison, Flip, Plain, StudyFigures
from halluc.task import evaluated

# Maximum number of flipped claims of one run that are shown in their texts.
MOST_FLIPS = 200
# Maximum number of missing cells that are named for each reason.
MOST_MISSING = 3


def study_report(name: str, home: Path, figures: StudyFigures, reproduce: Sequence[str]) -> StudyReport:
    """A study as a report.

    Args:
        home: the folder of the study, with ``matrix.json`` and its cells.
        reproduce: the commands that make the report again.
    """
    runs = [RunDir(Path(run)) for cell in figures.cells for run in cell.runs]
    task = next(filter(None, map(evaluations.task_of, runs)), None)
    figures = _drop_excluded(figures, nouns.task(task).figures.excluded)
    return StudyReport(
        name=name,
        task=task,
        split=figures.split,
        figures=figures,
        axes=_axes(home, figures),
        single_seed=all(len(cell.runs) == 1 for cell in figures.cells),
        conclusion=study_sentences(figures),
        integrity=[
            text
            for run in [*runs, *(RunDir(home / slug) for slug in figures.missing)]
            for text in cell_problems(run, [figures.split, "dev"])
        ],
        notes=[*_missing_notes(figures.missing), *_unfinished_commands(runs)],
        reproduce=[*reproducing.study_commands(runs), *reproduce],
    )


def _missing_notes(cells: Mapping[str, str]) -> Iterator[str]:
    """A note on the missing cells, given by slug, of each reason; it names at most ``MOST_MISSING`` of them."""
    for why in dict.fromkeys(cells.values()):
        slugs = [slug for slug, reason in cells.items() if reason == why]
        more = f" and {len(slugs) - MOST_MISSING:,} more" if len(slugs) > MOST_MISSING else ""
        yield f"{'; '.join(slugs[:MOST_MISSING])}{more} {'is' if len(slugs) == 1 else 'are'} missing: {why}."


def comparison_report(
    runs: Sequence[RunDir], others: Sequence[Comparison], reproduce: Sequence[str]
) -> ComparisonReport:
    """A comparison of runs with the first one as a report.

    Args:
        runs: the first, then those of ``others``, in their order.
        reproduce: the commands that make the report again.

    Raises:
        HallucError R112: the first run's predictions are damaged.
    """
    name = next(filter(None, map(evaluations.task_of, runs)), None)
    task = nouns.task(name)
    others = [_drop_excluded(other, task.figures.excluded) for other in others]
    first = others[0]
    ids = {flip.id for other in others for flip in shown_flips(other)}
    line = evaluated(evaluations.read(runs[0], first.split)).examples.Line
    # Runs that write their own texts have no text in common.
    lines = [] if line.has_own_text else evaluations.predictions(runs[0], first.split, line)
    examples = [one for one in lines if one.id in ids]
    borders = {one.id: task.examples.border(one) for one in examples}
    return ComparisonReport(
        task=name,
        split=first.split,
        examples=first.examples,
        reference=first.a,
        others=list(others),
        conclusion=comparison_sentences(others),
        integrity=[text for run in runs for text in cell_problems(run, [first.split])],
        notes=[*_unfinished_commands(runs), *_external(runs, first.split)],
        texts={example.id: example.tokens for example in examples},
        gold={example.id: claim_selection.marks(task, example) for example in examples},
        seconds={identity: border for identity, border in borders.items() if border is not None},
        marked={one.id: list(ranges) for one in examples if (ranges := task.examples.ranges(one))},
        reproduce=[*reproducing.comparison_commands(runs), *reproduce],
    )


def shown_flips(comparison: Comparison) -> list[Flip]:
    """The flipped claims to show: those with a hallucination on one side first."""
    return sorted(comparison.flipped, key=lambda flip: "unsupported" not in (flip.a, flip.b))[:MOST_FLIPS]


F = TypeVar("F", StudyFigures, Comparison, CellFigures, ArmComparison)


def _drop_excluded(result: F, excluded: Collection[str]) -> F:
    """The same without figures that are meaningless in this task."""
    changes: dict[str, Any] = {}
    for part in ("figures", "trends", "arm_trends"):
        changes[part] = [one for one in getattr(result, part, ()) if one.name not in excluded]
    for part in ("cells", "comparisons"):
        changes[part] = [_drop_excluded(one, excluded) for one in getattr(result, part, ())]
    return result.model_copy(update={part: kept for part, kept in changes.items() if hasattr(result, part)})


def _axes(home: Path, figures: StudyFigures) -> dict[str, list[Plain]]:
    """The axes with all their values; if ``matrix.json`` is missing or damaged, the values of the existing cells."""
    try:
        known = matrix.read(home)
    except HallucError:
        known = None
    if known is not None:
        return {axis: list(values) for axis, values in known.axes.items()}
    axes = dict.fromkeys(axis for cell in figures.cells for axis in cell.choice)
    return {
        axis: list(dict.fromkeys(cell.choice[axis] for cell in figures.cells if axis in cell.choice)) for axis in axes
    }


_STOPPED = {"failed": "failed", "interrupted": "was interrupted", "running": "has not ended"}


def _external(runs: Sequence[RunDir], split: str) -> Iterator[str]:
    """Runs that evaluate predictions of another tool, and what these lack."""
    for run in runs:
        try:
            judged, metrics = run.read().predictions, evaluations.read(run, split).metrics
        except HallucError:
            continue  # reported when its figures are needed
        if judged is not None:
            lacks = all(metric.name != "ece" for metric in metrics)
            left_out = "; they have no confidence, so figures of confidence are not compared" if lacks else ""
            yield f"{run.path.name}: predictions of {judged.name}, not of a model of halluc{left_out}."


def _unfinished_commands(runs: Sequence[RunDir]) -> list[str]:
    """Runs in which a command did not finish: their figures may be from an earlier one."""
    results = []
    for run in runs:
        try:
            stages = run.read().stages
        except HallucError:
            continue  # reported when its figures are needed
        stopped = {command: _STOPPED[stage.status] for command, stage in stages.items() if stage.status in _STOPPED}
        results += [f"{run.path.name}: `{command}` {how}." for command, how in stopped.items()]
    return results
