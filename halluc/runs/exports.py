"""``export.json``: what an exported model is, how it compares with its run, and the hashes of the files beside it.

An export is a run directory in which ``model/`` has a file that a runtime other than transformers computes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

from halluc.core.errors import HallucError
from halluc.runs import integrity
from halluc.runs.records import read_record
from halluc.runs.schema import Record, VersionedRecord

FILE = "export.json"
Format = Literal["onnx", "torch"]
Quantization = Literal["int8"]
# The file in ``model/`` by format.
MODEL_FILES: dict[Format, str] = {"onnx": "model.onnx", "torch": "model.pt2"}
OPSET = 20  # of ONNX; onnxruntime reads it since 1.17
_DAMAGED, _HELP = "R140", "export the run again: halluc export RUN --force"


class SpecialPieces(Record):
    """What halluc asks of a tokenizer beside ``tokenizer.json``, as transformers names it."""

    unk_token_id: int | None
    sep_token_id: int | None
    mask_token_id: int | None
    model_max_length: int


class DevComparison(Record):
    """The export and its run on dev: of ``claims`` that any of them makes, ``differing`` are made by one alone.

    ``largest_change`` is the largest difference of the confidences of a claim that both make, null if there is none.
    ``difference`` is ``export - run`` in the primary figure, with its 95% interval (paired bootstrap).
    """

    examples: int
    claims: int
    differing: int
    largest_change: float | None
    figure: str
    run: float | None
    export: float | None
    difference: float | None
    interval: tuple[float, float] | None
    tolerance: float


class ExportFile(VersionedRecord):
    """``export.json``. ``inputs`` are the names of the model's inputs, in order; ``opset`` is that of ONNX.

    ``files`` has the SHA-256 of every file of the export but ``run.json`` and ``confidence.json``, which an evaluation
    of the export writes anew.
    """

    absent: ClassVar[frozenset[str]] = frozenset({"opset"})

    task: str
    run: str
    format: Format
    quantization: Quantization | None
    opset: int | None = None
    inputs: list[str]
    special_pieces: SpecialPieces
    versions: dict[str, str]
    hardware: dict[str, Any]
    files: dict[str, str]
    comparison: DevComparison | None = None


def of_model(model: Path) -> Path | None:
    """The export that a model folder belongs to; None if it is a model of transformers."""
    return model.parent if any((model / name).exists() for name in MODEL_FILES.values()) else None


def read(folder: Path) -> ExportFile:
    """The ``export.json`` of an export whose files are as they were exported.

    Raises:
        HallucError R140: it is missing or damaged, or another file of the export is.
    """
    try:
        result = read_record(folder / FILE, ExportFile, damaged=_DAMAGED, other_version=_DAMAGED, help=_HELP)
    except FileNotFoundError:
        raise HallucError(_DAMAGED, f"{folder} is a damaged export: it has no {FILE}", help=_HELP) from None
    bad = integrity.problems(folder, result.files, "the export")
    if bad:
        text = ", ".join(f"{name} {what}" for name, what in bad.items())
        raise HallucError(_DAMAGED, f"{folder} is a damaged export: {text}", help=_HELP)
    return result
