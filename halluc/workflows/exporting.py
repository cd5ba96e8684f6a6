"""Exports the model of a run as ONNX or a program of torch, to a self-contained folder, and compares it on dev."""

from __future__ import annotations

import json
import shutil
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from halluc.analysis.export_comparison import compared
from halluc.core import files
from halluc.core.errors import EXIT_GATE, HallucError, environment_error, first_line, require_package, suggestion
from halluc.core.examples import Corpus
from halluc.core.files import write_json, write_text
from halluc.core.messages import conclude, put, tell
from halluc.core.quantities import quantity
from halluc.runs import exports, integrity, provenance
from halluc.runs.directory import RunDir
from halluc.runs.exports import DevComparison, ExportFile, SpecialPieces
from halluc.runs.provenance import file_sha256
from halluc.runs.results import ExportResult
from halluc.wording import formats
from halluc.workflows import run_state, trained_models, training_knowledge
from halluc.workflows.job import Job
from halluc.workflows.ready_models import ReadyModel
from halluc.workflows.trained_models import Trained

_CODE = "C230"
_PACKAGES = ("torch", "transformers", "tokenizers", "onnx", "onnxscript", "onnxruntime")
# The maximum decrease of the primary figure on dev.
TOLERANCE = 0.005
# Files of an export that its evaluation rewrites.
_CHANGING = frozenset({"run.json", "confidence.json"})
# The model settings that halluc reads, with the names that transformers uses for every model.
_SETTINGS = ("max_position_embeddings", "pad_token_id", "type_vocab_size", "model_type", "problem_type")


@dataclass(frozen=True)
class ExportOptions:
    """``output`` defaults to a folder in the run; ``force`` replaces an earlier export."""

    format: exports.Format = "onnx"
    quantize: exports.Quantization | None = None
    tolerance: float = TOLERANCE
    output: Path | None = None
    force: bool = False

    def refuse_invalid(self) -> None:
        """
        Raises:
            HallucError C230: unknown format or quantisation, or a combination that is not supported.
        """
        for option, value, known in (
            ("--format", self.format, get_args(exports.Format)),
            ("--quantize", self.quantize, get_args(exports.Quantization)),
        ):
            if value is not None and value not in known:
                help = suggestion(value, known, f"one of {', '.join(known)}")
                raise HallucError(_CODE, f"{option} cannot be `{value}`", help=help)
        if self.quantize is not None and self.format != "onnx":
            raise HallucError(_CODE, "--quantize needs --format onnx", help="remove it, or export to ONNX")
        if not 0 <= self.tolerance <= 1:
            raise HallucError(_CODE, f"--tolerance is {self.tolerance:g}", help="give a number from 0 to 1")


def export(reference: str, options: ExportOptions) -> ExportResult:
    """Export the model of a run, unless its predictions on dev are worse by more than the tolerance.

    Raises:
        HallucError C230: options, run or task are not suitable. C107: there is no dev. C232: the folder exists. E420: a
            package is missing. E413: torch cannot export the model. G101: the export is worse than the tolerance
            allows. Others: as ``trained_models.locate``.
    """
    options.refuse_invalid()
    if options.format == "onnx":
        for package in ("onnx", "onnxscript", "onnxruntime"):
            require_package(package, "an export to ONNX", "onnx")
    trained = trained_models.locate(reference)
    run = _exportable(trained, reference)
    kind = "-".join(filter(None, (options.format, options.quantize)))
    target = (options.output or run.path / "export" / kind).absolute()
    _refuse_existing(target, run, options.force)
    run_state.warn_changed_model(run)
    dev = trained.job.corpora(("dev",)).splits["dev"]
    model = ReadyModel.load(trained.job, trained.reference, precision="fp32")  # exports compute in fp32
    tell(f"model: {trained.reference} ({model.engine.device.type}, {model.engine.precision})")
    records: list[ExportFile] = []

    def fill(folder: Path) -> None:
        records.append(_Writer(trained, model, dev, options, RunDir(folder), target).write())

    with files.elsewhere(files.TO_OUTPUT):
        files.replace_folder(target, fill)
    result = ExportResult(**dict(records[0]), export=str(target))
    conclude(f"export: {target}")
    put(result)
    return result


