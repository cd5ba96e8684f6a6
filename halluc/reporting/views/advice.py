"""The tables of ``halluc advise``: errors, remedies for them, and the results of a study of remedies."""

from __future__ import annotations

from collections.abc import Mapping

from halluc.reporting.views.tables import Cells, TableCell, TableColumn, TableView, difference_cell, first_of, table
from halluc.reporting.words import error_sentences, remedy_sentences
from halluc.runs.advice import Advice, CostRatio, ErrorAnalysis, StudyAdvice
from halluc.runs.studies import ArmDelta
from halluc.task import AnyTask
from halluc.wording import formats

# How many labels are shown: those with the most errors.
MOST_LABELS = 8
_SHARE = "hallucination_rate"


def errors(analysis: ErrorAnalysis, task: AnyTask) -> list[TableView]:
    """Errors by kind and novelty, then by label."""
    novelties = [one.name for one in analysis.novelties]
    kind, nouns = error_sentences.names(task), task.wording.nouns
    by_novelty = [nouns.bucket(name) for name in novelties]
    kinds: list[Cells] = [
        [kind[one.name], formats.count(one.errors), TableCell(formats.percent(one.share), _interval(one.interval)),
         *(formats.count(one.by_novelty.get(name)) for name in novelties)]
        for one in analysis.kinds
    ]  # fmt: skip
    if not kinds:
        return []
    labels: list[Cells] = [
        [formats.visible(one.name), formats.count(one.errors), formats.percent(one.share),
         TableCell(formats.percent(one.rate), _interval(one.rate_interval))]
        for one in analysis.labels[:MOST_LABELS]
    ]  # fmt: skip
    left = len(analysis.labels) - MOST_LABELS
    rates = [TableCell(formats.percent(one.rate), _interval(one.rate_interval)) for one in analysis.novelties]
    totals: list[Cells] = [["share that is an error", "", "", *rates]] if rates else []
    return [
        table(f"{analysis.split}: errors by kind", ["error", "errors", "share", *by_novelty], kinds, totals=totals),
        table(
            f"{analysis.split}: errors by label", ["label", "errors", "share", "of its claims and omissions"], labels,
            notes=[f"{left:,} labels with fewer errors are not shown"] * (left > 0),
        ),
    ]  # fmt: skip


def _interval(result: tuple[float, float] | None) -> str:
    return formats.interval(_SHARE, result)


def remedies(advice: Advice) -> TableView | None:
    """Recommended remedies: how many of the errors they address, their cost, and the reason."""
    rows: list[Cells] = [
        [one.name, formats.NOTHING if one.share is None else formats.percent(one.share),
         f"{one.training:g}×", f"{one.prediction:g}×", f"{one.why} ({one.source})"]
        for one in advice.remedies
    ]  # fmt: skip
    columns = [
        TableColumn("remedy", "name"),
        TableColumn("addresses", title="share of the errors that it addresses"),
        TableColumn("training"),
        TableColumn("prediction"),
        TableColumn("why", "text"),
    ]
    return table("Remedies for these errors", columns, rows) if rows else None


def unfit(advice: Advice) -> list[str]:
    """A line for each reason why remedies are not recommended."""
    reasons: dict[str, list[str]] = {}
    for one in advice.unfit:
        reasons.setdefault(one.why, []).append(one.name)
    return [f"{', '.join(names)}: {why}" for why, names in reasons.items()]


def effects(advice: StudyAdvice) -> TableView:
    """Each arm minus the reference, with its costs."""
    primary = next((one.primary.name for one in advice.effects if one.primary is not None), None)
    is_shown: Mapping[str, bool] = {
        name: any(getattr(one, name) is not None for one in advice.effects) for name in ("matched", "primary", "ece")
    }
    headings = {
        "matched": TableColumn("HR at matched omission", short="HR matched"),
        "primary": TableColumn("" if primary is None else formats.title(primary)),
        "ece": TableColumn("ECE", title="calibration error"),
    }
    shown = [name for name, some in is_shown.items() if some]
    rows: list[Cells] = [
        [formats.visible(one.arm, 60), str(one.seeds), *(_difference(getattr(one, name)) for name in shown),
         _ratio(one.training), _ratio(one.prediction)]
        for one in advice.effects
    ]  # fmt: skip
    columns: list[str | TableColumn] = [
        TableColumn("arm", "name"),
        "seeds",
        *(headings[name] for name in shown),
        "training",
        "evaluation",
    ]
    notes = first_of([f"{slug} is missing: {why}" for slug, why in advice.missing.items()], 5, "{:,} more are missing")
    title = f"{advice.study}: each arm minus “{formats.visible(advice.reference, 60)}” on {advice.split}"
    return table(title, columns, rows, notes=notes)


def _difference(delta: ArmDelta | None) -> TableCell:
    return difference_cell(delta, "" if delta is None or delta.p_holm is None else f"p {formats.p_value(delta.p_holm)}")


def _ratio(ratio: CostRatio) -> TableCell:
    ends = "" if ratio.interval is None else f"[{', '.join(formats.decimal(end, 2) for end in ratio.interval)}]"
    return TableCell(remedy_sentences.times(ratio), ends)
