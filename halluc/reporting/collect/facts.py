"""Facts about a run besides its figures: the data, the gates, and warnings for the reader."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from halluc.core.errors import HallucError
from halluc.reporting.collect.claim_selection import Texts
from halluc.reporting.collect.reading import EvaluatedRun
from halluc.runs.data import read_data
from halluc.runs.reports import Data, GateResult, SplitRow
from halluc.runs.schema import RunFile


def data(source: EvaluatedRun, texts: Texts) -> Data:
    """The splits of training and the evaluated one; if ``data.json`` cannot be read, only the latter."""
    path, check = source.run.data, None
    if source.record.predictions is None:
        lacking = "the training data and its warnings are not shown"
        check = source.files.read(path, lambda: read_data(path), lacking)
    splits = {} if check is None else check.splits
    # The sha256 of every file at the time of training or evaluation.
    inputs = {**evaluated_inputs(source.record), **source.record.inputs}
    rows = [
        SplitRow(
            name=name, source=split.source, sha256=inputs.get(split.source), counts=split.counts,
            duplicates=split.duplicates, labels=split.labels,
        )
        for name, split in splits.items()
    ]  # fmt: skip
    if source.split not in splits:
        rows.append(_evaluated_split(source, texts, inputs))
    warnings = [] if check is None else list(check.warnings)
    if texts.repeated and source.split == "test":  # for dev it was reported when training began
        stand = "text is also" if texts.repeated == 1 else "texts are also"
        warnings.append(f"{texts.repeated:,} test {stand} in train, so figures on test are optimistic")
    scheme = None
    if check is not None:
        schemes = ", ".join(f"{scheme.upper()} in {split}" for split, scheme in check.schemes.items())
        scheme = check.scheme or schemes or None
    return Data(splits=rows, scheme=scheme, warnings=warnings, withheld=source.record.gap)


def evaluated_inputs(record: RunFile) -> dict[str, str]:
    """The sha256 of every evaluated file at that time."""
    evaluation = record.stages.get("eval")
    result = evaluation.detail.get("inputs") if evaluation else None
    return result if isinstance(result, dict) else {}


def _evaluated_split(source: EvaluatedRun, texts: Texts, inputs: dict[str, str]) -> SplitRow:
    """The evaluated split, from its predictions."""
    section = source.config.get("data")
    reference = str((section.get(source.split) if isinstance(section, dict) else None) or "")
    if reference not in inputs:  # a built-in corpus has another name than its file
        alike = [path for path in inputs if Path(path).stem == source.split and path not in source.record.inputs]
        reference = alike[0] if len(alike) == 1 and not reference.startswith("hub:") else reference
    return SplitRow(
        name=source.split,
        source=reference,
        sha256=inputs.get(reference),
        counts=dict(texts.counts),
        duplicates=None,
        labels=dict(sorted(texts.labels.items())),
    )


def gates(source: EvaluatedRun) -> tuple[list[GateResult], list[str]]:
    """The results of the gates of the last evaluation.

    Raises:
        HallucError R101: the record of them is damaged.
    """
    evaluation = source.record.stages.get("eval")
    recorded = evaluation.detail.get("gates") if evaluation else None
    if recorded is None:
        text = f"It was not recorded whether the gates were met: `halluc eval --run {source.run.path}` records it."
        return [], [text] if source.config.get("gates") else []
    try:
        return [_verify_gate(source, GateResult.model_validate(gate)) for gate in recorded], []
    except (TypeError, ValidationError):
        text = f"{source.run.path / 'run.json'} is damaged: no gates in stages.eval.detail"
        raise HallucError("R101", text, help=f"evaluate again: halluc eval --run {source.run.path}") from None


def _verify_gate(source: EvaluatedRun, gate: GateResult) -> GateResult:
    """A gate whose evaluation is missing or was changed is not met: its basis no longer exists."""
    if gate.split is None or f"eval/{gate.split}.json" not in source.files.changed:
        return gate
    text = f"{gate.text}: not verified, because eval/{gate.split}.json does not match the evaluation"
    return gate.model_copy(update={"met": False, "text": text})


_STATES = {"running": "has not ended, or was killed", "failed": "failed", "interrupted": "was interrupted"}


OF_TRAINING = "Figures are on the training split: they measure memorisation."


def state(source: EvaluatedRun) -> list[str]:
    """What a reader must know before trusting a figure: how the commands ended, and which split this is."""
    notes = [
        f"The last `halluc {command}` of this run {_STATES[stage.status]}: the report may show an earlier one."
        for command, stage in source.record.stages.items()
        if stage.status in _STATES
    ]
    judged = source.record.predictions
    if judged is not None:
        notes.append(
            f"These predictions are not from a model of halluc, but from {judged.name} ({judged.file}, SHA-256 "
            f"{judged.sha256[:12]}…), joined by {judged.joined_by}."
        )
        if not source.coverage:
            notes.append("The config has no training split, so novelty is unknown.")
        if not any(metric.name == "ece" for metric in source.file.metrics):
            notes.append("The predictions have no confidence: calibration, risk and abstention are not computed.")
    base = source.record.model.get("base")
    if isinstance(base, dict):
        also = base.get("novelty_judged_against_it")
        judged_by = (
            f"the training splits of this run and of {base.get('run')}"
            if also
            else "only the training split of this run"
        )
        notes.append(f"Training started from the model of {base.get('run')}. Novelty is relative to {judged_by}.")
    if source.file.ensemble:
        named = ", ".join(f"{one.model} ({(one.sha256 or 'hub')[:12]})" for one in source.file.ensemble)
        notes.append(f"Predictions by the mean probabilities of {len(source.file.ensemble)} models: {named}.")
    if source.split == "train":
        notes.append(OF_TRAINING)
    if source.split == "dev" and source.chosen_on_dev:
        notes.append("The checkpoint was selected on dev: figures on dev are slightly optimistic.")
    return notes
