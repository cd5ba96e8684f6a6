"""The tables of a probe with facts: figures of each model by whether training mentions the names, and by relation."""

from __future__ import annotations

from collections.abc import Iterator

from halluc.core.figures import shown
from halluc.reporting.views.tables import TableCell, TableView, difference_cell, table, value_cell
from halluc.runs.probes import ProbeFile
from halluc.wording import formats
from halluc.wording.nouns import FigureLookup

# The slices besides all, and their names below the name of a figure.
_SLICES = (
    ({"subject": "seen"}, "  subject in training"),
    ({"subject": "new"}, "  subject new"),
    ({"average": "macro"}, "  mean of relations"),
    ({"average": "macro", "subject": "seen"}, "    subject in training"),
    ({"average": "macro", "subject": "new"}, "    subject new"),
)

# The same for one relation.
_OF_RELATION: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("  subject in training", "", {"subject": "seen"}),
    ("  subject new", "", {"subject": "new"}),
)


def tables(file: ProbeFile, *, detailed: bool = False) -> list[TableView]:
    """By figure, and by relation; ``detailed``: with intervals, and by training mentions, in each relation."""
    models = [FigureLookup(model.metrics) for model in file.models]
    return [_figure_table(file, models), _relation_table(file, models, detailed)]


def _figure_table(file: ProbeFile, models: list[FigureLookup]) -> TableView:
    deltas = {(one.name, frozenset(one.by.items())): one for one in file.differences}
    rows = []
    for name, heading, by in _rows():
        results = [model.get(name, **by) for model in models]
        if not any(results):
            continue
        count = formats.count(results[0].n if results[0] is not None else None)
        cells: list[str | TableCell] = [heading, count, *map(value_cell, results)]
        if file.differences:
            delta = deltas.get((name, frozenset(by.items())))
            cells.append(difference_cell(delta, unit=True))
        rows.append(cells)
    names = [f"{model.name} ({model.kind})" for model in file.models]
    asserted = f"asserted: with a confidence of at least {file.threshold:g} among the objects of the relation"
    wrong = "asserted and wrong: share of the assertions that are not in the facts"
    headings = ["figure", "n", *names, *(["difference"] if file.differences else [])]
    return table(f"{file.name}: facts probed", headings, rows, notes=[asserted, wrong])


def _rows() -> Iterator[tuple[str, str, dict[str, str]]]:
    for column in shown("probe"):
        yield column.row.name, column.heading, {}
        for by, heading in _SLICES:
            yield column.row.name, heading, dict(by)


def _relation_table(file: ProbeFile, models: list[FigureLookup], detailed: bool) -> TableView:
    columns = [column for column in shown("probe") if column.row.family == "probe" and column.row.short]
    headings = [f"{column.row.short}, {model.name}" for model in file.models for column in columns]
    rows: list[list[str | TableCell]] = []
    for relation, facts in file.relations.items():
        for heading, count, by in ((relation, formats.count(facts), {}), *(_OF_RELATION if detailed else ())):
            results = [model.get(column.row.name, relation=relation, **by) for model in models for column in columns]
            if by and not any(results):
                continue
            cells = [value_cell(one) if detailed else value_cell(one)._replace(under="") for one in results]
            rows.append([heading, count, *cells])
    return table(f"{file.name}: by relation", ["relation", "facts", *headings], rows)
