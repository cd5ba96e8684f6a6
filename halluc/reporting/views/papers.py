"""The tables of a report for a paper, with the protocols of figures as notes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from halluc.core.figures import HALLUCINATION, OMISSION, SUPPORT
from halluc.core.quantities import quantity
from halluc.reporting.views import comparison, evaluation, probes, run, study
from halluc.reporting.views.tables import TableView, table
from halluc.reporting.words import nouns
from halluc.runs.figure_lines import NamedEvaluation
from halluc.runs.reports import AnyReport, ComparisonReport, RunReport, StudyReport
from halluc.runs.studies import ALPHA, LEAST_SEEDS
from halluc.wording import formats

_OUTCOMES = (SUPPORT, "distortion_rate", HALLUCINATION, OMISSION)


def tables(report: AnyReport, evaluated: Sequence[NamedEvaluation]) -> dict[str, TableView]:
    """Each table by a name of letters, digits and hyphens, which is that of its file."""
    match report.kind:
        case "run":
            result = _run_tables(report, evaluated)
        case "comparison":
            result = _comparison_tables(report, evaluated)
        case _:
            result = _study_tables(report, evaluated)
    return {
        name if len(views) == 1 else f"{name}-{number}": view
        for name, views in result.items()
        for number, view in enumerate(views, start=1)
        if view.rows
    }


def _run_tables(report: RunReport, evaluated: Sequence[NamedEvaluation]) -> dict[str, list[TableView]]:
    words = nouns.task_of(report).wording.nouns
    return {
        "figures": [_headlines(report, evaluated)],
        "outcomes": [
            view._replace(notes=[*view.notes, _intervals(report), *_protocols(_OUTCOMES, evaluated)])
            for view in run.outcomes(report, words)
        ],
        "gap": [evaluation.gap_by_label(report.gap, words.counted)],
        "periods": evaluation.period_tables(report.metrics, report.split),
        "thresholds": run.thresholds(report.abstention),
        "classification": run.classification(report, words),
        "probe": [view for one in report.probes for view in probes.tables(one, detailed=True)],
    }


def _headlines(report: RunReport, evaluated: Sequence[NamedEvaluation]) -> TableView:
    """The overall figures, main figures first; protocols and denominators are notes."""
    first = {one.figure.name: one.figure for one in report.headlines}
    overall = {one.name: one for one in report.metrics if not one.by}
    excluded = nouns.task_of(report).figures.excluded
    figures = [one for name, one in {**first, **overall}.items() if name not in excluded and one.value is not None]
    rows = [
        [formats.title(one.name), formats.value(one.name, one.value), formats.interval(one.name, one.interval)]
        for one in figures
    ]
    notes = [_intervals(report), *_protocols([one.name for one in figures], evaluated)]
    return table(f"Figures of {report.name}", ["figure", "value", "95% interval"], rows, notes=notes)


def _intervals(report: RunReport) -> str:
    examples = quantity(report.examples, "examples")
    return f"The split {report.split}, {examples}. One seed: the 95% intervals are over examples."


def _protocols(names: Iterable[str], evaluated: Sequence[NamedEvaluation]) -> list[str]:
    """The denominator and protocol of each figure: figures with the same n and protocol share a sentence."""
    lines: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        results = [one for each in evaluated for one in each.file.metrics if one.name == name and not one.by]
        if results:
            least, most = min(one.n for one in results), max(one.n for one in results)
            n = formats.count(least) if least == most else f"{formats.count(least)} to {formats.count(most)}"
            lines.setdefault(f"{results[0].protocol}, n = {n}", []).append(formats.title(name))
    return [f"{'; '.join(titles)}: {how}." for how, titles in lines.items()]


def _comparison_tables(report: ComparisonReport, evaluated: Sequence[NamedEvaluation]) -> dict[str, list[TableView]]:
    result, training = comparison.with_letters(report), comparison.training_differences(report)
    differences = []
    for letter, other in result:
        view = comparison.differences(letter, other)
        parts = [
            f"a: {report.reference}; {letter}: {other.b}.",
            f"Paired over examples, with 95% intervals; bold: p under {ALPHA} (Holm).",
        ]
        protocols = _protocols((delta.name for delta in other.figures if not delta.by), evaluated)
        differences.append(view._replace(notes=[*view.notes, *parts, *protocols]))
    return {
        "differences": differences,
        "training": [training] if training else [],
        "flips": [comparison.flips(letter, other) for letter, other in result],
    }


def _study_tables(report: StudyReport, evaluated: Sequence[NamedEvaluation]) -> dict[str, list[TableView]]:
    result = report.figures
    names = (one.name for cell in result.cells for one in cell.figures if not one.by)
    text = f"95% intervals; bold: p under {ALPHA} (Holm) and at least {LEAST_SEEDS} seeds."
    compared = {
        "differences": study.differences(result),
        "slopes": [*study.slopes(result.trends), *study.slopes(result.arm_trends)],
    }
    return {
        "means": [study.means(result, _protocols(names, evaluated))],
        **{name: [view._replace(notes=[*view.notes, text]) for view in views] for name, views in compared.items()},
        "training": [study.training_table(result)],
    }
