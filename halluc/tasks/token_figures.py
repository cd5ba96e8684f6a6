"""Token-level figures: every tag including O, as in the usual classification reports."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import numpy

from halluc.core.characters import printable_cell
from halluc.core.significance import F1, Figure, Mean, Ratio, Sheet

Tags = Sequence[Sequence[str]]
PROTOCOL = "per token, raw IOB2 tags with O"
_SCORES = ("precision", "recall", "f1-score")


def report(gold: Tags, predicted: Tags) -> dict[str, dict[str, Any]]:
    """Precision, recall, F1 and support by tag, then micro, macro and weighted averages; 0 if undefined."""
    from sklearn.metrics import precision_recall_fscore_support as scores

    flat_gold, flat_predicted = (list(chain.from_iterable(side)) for side in (gold, predicted))
    tags = sorted({*flat_gold, *flat_predicted}, key=_order)
    columns = scores(flat_gold, flat_predicted, labels=tags, zero_division=0)
    rows = {tag: _row(*(column[index] for column in columns)) for index, tag in enumerate(tags)}
    for average in ("micro", "macro", "weighted"):
        precision, recall, f1, _ = scores(flat_gold, flat_predicted, labels=tags, average=average, zero_division=0)
        rows[f"{average} avg"] = _row(precision, recall, f1, len(flat_gold))
    return rows


def _row(precision: Any, recall: Any, f1: Any, support: Any) -> dict[str, Any]:
    return {"precision": float(precision), "recall": float(recall), "f1-score": float(f1), "support": int(support)}


def figures(gold: Tags, predicted: Tags, sheet: Sheet) -> list[Figure]:
    """``token_f1`` overall (micro), averaged and by tag; ``n`` is the number of tokens with the tag."""
    lengths = [len(tags) for tags in gold]
    example = numpy.repeat(numpy.arange(len(gold)), lengths)
    annotated, claimed = (numpy.array(list(chain.from_iterable(side)), dtype=object) for side in (gold, predicted))
    right, tokens = annotated == claimed, sum(lengths)
    formulas: dict[str, F1] = {}
    supports: dict[str, int] = {}
    for tag in sorted({*annotated.tolist(), *claimed.tolist()}, key=_order):
        masks = (right & (annotated == tag), claimed == tag, annotated == tag)
        hits, of_predicted, supports[tag] = (sheet.tally(example[mask]) for mask in masks)
        formulas[tag] = F1(hits, of_predicted, supports[tag])
    means = {"macro": Mean((*formulas.values(),)), "weighted": Mean((*formulas.values(),), (*supports.values(),))}
    micro = Ratio((sheet.tally(example[right]),), (sheet.tally(example),), undefined=0.0)
    results = [Figure("token_f1", {}, PROTOCOL, tokens, micro)]
    results += [Figure("token_f1", {"average": name}, PROTOCOL, tokens, mean) for name, mean in means.items()]
    for tag, formula in formulas.items():
        n = int(sheet.columns[supports[tag]].sum())
        results.append(Figure("token_f1", {"tag": tag}, PROTOCOL, n, formula))
    return results


def _order(tag: str) -> tuple[bool, str, str]:
    """O first, then by label, B- before I-."""
    return tag != "O", tag[2:], tag


def accuracy(gold: Tags, predicted: Tags) -> float:
    """The share of tokens with the right tag, including O, which is the micro F1; 0 without tokens."""
    right = sum(map(str.__eq__, chain.from_iterable(gold), chain.from_iterable(predicted)))
    total = sum(map(len, gold))
    return right / total if total else 0.0


def confusion(gold: Tags, predicted: Tags) -> dict[str, dict[str, int]]:
    """Tokens by gold label (rows) and predicted label (columns), including O, without B- and I-."""
    pairs = Counter(zip(*(map(_label, chain.from_iterable(side)) for side in (gold, predicted)), strict=True))
    labels = sorted({label for pair in pairs for label in pair} | {"O"}, key=lambda label: (label != "O", label))
    return {row: {column: pairs[row, column] for column in labels} for row in labels}


def _label(tag: str) -> str:
    return tag if tag == "O" else tag[2:]


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
