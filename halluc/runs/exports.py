"""``export.json``: an exported model, its comparison with its run, and the hashes of its files.

An export is a run directory in which ``model/`` has a file for a runtime other than transformers.
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
    """What halluc needs from a tokenizer besides ``tokenizer.json``, with the names of transformers."""

    unk_token_id: int | None
    sep_token_id: int | None
    mask_token_id: int | None
    model_max_length: int


class DevComparison(Record):
    """The export and its run on dev: of ``claims`` made by either, ``differing`` are made by only one.

    ``largest_change`` is the largest difference in confidence of a claim that both make, null if there is none.
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

    ``files`` has the SHA-256 of every file of the export except ``run.json`` and ``confidence.json``, which an
    evaluation of the export rewrites.
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
    """The ``export.json`` of an export with unchanged files.

    Raises:
        HallucError R140: it is missing or damaged, or another file of the export is.
    """
    try:
        result = read_record(folder / FILE, ExportFile, damaged=_DAMAGED, other_version=_DAMAGED, help=_HELP)
    except FileNotFoundError:
        raise HallucError(_DAMAGED, f"{folder} is a damaged export: it has no {FILE}", help=_HELP) from None
    problems = integrity.problems(folder, result.files, "the export")
    if problems:
        text = ", ".join(f"{name} {problem}" for name, problem in problems.items())
        raise HallucError(_DAMAGED, f"{folder} is a damaged export: {text}", help=_HELP)
    return result