def _exportable(trained: Trained, reference: str) -> RunDir:
    """The run of a model that can be exported.

    Raises:
        HallucError C230: it has no run, is an export, or needs several passes or models. C107: no dev. R105: its
            training is not finished.
    """
    job, run, what, help = trained.job, trained.run, "", ""
    settings = job.settings.eval
    if run is None:
        what, help = "is not a run of halluc, so it cannot be compared on dev", "use a run directory"
    elif exports.of_model(run.model) is not None:
        what, help = "is already an export", "use the run that was exported"
    elif not hasattr(job.task.model, "scored"):
        what = f"is of {job.task.name}: its model generates text, which needs more than one forward pass"
        help = "halluc only exports models that label texts, spans or pairs, or extract answers"
    elif settings.ensemble:
        what, help = (
            "predicts with an ensemble",
            "train one model on its predictions (`train.teacher`), and export that",
        )
    elif settings.uncertainty is not None:
        what, help = "predicts with dropout (`eval.uncertainty`), which exports do not support", "train without it"
    elif job.settings.data.dev is None:
        raise HallucError("C107", "an export is compared on `data.dev`, which the config does not have")
    if what:
        raise HallucError(_CODE, f"{reference} {what}", help=help)
    assert run is not None
    run_state.refuse_untrained(run, "its training did not finish")
    return run


def _refuse_existing(target: Path, run: RunDir, force: bool) -> None:
    """
    Raises:
        HallucError C232: the folder exists, and may not be replaced. C230: it is among runs, or is the run.
    """
    if target.parent == run.path.absolute().parent or run.path.absolute().is_relative_to(target):
        help = "choose another folder, or remove --output"
        raise HallucError(
            _CODE, f"{target} would look like a run, because it is next to the run or contains it", help=help
        )
    if not target.exists() and not target.is_symlink():
        return
    if not (target / exports.FILE).is_file() or target.is_symlink():
        raise HallucError("C232", f"{target} exists and is not an export", help="choose another --output")
    if not force:
        raise HallucError(
            "C232", f"{target} already exists", help="replace it with --force, or choose another --output"
        )


