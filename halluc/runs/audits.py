"""The types of the files of ``halluc audit``: suspects, decisions, and the changes made by them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from halluc.core.claims import Mark
from halluc.runs.schema import MetricResult, Record, VersionedRecord

SuspectKind = Literal["missing", "wrong_label", "wrong_boundary", "unlikely", "inconsistent"]
SUSPECT_KINDS: tuple[SuspectKind, ...] = ("missing", "wrong_label", "wrong_boundary", "unlikely", "inconsistent")
DecisionName = Literal["accept", "reject", "edit"]


class SurfacePlace(Record):
    """Another occurrence of a suspect's surface; ``label`` is null if it is not annotated."""

    file: str
    line: int
    id: str
    label: str | None


class SuspectLine(Record):
    """A line of ``audit/<split>.jsonl``: an annotation that is probably wrong or missing; the most suspicious first.

    ``suspect`` is a hash of the split, the example and the suspected annotation; ``sha256`` is the hash of the
    example's tokens and annotation. ``annotated`` is the gold in doubt, ``proposed`` the prediction of the model, or,
    for an ``inconsistent`` suspect, the usual annotation elsewhere; both may be empty. ``gold`` is the whole annotation
    of the example. ``confidence`` is the probability of the annotation under a model that was not trained on the
    example, ``certainty`` that of each proposal, null if it is not from a model. ``consistency`` is the share of the
    other occurrences of ``text`` with the same annotation, null if there are none; ``labels`` counts these occurrences
    by label (empty: not annotated), ``others`` are the first of them. For a pair of texts ``second`` is the first token
    of the second text. ``marked`` are fixed parts of the example, such as head and tail of a relation.
    """

    suspect: str
    split: str
    kind: SuspectKind
    id: str
    file: str
    line: int
    sha256: str
    tokens: list[str]
    gold: list[Mark]
    text: str
    annotated: list[Mark]
    proposed: list[Mark]
    confidence: float
    certainty: list[float | None]
    consistency: float | None
    labels: dict[str, int]
    others: list[SurfacePlace]
    second: int | None = None
    marked: list[tuple[int, int, str]] = Field(default_factory=list)


class DecisionLine(Record):
    """A line of the decisions on suspects: ``accept`` the proposal, ``reject`` it, or ``edit``.

    ``annotation`` is the new annotation for an edit; null otherwise.
    """

    suspect: str
    split: str
    id: str
    sha256: str
    decision: DecisionName
    annotation: list[Mark] | None = None


class CorrectionLine(Record):
    """A line of the provenance of a corrected corpus: which decision changed what.

    ``decided`` is the line of the decisions; ``before`` and ``after`` are the whole annotation of the example.
    """

    id: str
    file: str
    line: int
    suspect: str
    kind: SuspectKind
    decision: DecisionName
    decided: int
    before: list[Mark]
    after: list[Mark]


class AuditResult(Record):
    """The suspects of one split: the number of each kind, the most suspicious, and the files.

    ``folds`` is the number of cross-fitted models, null if the trained model of the run was used. ``left_out`` counts
    examples that the import file cannot represent.
    """

    run: str
    split: str
    folds: int | None
    examples: int
    annotated: int
    kinds: dict[str, int]
    first: list[SuspectLine]
    files: dict[str, str]
    left_out: int


class CorrectionResult(Record):
    """A corrected copy of a split: the file, the decisions by name, and the number of changed examples."""

    run: str
    split: str
    out: str
    provenance: str
    format: str
    decisions: dict[str, int]
    changed: int


class GoldFile(VersionedRecord):
    """``regold/<name>/<split>.json``: the gold that a run was evaluated against again, and the differences.

    ``joined_by`` is ``id``, or ``order`` with equal tokens. ``changed`` of ``examples`` have another annotation than in
    the run's own gold.
    """

    name: str
    file: str
    sha256: str
    split: str
    joined_by: Literal["id", "order"]
    examples: int
    changed: int


class MovedFigure(Record):
    """An overall figure with the run's own gold, and with other gold; null if unknown."""

    name: str
    before: MetricResult | None
    after: MetricResult


class Regold(Record):
    """An evaluation of a run against other gold, and how its figures change."""

    gold: GoldFile
    figures: list[MovedFigure]


class OnSuspects(Record):
    """How much of a rate concerns suspects. ``counted`` is the number of claims or gold in the rate; ``below`` has, for
    each limit, the number of these on suspects whose annotation has a probability below it."""

    name: str
    counted: int
    below: list[tuple[float, int]]


class DoubtedAnnotation(Record):
    """The annotation of the split in a report: suspects by kind (null: not audited), how much of each rate concerns
    them, and how the figures change with other gold."""

    kinds: dict[str, int] | None
    on_suspects: list[OnSuspects]
    regold: list[Regold]
