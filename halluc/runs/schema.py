"""The typed, versioned schema of the public files in a run directory. Changes must stay compatible."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer

from halluc.core.claims import Mark, Verdict

SCHEMA_VERSION = 1

# The novelty of a claim with respect to the training split: one of the ``knowledge.novelties`` of its task.
Novelty = str
Status = Literal["running", "done", "failed", "interrupted"]


class Record(BaseModel):
    # Infinity and NaN are not JSON: a file with them could not be written again.
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class ExtendedRecord(Record):
    """``later`` are fields that earlier versions did not have: they are written only if they are not empty. ``absent``
    are fields that are left out if they are null."""

    later: ClassVar[frozenset[str]] = frozenset()
    absent: ClassVar[frozenset[str]] = frozenset()

    @model_serializer(mode="wrap")
    def _without_unused(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {
            key: value
            for key, value in handler(self).items()
            if (value or key not in self.later) and (value is not None or key not in self.absent)
        }


class VersionedRecord(ExtendedRecord):
    """The content of a whole file, or of the output of ``--json``, of this version."""

    schema_version: int = SCHEMA_VERSION


class EnsembleMember(Record):
    """A model of an ensemble: its name in the config or on the command line, and the hash of its files
    (``integrity.model_digest``)."""

    model: str
    sha256: str | None


class MetricResult(Record):
    """One figure. ``n`` is its denominator (for F1: gold mentions); ``by`` is the slice, empty for all."""

    name: str
    value: float | None
    n: int
    interval: tuple[float, float] | None = None
    by: dict[str, str] = {}
    protocol: str


class EvalFile(VersionedRecord):
    """``eval/<split>.json``; ``encoding`` counts words, windows, and words that the tokenizer drops or truncates.

    ``checkpoint`` is the model, or the name of the tool whose predictions were evaluated: ``encoding`` then has the
    notes on its file. ``decoding`` is ``constrained`` or ``argmax``; null if the task has no choice, if a tool
    predicted, and in older files (argmax). ``changed_model_files`` are files of ``model/`` that were changed between
    training and evaluation. ``ensemble`` are the models whose probabilities were averaged, the first of them
    ``checkpoint``; empty for a single model.
    """

    later: ClassVar[frozenset[str]] = frozenset({"ensemble"})

    task: str
    split: str
    checkpoint: str
    decoding: str | None = None
    changed_model_files: list[str] = []
    ensemble: list[EnsembleMember] = []
    encoding: dict[str, int]
    metrics: list[MetricResult]


class Prediction(Record):
    """A line of ``predictions/<split>.jsonl``, for any task: an example, followed by the model's prediction."""

    # If claims have positions in a text that the model wrote, ``written``, and gold in ``reference``; otherwise both in
    # ``tokens``.
    has_own_text: ClassVar[bool] = False

    id: str
    tokens: list[str]
    gold: list[Any]

    def tokens_of(self, record: Literal["claim", "omission"]) -> list[str]:
        """The tokens that the positions of claims, or omissions, refer to."""
        if not self.has_own_text:
            return self.tokens
        results: list[str] = getattr(self, "written" if record == "claim" else "reference")
        return results

    def related_texts(self, record: Literal["claim", "omission"]) -> list[tuple[str, str]]:
        """Further texts to show with ``tokens_of``, by name, if claims have a text of their own."""
        return []

    @classmethod
    def annotations(cls, gold: Sequence[Any]) -> int | None:
        """The number of annotations in the ``gold`` of an example; None if it depends on the config."""
        return None if cls.has_own_text else len(gold)

    @property
    def example(self) -> tuple[str, tuple[str, ...], tuple[Any, ...]]:
        """The identity of an example: id, tokens, gold."""
        return self.id, tuple(self.tokens), tuple(self.gold)


class Nearest(Record):
    """The most similar training mention with the label of a claim, and its first position."""

    text: str
    file: str
    line: int


