"""Classification reports of labels: a row per label, the averages, and the confusion of labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from halluc.core.characters import printable_cell
from halluc.core.labels import OUT_OF_SCOPE
from halluc.core.ranked import Report
from halluc.tasks import label_counts
from halluc.tasks.label_counts import LabelCounts
from halluc.tasks.token_figures import confusion_as_text

# A larger confusion matrix is unreadable; the most frequent confusions are listed instead.
LARGEST_MATRIX = 60
COMMONEST = 40

Row = dict[str, Any]
_HEADS = ("precision", "recall", "f1-score", "support")


def row(hits: float, predicted: float, gold: float) -> Row:
    """A row as in scikit-learn; 0 if undefined."""
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
    three = (pairs.count(len(counts.labels)).tolist() for pairs in counts.three)
    return {label: row(*numbers) for label, *numbers in zip(counts.labels, *three, strict=True)}


def averages(counts: LabelCounts) -> dict[str, Row]:
    """The rows ``micro avg``, ``macro avg`` and ``weighted avg``; their support is all gold labels."""
    support = len(counts.gold.text)
    return {f"{average} avg": _row(scores, support) for average, scores in label_counts.averages_of(counts).items()}


def confusion(gold: Sequence[str | None], predicted: Sequence[str | None]) -> dict[str, Any]:
    """The confusion of classes, None being out of scope: ``confusion``, a matrix of gold by predicted class.

    For more than 60 classes ``confusions`` instead: the 40 most frequent mistakes.
    """
    pairs = Counter((_class_name(one), _class_name(other)) for one, other in zip(gold, predicted, strict=True))
    names = sorted({name for pair in pairs for name in pair}, key=lambda name: (name == OUT_OF_SCOPE, name))
    if len(names) <= LARGEST_MATRIX:
        return {"confusion": {one: {other: pairs[one, other] for other in names} for one in names}}
    wrong = sorted((-n, one, other) for (one, other), n in pairs.items() if one != other)
    return {"confusions": [{"gold": one, "predicted": other, "n": -n} for n, one, other in wrong[:COMMONEST]]}


def _class_name(label: str | None) -> str:
    return OUT_OF_SCOPE if label is None else label


def rows_as_text(*parts: Mapping[str, Row]) -> str:
    """Rows as a table in scikit-learn's layout, with an empty line between the parts."""
    width = max(12, *(len(printable_cell(name)) for part in parts for name in part))
    lines = [" " * width + "".join(f"{head:>11}" for head in _HEADS)]
    for part in parts:
        if part:
            lines.append("")
        for name, cells in part.items():
            figures = "".join(f"{cells[head]:>11.4f}" for head in _HEADS[:-1])
            lines.append(f"{printable_cell(name):>{width}}{figures}{cells['support']:>11}")
    return "\n".join(lines) + "\n"


def confusions_as_text(rows: Sequence[Row]) -> str:
    """The most frequent mistakes, one per line."""
    parts = [(row["n"], printable_cell(row["gold"]), printable_cell(row["predicted"])) for row in rows]
    width = max([4, *(len(gold) for _, gold, _ in parts)])
    lines = [f"{'texts':>8}  {'gold':<{width}}  predicted"]
    lines += [f"{n:>8}  {gold:<{width}}  {predicted}" for n, gold, predicted in parts]
    return "\n".join(lines) + "\n"


def confusion_sections(report: Report, title: str) -> dict[str, str]:
    """The matrix of ``confusion`` with a ``title``, or the most frequent mistakes; empty if there are none."""
    if "confusion" in report:
        return {title: confusion_as_text(report["confusion"])}
    return {"the most frequent confusions": confusions_as_text(report["confusions"])} if report["confusions"] else {}


def sections_as_text(sections: Mapping[str, str]) -> str:
    """Texts below their headings."""
    return "\n".join(f"{heading}\n\n{text}" for heading, text in sections.items())