@dataclass(frozen=True)
class _Writer:
    """Writes an export into ``run``, a folder that becomes ``target``."""

    trained: Trained
    model: ReadyModel
    dev: Corpus[Any]
    options: ExportOptions
    run: RunDir
    target: Path

    def write(self) -> ExportFile:
        before = self.model.predict(self.dev).predictions
        inputs = self._write_model()
        self._write_knowledge()
        hashes = {
            path.relative_to(self.run.path).as_posix(): file_sha256(path)
            for path in sorted(self.run.path.rglob("*"))
            if path.is_file() and path.name not in _CHANGING
        }
        record = self._record(inputs, hashes)
        write_json(self.run.path / exports.FILE, record.model_dump(mode="json"))
        job = Job(self.trained.job.loaded, run=self.run)
        after = ReadyModel.load(job, str(self.run.model)).predict(self.dev).predictions
        record.comparison = compared(job.task, self.dev.examples, before, after, self.options.tolerance)
        tell(f"dev: {comparison_text(record.comparison)}")
        refuse_worse(record)
        write_json(self.run.path / exports.FILE, record.model_dump(mode="json"))
        return record

    def _record(self, inputs: list[str], hashes: dict[str, str]) -> ExportFile:
        options, tokenizer, origin = self.options, self.model.encoder.tokenizer, self.trained.run
        assert origin is not None
        return ExportFile.model_validate(
            {
                "task": self.model.task.name,
                "run": origin.path.resolve().name,
                "format": options.format,
                "quantization": options.quantize,
                "opset": exports.OPSET if options.format == "onnx" else None,
                "inputs": inputs,
                "special_pieces": {name: getattr(tokenizer, name, None) for name in SpecialPieces.model_fields},
                "versions": provenance.versions() | provenance.versions_of(_PACKAGES),
                "hardware": {**provenance.hardware(), "cpu_flags": provenance.cpu_flags()},
                "files": hashes,
            }
        )

    def _write_model(self) -> list[str]:
        """Write the model file, its config and its tokenizer; returns the names of the model's inputs."""
        from halluc.engine import exporting

        folder, options, encoder = self.run.model, self.options, self.model.encoder
        folder.mkdir()
        path = folder / exports.MODEL_FILES[options.format]
        network: Any = encoder.model
        features: Any = self.model.task.model.encode(self.dev.examples, encoder)
        lengths = features.lengths
        shortest = min((n for n, length in enumerate(lengths) if length > 1), key=lengths.__getitem__, default=0)
        try:
            inputs = exporting.write(network.cpu(), features.inputs([shortest] * 2), path, options.format)
            if options.quantize is not None:
                exporting.quantize(path)
        except OSError:
            raise
        except Exception as error:
            raise self._export_error(error) from error
        settings = network.config
        kept = {name: getattr(settings, name, None) for name in _SETTINGS}
        write_json(folder / "config.json", {**json.loads(settings.to_json_string(use_diff=False)), **kept})
        write_text(folder / "tokenizer.json", encoder.tokenizer.backend_tokenizer.to_str())
        for module in network.modules():
            if hasattr(module, "save_own_file"):
                module.save_own_file(folder)
        return inputs

    def _export_error(self, error: Exception) -> HallucError:
        log = self.target.with_name(f"{self.target.name}.log")
        write_text(log, "".join(traceback.format_exception(error)))
        message = f"{self.options.format} cannot represent this model: {first_line(error)}"
        return environment_error("E413", message, f"try another `--format`; the complete message is in {log}")

    def _write_knowledge(self) -> None:
        """Copy config, record, coverage and confidence: the files of a run, besides the model, that prediction
        needs."""
        origin, run = self.trained.run, self.run
        assert origin is not None
        shutil.copyfile(origin.config, run.config)
        training_knowledge.copy(origin, run)
        if origin.confidence.is_file():
            shutil.copyfile(origin.confidence, run.confidence)
        record = origin.read()
        record.command, record.status, record.model_files = "export", "done", integrity.of_model(run)
        confidence = {split: {name: sha256 for name, sha256 in of_split.items() if name == run.confidence.name}
                      for split, of_split in integrity.recorded_evaluations(record).items()}  # fmt: skip
        stages = {"train": record.stages["train"]}
        if "eval" in record.stages:
            stages["eval"] = record.stages["eval"].model_copy(update={"detail": {integrity.FILES: confidence}})
        record.stages = stages
        run.write(record)


def comparison_text(result: DevComparison) -> str:
    """A comparison in one line."""
    name = formats.title(result.figure)
    values = (
        f"{name} {formats.value(result.figure, result.run)} before, {formats.value(result.figure, result.export)} after"
    )
    if not result.differing:
        return f"the same {quantity(result.claims, 'claims')} in {quantity(result.examples, 'examples')}; {values}"
    interval = formats.interval(result.figure, result.interval)
    between = f" (95% interval of the difference {interval})" if interval else ""
    return f"{result.differing:,} of {quantity(result.claims, 'claims')} differ; {values}{between}"


def refuse_worse(record: ExportFile) -> None:
    """
    Raises:
        HallucError G101: the primary figure falls by more than the tolerance.
    """
    comparison = record.comparison
    assert comparison is not None
    if comparison.difference is not None and -comparison.difference > comparison.tolerance:
        cause = f"the model in {record.quantization}" if record.quantization else "the export"
        lost = f"{formats.title(comparison.figure)} decreases by {-comparison.difference:.4f} on dev"
        message = (
            f"{cause} is worse: {lost}, but --tolerance is {comparison.tolerance:g}. {comparison_text(comparison)}"
        )
        other = "export without --quantize, or " if record.quantization else ""
        help = f"{other}allow it with a larger --tolerance; nothing was written"
        raise HallucError("G101", message, help=help, exit_code=EXIT_GATE)