class GoldMention(Record):
    """Gold that a claim overlaps, with its novelty; ``start`` and ``end`` as in ``LedgerLine``."""

    start: int | None
    end: int | None
    label: str
    novelty: Novelty | None
    withheld: bool


class LedgerLine(Record):
    """A line of ``ledger/<split>.jsonl``: a claim with its verdict, or gold that no claim touches.

    An omission has no ``confidence``, ``verdict``, ``reason``, ``matched``, ``touched``, ``gold`` or ``abstained``.
    ``start`` and ``end`` are tokens, of the example or, if a model writes a text, of that text; null if a label is one
    of the whole example. ``gold`` is the matched and touched gold with its novelty, so that every rate can be
    recomputed from this file. ``novelty``, ``confusable`` and ``nearest`` are null if the training split is unknown.
    """

    id: str
    record: Literal["claim", "omission"]
    kind: str
    text: str
    start: int | None
    end: int | None
    label: str
    confidence: float | None = None
    verdict: Verdict | None = None
    reason: str | None = None
    matched: Mark | None = None
    touched: list[Mark] | None = None
    gold: list[GoldMention] | None = None
    novelty: Novelty | None = None
    confusable: bool | None = None
    nearest: Nearest | None = None
    withheld: bool = False
    abstained: bool | None = None


class ConfidenceFile(VersionedRecord):
    """``confidence.json``: the calibration of the model's confidence on dev; read by ``predict``.

    Confidences are divided by ``temperature`` (in logits); claims below ``threshold`` are withdrawn. ``threshold`` is
    null if none was requested, or if no threshold can give the requested guarantee (``guarantee`` says so). With
    ``by``, ``label`` or ``novelty``, ``guarantees`` has the threshold of each class, and how it was chosen, instead of
    ``threshold``: if it is null, or a class has no entry, all claims of the class are withdrawn. ``ensemble`` are the
    hashes of the models whose mean probabilities these are; empty for one model.
    """

    later: ClassVar[frozenset[str]] = frozenset({"ensemble", "by", "guarantees"})

    temperature: float = Field(default=1.0, gt=0)
    threshold: float | None = None
    guarantee: dict[str, Any] | None = None
    by: Literal["label", "novelty"] | None = None
    guarantees: dict[str, dict[str, Any]] = {}
    fitted_on: dict[str, Any] = {}
    ensemble: list[str | None] = []

    def withdraws(self, confidence: float | None, label: str, novelty: Novelty | None) -> bool:
        """Whether a claim of this label and novelty is withdrawn; one without a confidence never is."""
        threshold = self.threshold
        if self.by is not None:
            result = self.guarantees.get(label if self.by == "label" else novelty or "", {}).get("threshold")
            threshold = math.inf if result is None else float(result)
        return confidence is not None and threshold is not None and confidence < threshold


class Problem(Record):
    """Why something could not be read, as in an error message."""

    code: str
    message: str
    help: str | None


class UnreadText(Record):
    """The line of ``predict`` for a text that could not be read."""

    line: int
    error: Problem


class AugmentFile(VersionedRecord):
    """``augment/manifest.json``: how the augmented corpus was made. It is written last: without it the other files are
    not valid.

    ``fingerprint`` is the hash of everything that the corpus depends on, ``sha256`` that of train.jsonl, and ``files``
    has the SHA-256 of every other file of the folder (empty in manifests of earlier versions). ``made`` of ``wanted``
    new examples were kept; ``unchangeable`` could not be changed by any method and were left out, ``given_up`` were
    rejected in every attempt. ``before`` describes the training split, ``new`` the new examples, ``after`` all. With
    ``augment.online`` the new examples are those of all ``epochs`` together: a new example belongs to epoch ``(copy -
    1) % epochs``, from 0, with the ``copy`` of provenance.jsonl. ``methods`` has the description of each method that
    fits a model or starts a program.
    """

    fingerprint: str
    sha256: str
    files: dict[str, str] = {}
    epochs: int = 1
    wanted: int
    made: int
    originals: int
    kept: dict[str, int]
    refused: dict[str, dict[str, int]]
    refused_examples: dict[str, list[dict[str, str]]]
    unchangeable: int
    given_up: int
    before: dict[str, Any]
    new: dict[str, Any]
    after: dict[str, Any]
    methods: dict[str, dict[str, Any]] = {}
    seconds: float


