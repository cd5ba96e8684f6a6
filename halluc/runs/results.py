"""What commands print with ``--json``, and what the Python API returns: an object for each thing that was done."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from halluc.runs.audits import Regold
from halluc.runs.data import DataRecord
from halluc.runs.probes import ProbeFile
from halluc.runs.reports import GateResult
from halluc.runs.schema import AugmentFile, EvalFile, Record


class Result(Record):
    """``absent`` are the keys that are left out where they are null."""

    absent: ClassVar[frozenset[str]] = frozenset({"cell"})

    @model_serializer(mode="wrap")
    def _without_absent(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {key: value for key, value in handler(self).items() if value is not None or key not in self.absent}


class CheckResult(DataRecord, Result):
    """What ``halluc check`` finds: ``data.json`` of all splits, the gap of each to the training split, what
    augmentation would do, and, with ``deep``, what the model makes of it. ``cells`` are those of a study that one
    check is for."""

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
    """One share of an augmentation, as ``1/4``, and how many examples it is of."""

    run: str
    shard: str
    examples: int


class PreviewResult(Record):
    """An example of the training split and what augmentation would make of it, as in train.jsonl."""

    before: dict[str, Any]
    after: dict[str, Any]
    provenance: dict[str, Any]


class ReplayResult(Record, extra="allow"):
    """A line of the augmented corpus that came out the same again; beside it its provenance."""

    id: str
    same: bool


class TrainResult(Result):
    """A trained model: its run directory, its folder, and the checkpoint that dev chose (``best`` of run.json).

    ``cell`` is that of a study. The folder is absent where ``keep_models`` had the model removed.
    """

    cell: str | None = None
    run: str
    model: str
    best: dict[str, Any] | None


class EvalResult(EvalFile, Result):
    """One evaluated split: eval/<split>.json, and beside it the gates that were checked on the split.

    A gate that could be checked on none of the evaluated splits stands with the last one. ``cell`` is that of a study.
    """

    gates: list[GateResult]
    cell: str | None = None


class RegoldResult(EvalResult):
    """One split judged by other gold: the evaluation, and how the overall figures move. No gate is checked."""

    run: str
    regold: Regold


class ProbeResult(ProbeFile):
    """A probe with facts: the run directory, and probe/<name>.json."""

    run: str


class SkippedCell(Record):
    """A cell of a study that was passed over, and why."""

    cell: str
    skipped: str


class ConvertResult(Record):
    """A corpus in another format: what was read, what was written, and the section ``data`` that reads it."""

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
