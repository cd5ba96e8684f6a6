"""The typed shape of what ``halluc audit`` writes and reads: suspects, decisions, and what these changed."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from halluc.core.claims import Mark
from halluc.runs.schema import MetricResult, Record, VersionedRecord

SuspectKind = Literal["missing", "wrong_label", "wrong_boundary", "unlikely", "inconsistent"]
SUSPECT_KINDS: tuple[SuspectKind, ...] = ("missing", "wrong_label", "wrong_boundary", "unlikely", "inconsistent")
DecisionName = Literal["accept", "reject", "edit"]


class SurfacePlace(Record):
    """Another place with the surface of a suspect; ``label`` is null if nothing is annotated there."""

    file: str
    line: int
    id: str
    label: str | None


class SuspectLine(Record):
    """A line of ``audit/<split>.jsonl``: a place whose annotation is in doubt; the most suspicious come first.

    ``suspect`` is a hash of the split, the example and what is in doubt; ``sha256`` that of the example's content,
    tokens and annotation. ``annotated`` is the gold in doubt, ``proposed`` what the model says instead (of an
    ``inconsistent`` one, what is usual elsewhere), each possibly nothing; ``gold`` is all that is annotated in the
    example. ``start`` and ``end`` are tokens, null if a label is one of the whole example. ``confidence`` is the
    probability of the annotation under a model that never saw the example, ``certainty`` that of each proposal, null
    where no model made it. ``consistency`` is the share of the other places of ``text`` that are annotated as this one
    is, null if there are none; ``labels`` counts these places by label (empty: nothing annotated), ``others`` are
    the first of them. Of a pair of texts ``second`` is the token with which the second begins; ``marked`` are parts of
    the example that belong to it whatever is annotated.
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

    ``annotation`` is what an edit puts at the place instead of what is annotated there; null otherwise.
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
    """The suspects of one split: how many of each kind, the most suspicious, and the files.

    ``folds`` is how many models were cross-fitted, null if the trained model of the run judged. ``left_out`` counts
    examples that the import file cannot hold.
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
    """A corrected copy of a split: the file, the decisions by name, and how many examples were changed."""

    run: str
    split: str
    out: str
    provenance: str
    format: str
    decisions: dict[str, int]
    changed: int


class GoldFile(VersionedRecord):
    """``regold/<name>/<split>.json``: the gold that a run was judged by again, and what it has otherwise.

    ``joined_by`` is ``id``, or ``order`` with equal tokens. ``changed`` of ``examples`` have other annotation than the
    run's own gold.
    """

    name: str
    file: str
    sha256: str
    split: str
    joined_by: Literal["id", "order"]
    examples: int
    changed: int


class MovedFigure(Record):
    """An overall figure by the run's own gold, and by other gold; null if it is not known."""

    name: str
    before: MetricResult | None
    after: MetricResult


class Regold(Record):
    """A run judged by other gold: which, and how its figures move."""

    gold: GoldFile
    figures: list[MovedFigure]


class OnSuspects(Record):
    """How much of a rate lies on suspects: it counts ``counted`` claims or gold, and ``below`` says how many of these
    are on a suspect whose annotation has less than each probability."""

    name: str
    counted: int
    below: list[tuple[float, int]]


class DoubtedAnnotation(Record):
    """What a report says of the split's annotation: suspects by kind (null: not audited), how much of each rate lies on
    them, and how the figures move by other gold."""

    kinds: dict[str, int] | None
    on_suspects: list[OnSuspects]
    regold: list[Regold]
