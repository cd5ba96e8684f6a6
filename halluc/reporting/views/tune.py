"""The tables of a tuning: the best trials compared with the base config, importances, and every trial."""

from __future__ import annotations

from halluc.reporting.views.tables import Cells, TableCell, TableView, difference_cell, table
from halluc.reporting.words.tune_sentences import values
from halluc.runs.tuning import TuneFile, TuneTrial
from halluc.wording import formats


def differences(tuning: TuneFile) -> TableView | None:
    """Figures of the best trials minus those of trial 0."""
    rows: list[Cells] = []
    for one in tuning.best:
        for delta in one.differences:
            change = difference_cell(delta, unit=True)
            numbers = [formats.value(delta.name, number) for number in (delta.a, delta.b)]
            rows.append(
                [f"trial {one.number}", formats.title(delta.name), change, formats.p_value(delta.p_holm), *numbers]
            )
    columns = ["trial", "figure", "difference", "p (Holm)", "trial 0", "the trial"]
    title = f"Best trials minus trial 0, {formats.count(tuning.examples)} examples of dev"
    return table(title, columns, rows, "nnf") if rows else None


def importances(tuning: TuneFile) -> TableView | None:
    """The importance of each key for being among the best trials."""
    names = list(dict.fromkeys(name for one in tuning.importances.values() for name in one))
    rows: list[Cells] = [
        [TableCell(name, form="code"), *(formats.percent(one.get(name)) for one in tuning.importances.values())]
        for name in names
    ]
    columns = ["key", *(formats.title(metric) for metric in tuning.importances)]
    note = (
        "PED-ANOVA: how much the values of the best tenth of the trials differ from those of all trials; the shares "
        "sum to 1."
    )
    return table("Importance of each key", columns, rows, notes=[note]) if rows else None


def trials(tuning: TuneFile) -> TableView:
    """Every trial in order, with its values and figures on dev."""
    best = {one.number for one in tuning.best}
    columns = [
        "trial",
        "values",
        *map(formats.title, tuning.metrics),
        *(f"{formats.title(name)} (bounded)" for name in tuning.constraints if name not in tuning.metrics),
        "state",
        "seconds",
    ]
    rows: list[Cells] = []
    for one in tuning.trials:
        figures = [
            TableCell(formats.value(name, number), bold=one.number in best)
            for name, number in zip(tuning.metrics, one.values or (), strict=False)
        ]
        figures += [TableCell(formats.NOTHING)] * (len(tuning.metrics) - len(figures))
        bounded = [
            formats.value(name, one.constraints.get(name)) for name in tuning.constraints if name not in tuning.metrics
        ]
        rows.append(
            [str(one.number), values(one.params), *figures, *bounded, state(one, best), formats.seconds(one.seconds)]
        )
    return table("Every trial", columns, rows, "nt" + "f" * (len(columns) - 4) + "tf")


def state(one: TuneTrial, best: set[int]) -> str:
    """The result of a trial, in a few words."""
    if one.state == "failed":
        return f"failed: {one.error}"
    if one.state == "pruned":
        return f"pruned after {one.evaluations} evaluations"
    marks = ["best" if one.number in best else "", "" if one.feasible else "violates a constraint"]
    marks += [f"same as trial {one.same_as}" if one.same_as is not None else ""]
    return ", ".join(filter(None, marks)) or one.state
