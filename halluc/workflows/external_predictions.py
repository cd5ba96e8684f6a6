"""Predictions of another tool: their file, their split, and their conversion to predictions of the task."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from halluc.config.evaluation import EvalConfig
from halluc.config.hashing import section_in_hash
from halluc.config.loading import LoadedConfig
from halluc.core.characters import cut
from halluc.core.errors import HallucError, ManyErrors
from halluc.core.files import write_json
from halluc.core.messages import tell, warn
from halluc.core.quantities import quantity
from halluc.data.predictions import (
    EXTRA,
    MISSING,
    OTHER_TOKENS,
    ExternalPrediction,
    PredictionFile,
    joined,
    read_predictions,
    unknown_labels,
)
from halluc.data.rows.references import SPLITS, SplitName
from halluc.runs import provenance
from halluc.runs.schema import ConfidenceFile, EvalFile, JudgedFile
from halluc.workflows import assessment, ready_models, training_knowledge
from halluc.workflows import job as jobs
from halluc.workflows.job import Job

_MOST_NAME, _MOST_LABELS = 200, 5


@dataclass(frozen=True)
class Tool:
    """The file of a tool's predictions, and the tool's name."""

    file: Path
    name: str

    @classmethod
    def of(cls, file: Path | None, name: str | None, others: Mapping[str, object]) -> Tool:
        """
        Args:
            others: the options that cannot be combined with a file of predictions, with their values.

        Raises:
            HallucError C011: one of them is set, or there is no file, or the name is invalid.
        """
        if file is None:
            help = "halluc eval CONFIG --predictions FILE --name NAME"
            raise HallucError("C011", "--name is the name of the tool whose predictions are evaluated", help=help)
        for option in [option for option, value in others.items() if value]:
            raise HallucError(
                "C011",
                f"{option} cannot be combined with --predictions: no model is evaluated",
                help="remove one of them",
            )
        stem = Path(file.name.removesuffix(".gz")).stem or "predictions"
        own = stem[:_MOST_NAME] if name is None else name.strip()
        if not 0 < len(own) <= _MOST_NAME:
            raise HallucError("C011", f"--name has {len(own)} characters", help=f"give it 1 to {_MOST_NAME}")
        if not f"{own}{file}".isprintable():  # both are written to run.json and to reports
            raise HallucError("C011", "--name, or the path of --predictions, is not printable", help="rename it")
        return cls(file, own)


@dataclass(frozen=True)
class Judgeable:
    """A split with the predictions of a tool, and the file as recorded in ``run.json``."""

    record: JudgedFile
    predicted: ready_models.PredictedSplit

    def identity(self, loaded: LoadedConfig) -> dict[str, Any]:
        """The identity of the run of this evaluation, besides the sections that decide a model."""
        settings = {key: value for key, value in section_in_hash(loaded.tree, "eval").items() if key != "splits"}
        file = self.record.model_dump(include={"name", "sha256", "split"})
        return {"predictions": file, "data": section_in_hash(loaded.tree, "data"), "eval": settings}


def load(config: Path, overrides: Sequence[str]) -> LoadedConfig:
    """
    Raises:
        HallucError C128: the config is a study.
    """
    try:
        return jobs.load(config, overrides)
    except HallucError as error:
        if error.code != "C128":
            raise
        message = f"{config} has a `matrix`: predictions are evaluated on the data of a single experiment"
        raise HallucError("C128", message, help="remove it with --set matrix=null") from None


def get_split(splits: Sequence[SplitName], requested: Sequence[str] | None, option: str = "--predictions") -> SplitName:
    """The split of the file: by default test, or else dev.

    Raises:
        HallucError C011: several are requested.
    """
    if requested and len(splits) > 1:
        raise HallucError("C011", f"{option} is the file of one split", help="select one with --split")
    return splits[-1]


def read(tool: Tool, job: Job, split: SplitName) -> Judgeable:
    """Read the file, assign it to the split, and report its findings.

    Raises:
        HallucError or ManyErrors C011: it is the gold file. D1xx: see ``data.predictions``.
    """
    settings, corpora, path = job.settings, job.corpora((split,)), tool.file
    corpus = corpora.splits[split]
    if path.exists() and any(one.samefile(path) for one in corpora.files):
        raise HallucError(
            "C011", f"{path} is the gold of {split}", help="use the file with the predictions of the tool"
        )
    results, file = read_predictions(path, settings.data, corpus, corpora.annotation.schemes.get(split))
    results = [file.renamed(one, settings.eval.labels or {}) for one in results]
    try:
        imported, by = joined(results, corpus, file)
    except HallucError as error:
        raise _other_split_error(error, results, job, split, file) from None
    predictions = job.task.model.imported(corpus.examples, imported)
    unknown = unknown_labels(imported, corpus)
    notes = {**file.notes, **({"unknown_labels": unknown.total()} if unknown else {})}
    warnings = [*file.warnings, *_confidence_messages(imported, settings.eval, notes)]
    if unknown:
        text = ", ".join(f"`{cut(label)}` ({count:,})" for label, count in unknown.most_common(_MOST_LABELS))
        more = ", …" if len(unknown) > _MOST_LABELS else ""
        count = quantity(unknown.total(), "predictions with a label that is not in gold")
        warnings.append(f"{count}: {text}{more}; `eval.labels` renames labels")
    order = ""
    if by == "order":
        has_tokens = any(one.example.tokens for one in imported)
        order = ", with equal tokens" if has_tokens else ", which cannot be verified without texts"
    tell(f"{split}: {len(imported):,} predictions of {tool.name} from {path}, joined by {by}{order}")
    for warning in warnings:
        warn(warning)
    record = JudgedFile(name=tool.name, file=str(path), sha256=provenance.file_sha256(path), split=split, joined_by=by)
    return Judgeable(record, ready_models.PredictedSplit(corpus, predictions, notes))


def _other_split_error(
    error: HallucError, imported: Sequence[ExternalPrediction], job: Job, split: SplitName, file: PredictionFile
) -> HallucError:
    """The error, or an error saying that the file belongs to another split."""
    first = error.errors[0] if isinstance(error, ManyErrors) else error
    data = job.settings.data
    if first.code in (MISSING, EXTRA, OTHER_TOKENS):
        for other in SPLITS:
            if other != split and data.reference(other) is not None and _fits(imported, other, job, file):
                message = f"{file.path} has the predictions of {other}, not of {split}"
                return HallucError(first.code, message, first.where, f"--split {other}", first.exit_code)
    return error


def _fits(imported: Sequence[ExternalPrediction], split: SplitName, job: Job, file: PredictionFile) -> bool:
    try:
        joined(imported, job.corpora((split,)).splits[split], file)
    except HallucError:
        return False
    return True


def _confidence_messages(
    imported: Sequence[ExternalPrediction], settings: EvalConfig, notes: dict[str, int]
) -> Iterator[str]:
    """Messages about results that need confidences, or a model."""
    known = [confidence is not None for one in imported for confidence in one.confidences]
    if known and not any(known):
        yield "no prediction has a confidence: calibration, AURC, risk by coverage and abstention are not computed"
    elif not all(known):
        notes["without_confidence"] = known.count(False)
        few = quantity(known.count(False), "predictions without a confidence")
        yield f"{few}, of {len(known):,}: figures of confidence only use the others"
    if settings.calibration != "none":
        yield "`eval.calibration` is ignored: a temperature can only be fitted on the scores of a model"
    if settings.abstain is not None and settings.abstain.guarantee is not None:
        yield "`eval.abstain.guarantee` is ignored: it needs a model that predicts dev"


def judge(judgeable: Judgeable, job: Job) -> list[EvalFile]:
    """Write the files that ``assessment.assess`` writes for a model; novelty is relative to the config's training
    split, if any."""
    target = job.target
    record = target.read()
    record.predictions = judgeable.record
    target.write(record)
    knowledge = training_knowledge.of(job, anew=True)
    abstain = job.settings.eval.abstain
    confidence = ConfidenceFile(threshold=abstain.threshold if abstain else None)
    source = {"checkpoint": judgeable.record.name}
    file = assessment.write(target, job.task, source, judgeable.predicted, knowledge, confidence)
    write_json(target.confidence, confidence.model_dump(mode="json"))
    return [file]
