"""Classification reports of labels: a row per label, the averages, and the confusion of labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from halluc.core.characters import printable_cell
from halluc.core.figures import Report
from halluc.core.labels import OUT_OF_SCOPE
from halluc.tasks import label_counts
from halluc.tasks.label_counts import LabelCounts

# A larger confusion matrix is unreadable; the most frequent confusions are listed instead.
LARGEST_MATRIX = 60
COMMONEST = 40

Row = dict[str, Any]
_SCORES = ("precision", "recall", "f1-score")


def row(hits: float, predicted: float, gold: float) -> Row:
    """A row as in scikit-learn, from plain counts; 0 if undefined."""
    return _row(label_counts.scores_of(hits, predicted, gold), int(gold))


def _row(scores: Mapping[str, float], support: int) -> Row:
    return {
        "precision": scores["precision"],
        "recall": scores["recall"],
        "f1-score": scores["f1"],
        "support": support,
    }


def by_label(counts: LabelCounts) -> dict[str, Row]:
    """The row of each label."""
    three = (pairs.count(len(counts.labels)).tolist() for pairs in counts.all_pairs)
    return {label: row(*numbers) for label, *numbers in zip(counts.labels, *three, strict=True)}


def averages(counts: LabelCounts) -> dict[str, Row]:
    """The rows ``micro avg``, ``macro avg`` and ``weighted avg``; their support is all gold labels."""
    support = len(counts.gold.text)
    return {f"{average} avg": _row(scores, support) for average, scores in label_counts.averages_of(counts).items()}


def confusion(gold: Sequence[str | None], predicted: Sequence[str | None]) -> dict[str, Any]:
    """``confusion``: a matrix of gold by predicted class, where None means out of scope.

    For more than 60 classes ``confusions`` instead: the 40 most frequent mistakes.
    """
    sides = ([OUT_OF_SCOPE if label is None else label for label in side] for side in (gold, predicted))
    pairs = Counter(zip(*sides, strict=True))
    names = sorted({name for pair in pairs for name in pair}, key=lambda name: (name == OUT_OF_SCOPE, name))
    if len(names) <= LARGEST_MATRIX:
        return {"confusion": {row: {column: pairs[row, column] for column in names} for row in names}}
    wrong = sorted((-n, *pair) for pair, n in pairs.items() if pair[0] != pair[1])
    return {"confusions": [{"gold": one, "predicted": other, "n": -n} for n, one, other in wrong[:COMMONEST]]}


def confusion_as_text(table: dict[str, dict[str, int]]) -> str:
    """The table with gold labels as rows and predicted ones as columns."""
    names = [printable_cell(label) for label in table]
    rows = [[str(n) for n in row.values()] for row in table.values()]
    width = max(8, *(len(cell) + 2 for cells in (names, *rows) for cell in cells))
    lines = ["".join(f"{cell:>{width}}" for cell in ("", *names))]
    lines += ["".join(f"{cell:>{width}}" for cell in (name, *row)) for name, row in zip(names, rows, strict=True)]
    return "\n".join(lines) + "\n"


def as_text(rows: dict[str, dict[str, Any]]) -> str:
    """A report in the table layout of scikit-learn and seqeval."""
    lines = row_lines([*rows.items()])
    if "micro avg" in rows:
        lines.insert(1 + list(rows).index("micro avg"), "")
    return "\n".join(lines) + "\n"


def row_lines(rows: Sequence[tuple[str, Mapping[str, Any]]]) -> list[str]:
    """The heading of such a table, and a line for each row."""
    width = max(12, *(len(printable_cell(name)) for name, _ in rows))
    lines = [" " * width + "".join(f"{head:>11}" for head in (*_SCORES, "support"))]
    for name, row in rows:
        scores = "".join(f"{row[key]:>11.4f}" for key in _SCORES)
        lines.append(f"{printable_cell(name):>{width}}{scores}{row['support']:>11}")
    return lines


def rows_as_text(*parts: Mapping[str, Row]) -> str:
    """Rows as a table in scikit-learn's layout, with an empty line before each part."""
    lines = iter(row_lines([pair for part in parts for pair in part.items()]))
    text = [next(lines)]
    for part in filter(None, parts):
        text += ["", *islice(lines, len(part))]
    return "\n".join(text) + "\n"


def confusions_as_text(rows: Sequence[Row]) -> str:
    """The most frequent mistakes, one per line."""
    parts = [(row["n"], printable_cell(row["gold"]), printable_cell(row["predicted"])) for row in rows]
    width = max([4, *(len(gold) for _, gold, _ in parts)])
    lines = [f"{'texts':>8}  {'gold':<{width}}  predicted"]
    lines += [f"{n:>8}  {gold:<{width}}  {predicted}" for n, gold, predicted in parts]
    return "\n".join(lines) + "\n"


def confusion_sections(report: Report, title: str) -> dict[str, str]:
    """The matrix of ``confusion`` below its ``title``, or the most frequent mistakes; empty if there are none."""
    if "confusion" in report:
        return {title: confusion_as_text(report["confusion"])}
    return {"the most frequent confusions": confusions_as_text(report["confusions"])} if report["confusions"] else {}


def sections_as_text(sections: Mapping[str, str]) -> str:
    """Texts below their headings."""
    return "\n".join(f"{heading}\n\n{text}" for heading, text in sections.items())