class Stage(Record):
    """The record of one command in the run."""

    status: Status
    started: str
    seconds: float | None = None
    arguments: list[str] = []
    detail: dict[str, Any] = {}


class JudgedFile(Record):
    """Predictions of another tool that a run evaluates: the tool's name, the file, its SHA-256, and the split.

    ``joined_by`` is ``id``, or ``order`` (with equal tokens, if the file has any).
    """

    name: str
    file: str
    sha256: str
    split: str
    joined_by: Literal["id", "order"]


class EarlierTotal(Record):
    """The config of a training before ``train --resume`` set a new total of epochs or steps."""

    config_sha256: str
    epochs: int
    steps: int | None
    resumed_step: int


class RunFile(VersionedRecord):
    """``run.json``: the config, inputs and environment of the run; ``stages`` has an entry for each command.

    ``model_sha256`` is the hash of the config that ``model/`` was trained with, null if that is ``config_sha256``: it
    differs while a finished training is continued to a new total. ``model_files`` has the SHA-256 of each published
    file of ``model/``. ``model_removed`` says why the model of a finished training no longer exists.
    ``keep_checkpoints`` is ``train.checkpoints.keep`` of the last training. A run without a model evaluates
    ``predictions``, a file of another tool, or ``ensemble``, the models that predict together. ``is_edited`` says that
    another program changed the file. ``sha256`` is the hash of all other fields, made by
    ``records.content_sha256``; null in files of earlier versions.
    """

    later: ClassVar[frozenset[str]] = frozenset({"ensemble"})

    name: str
    command: str
    status: Status
    config_sha256: str
    halluc: str
    git: dict[str, Any] | None = None
    versions: dict[str, str] = {}
    hardware: dict[str, Any] = {}
    seeds: dict[str, int] = {}
    inputs: dict[str, str] = {}
    model: dict[str, Any] = {}
    gap: dict[str, Any] | None = None
    augment: dict[str, Any] | None = None
    seconds: float | None = None
    best: dict[str, Any] | None = None
    model_sha256: str | None = None
    model_files: dict[str, str] = {}
    is_edited: bool = False
    model_removed: str | None = None
    keep_checkpoints: Literal["none", "last", "all"] = "none"
    earlier_totals: list[EarlierTotal] = []
    predictions: JudgedFile | None = None
    ensemble: list[EnsembleMember] = []
    stages: dict[str, Stage] = {}
    sha256: str | None = None


class CleanItem(Record):
    """A file or folder that ``halluc clean`` deletes, or keeps (``reason`` says why); ``path`` is below ``root``."""

    path: str
    bytes: int
    reason: str


class CleanResult(VersionedRecord):
    """``halluc clean --json``: the items that were deleted under ``root``, or would be (``dry_run``), and those kept.

    ``bytes`` is the total file size of ``deleted``.
    """

    root: str
    dry_run: bool
    runs: int
    bytes: int
    deleted: list[CleanItem]
    left: list[CleanItem]


class MatrixCell(Record):
    """One experiment of a study: its folder, its value or arm on each axis, and the hash of its config."""

    slug: str
    choice: dict[str, int | float | str | bool | None]
    config_sha256: str


class MatrixFile(VersionedRecord):
    """``matrix.json`` in the folder of a study: its definition, including cells that have not run yet."""

    name: str
    axes: dict[str, list[int | float | str | bool | None]]
    cells: list[MatrixCell]
