"""The results that commands print with ``--json`` and the Python API returns: one object per action."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from halluc.runs.audits import Regold
from halluc.runs.data import DataRecord
from halluc.runs.exports import ExportFile
from halluc.runs.probes import ProbeFile
from halluc.runs.reports import GateResult
from halluc.runs.schema import AugmentFile, EvalFile, ExtendedRecord, Record


class Result(ExtendedRecord):
    absent: ClassVar[frozenset[str]] = frozenset({"cell"})


class CheckResult(DataRecord, Result):
    """The result of ``halluc check``: ``data.json`` of all splits, the gap of each to the training split, what
    augmentation would do, and, with ``deep``, how the model encodes the data. ``cells`` are the cells of a study that
    share the check."""

    absent: ClassVar[frozenset[str]] = frozenset({"cells", "model"})

    cells: list[str] | None = None
    encoding: dict[str, dict[str, int]] | None = Field(default=None, exclude=True)
    gap: dict[str, Any]
    augment: dict[str, Any] | None
    model: dict[str, Any] | None = None


class AugmentResult(AugmentFile):
    """The augmented corpus of a run: its folder, and ``augment/manifest.json``."""

    run: str


class ShardResult(Record):
    """One shard of an augmentation, such as ``1/4``, and its number of examples."""

    run: str
    shard: str
    examples: int


class PreviewResult(Record):
    """An example of the training split and its augmented version, as in train.jsonl."""

    before: dict[str, Any]
    after: dict[str, Any]
    provenance: dict[str, Any]


class ReplayResult(Record, extra="allow"):
    """A line of the augmented corpus that was reproduced, with its provenance."""

    id: str
    same: bool


class TrainResult(Result):
    """A trained model: its run directory, its folder, and the checkpoint selected on dev (``best`` of run.json).

    ``cell`` is that of a study. The folder is missing if ``keep_models`` had the model removed.
    """

    cell: str | None = None
    run: str
    model: str
    best: dict[str, Any] | None


class SubmitResult(Record):
    """A study that was submitted to SLURM: the number of its array, null if all cells were done, and of the job that
    writes the report."""

    study: str
    tasks: int
    array: str | None
    report: str


class ExportResult(ExportFile):
    """An export: its folder, and ``export.json``."""

    export: str


class EvalResult(EvalFile, Result):
    """One evaluated split: eval/<split>.json, with the gates that were checked on the split.

    A gate that could be checked on no evaluated split is listed with the last one. ``cell`` is that of a study.
    """

    gates: list[GateResult]
    cell: str | None = None


class RegoldResult(EvalResult):
    """One split evaluated against other gold: the evaluation, and how the overall figures change. No gate is
    checked."""

    run: str
    regold: Regold


class ProbeResult(ProbeFile):
    """A probe with facts: the run directory, and probe/<name>.json."""

    run: str


class ListedRun(Record):
    """A run or a study as ``halluc runs`` lists it: its folder, its state, and the main figures of its report of
    ``split``. ``created`` is ISO 8601 in UTC, ``bytes`` the sum over its files. ``tool`` is the name of another tool
    whose predictions the run evaluates."""

    path: str
    name: str
    kind: Literal["run", "study", "tuning"]
    task: str | None = None
    tool: str | None = None
    state: str
    split: str | None = None
    figures: dict[str, float | None] = Field(default={})
    bytes: int
    created: str


class RequirementState(Record):
    """A required package with the versions ``asks``; ``version`` is the installed one, null if it is missing."""

    name: str
    asks: str
    version: str | None
    fits: bool


class ExtraState(Record):
    """An extra of halluc, as in ``pip install "halluc[lora]"``."""

    name: str
    for_development: bool
    requirements: list[RequirementState]

    @property
    def missing(self) -> list[RequirementState]:
        return [one for one in self.requirements if not one.fits]


class DoctorResult(Record):
    """The result of ``halluc doctor``. ``device`` is as in ``run.json``; ``programs`` have their path, null if they are
    missing, and what uses them."""

    halluc: str
    versions: dict[str, str]
    hardware: dict[str, Any]
    device: dict[str, Any]
    required: list[RequirementState]
    extras: list[ExtraState]
    programs: dict[str, tuple[str | None, str]]

    @property
    def missing(self) -> list[RequirementState]:
        return [one for one in self.required if not one.fits]


class InitResult(Record):
    """A config that ``halluc init`` wrote: the detected task and examples, and the preset of the model. ``language`` is
    empty if it is neither English nor Chinese."""

    config: str
    task: str
    examples: dict[str, int]
    language: str
    preset: str


class SkippedCell(Record):
    """A skipped cell of a study, and why."""

    cell: str
    skipped: str


class ConvertResult(Record):
    """A corpus in another format: the input, the output, and the section ``data`` that reads the output."""

    task: str
    read: dict[str, str]
    scheme: str | None
    scheme_note: str
    notices: list[dict[str, str]]
    repaired: int
    skipped: int
    format: str
    splits: dict[str, dict[str, Any]]
    data: dict[str, Any]


class PushedFile(Record):
    """A published file of a repository, and its size."""

    path: str
    bytes: int


class PushResult(Record):
    """The result of ``halluc push``; ``commit`` is the address of the commit, null in a dry run. ``private`` is the
    visibility of a new repository."""

    run: str
    repository: str
    endpoint: str
    private: bool
    files: list[PushedFile]
    commit: str | None
