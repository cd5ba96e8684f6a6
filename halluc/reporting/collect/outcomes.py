"""What became of claims and gold, slice by slice, and the classification reports."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, Field, RootModel, ValidationError

from halluc.core.errors import HallucError, Location
from halluc.core.figures import HALLUCINATION, OMISSION, rows
from halluc.core.files import read_regular
from halluc.core.labels import OUT_OF_SCOPE
from halluc.runs.directory import RunDir
from halluc.runs.evaluations import anew
from halluc.runs.reports import ClassRow, ClassTable, Mistake, Outcome
from halluc.wording.figure_lookup import Figures
from halluc.wording.nouns import Nouns

T = TypeVar("T", bound=BaseModel)
ALL = "all"
MOST_MISTAKES = 20

_AVERAGES = ("micro avg", "macro avg", "weighted avg")


def by_novelty(figures: Figures, nouns: Nouns, scale: Sequence[str]) -> list[Outcome]:
    """All, then from what training shows best to what it shows least; empty where novelty is not known."""
    there = {novelty for name in (HALLUCINATION, OMISSION) for novelty in figures.slices(name, "novelty")}
    return _outcomes(figures, nouns, "novelty", [novelty for novelty in scale if novelty in there])


def by_label(figures: Figures, nouns: Nouns) -> list[Outcome]:
    """All, then each label in the order of the file; empty where there is none."""
    labels = dict.fromkeys(label for name in (HALLUCINATION, OMISSION) for label in figures.slices(name, "label"))
    return _outcomes(figures, nouns, "label", list(labels))


def _outcomes(figures: Figures, nouns: Nouns, key: str, values: list[str]) -> list[Outcome]:
    if not values:
        return []
    slices = [(ALL, {}), *((value, {key: value}) for value in values)]
    return [_outcome(figures, nouns, name, by) for name, by in slices]


def _outcome(figures: Figures, nouns: Nouns, name: str, by: dict[str, str]) -> Outcome:
    return Outcome(
        name=name,
        claims=figures.n(HALLUCINATION, **by),
        gold=figures.n(OMISSION, **by),
        support=figures.get("support_rate", **by),
        distortion=figures.get("distortion_rate", **by) if nouns.tells("distortion_rate") else None,
        hallucination=figures.get(HALLUCINATION, **by),
        omission=figures.get(OMISSION, **by),
    )


class _Row(BaseModel, allow_inf_nan=False):
    precision: float
    recall: float
    f1: float = Field(alias="f1-score")
    support: int


class _Rows(RootModel[dict[str, _Row]]):
    pass


class _Report(BaseModel):
    """``eval/<split>_classification_report.json``, of which the confusion of tokens is left aside."""

    entity: _Rows = _Rows({})
    entity_strict: _Rows = _Rows({})
    token: _Rows = _Rows({})
    labels: _Rows = _Rows({})
    relations: _Rows = _Rows({})
    averages: _Rows = _Rows({})
    out_of_scope: _Row | None = None


class _Confusion(BaseModel):
    """The same of labels: of few classes as a matrix, of many the commonest mistakes alone."""

    confusion: dict[str, dict[str, int]] = {}
    confusions: list[Mistake] = []


def classification(path: Path, figures: Figures) -> list[ClassTable]:
    """The reports of a split, titled as eval/<split>_classification_report.txt has them.

    Raises:
        FileNotFoundError: there is none. HallucError R112: it is damaged.
    """
    report = _read(path, _Report)
    headings = _headings(figures)
    tables = {key: getattr(report, key).root for key in headings}
    if report.labels.root:
        # What is out of scope is a row beside the labels, and none of those that averages are of.
        outside = {OUT_OF_SCOPE: report.out_of_scope} if report.out_of_scope else {}
        tables["labels"] = {**report.labels.root, **outside, **report.averages.root}
    return [_table(headings[key], found) for key, found in tables.items() if found]


def mistakes(path: Path) -> list[Mistake]:
    """Which labels are taken for which, the commonest first; empty where texts are not what is labelled.

    Raises:
        FileNotFoundError: there is no classification report. HallucError R112: it is damaged.
    """
    if not _read(path, _Report).labels.root:
        return []
    found = _read(path, _Confusion)
    pairs: Iterable[Mistake] = found.confusions or (
        Mistake(gold=gold, predicted=predicted, n=n)
        for gold, row in found.confusion.items()
        for predicted, n in row.items()
        if gold != predicted and n
    )
    return sorted(pairs, key=lambda one: -one.n)[:MOST_MISTAKES]


def _read(path: Path, kind: type[T]) -> T:
    try:
        return kind.model_validate_json(read_regular(path))
    except ValidationError as error:
        help = anew(RunDir(path.parent.parent))
        told = f"the classification report is damaged: {error.errors()[0]['msg']}"
        raise HallucError("R112", told, Location(str(path), 1), help) from None


def _headings(figures: Figures) -> dict[str, str]:
    """Of each table of the file: what its rows are of, and the protocol by which they were counted."""
    found = {}
    for row in rows().values():
        protocols = list(dict.fromkeys(metric.protocol for metric in figures.named(row.name)))
        for number, (key, what) in enumerate(row.reports):
            found[key] = f"{what}, {protocols[number]}" if number < len(protocols) else key
    return found


def _table(title: str, rows: dict[str, _Row]) -> ClassTable:
    made = [ClassRow(name=name, **row.model_dump()) for name, row in rows.items()]
    return ClassTable(
        title=title,
        rows=[row for row in made if row.name not in _AVERAGES],
        averages=[row for row in made if row.name in _AVERAGES],
    )
