"""What is known of a run beside its figures: the data, the gates, and what a reader should be told."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import ValidationError

from halluc.core.errors import HallucError, Location
from halluc.report.collect.reading import Evaluated
from halluc.report.collect.shown import Texts
from halluc.runs.data import DATA_VERSION, ReadData
from halluc.runs.reports import Data, GateResult, SplitRow

_DATA_HELP = "restore it, or remove it: the report then tells of the evaluated split alone"


def data(source: Evaluated, texts: Texts) -> tuple[Data, list[str]]:
    """The splits that were trained on and the evaluated one, and what is to be said of them.

    Raises:
        HallucError R101: ``data.json`` is damaged. R102: it is of another version of halluc.
    """
    notes = []
    try:
        check = _read(source.run.path / "data.json", [count.name for count in texts.words.counts])
    except FileNotFoundError:
        check = ReadData()
        notes.append("data.json is missing: training data and their warnings are not told. `halluc train` writes it.")
    inputs = _inputs(source)
    rows = [
        SplitRow(name=name, sha256=inputs.get(split.source), **split.model_dump())
        for name, split in check.splits.items()
    ]
    if source.split not in check.splits:
        rows.append(_evaluated(source, texts, inputs))
    warnings = [*check.warnings, *_repeated(source, texts)]
    made = Data(splits=rows, scheme=check.scheme, warnings=warnings, withheld=source.record.gap)
    return made, notes


def _repeated(source: Evaluated, texts: Texts) -> list[str]:
    """Evaluated texts that were trained on too: of dev it was told when training began."""
    if not texts.repeated or source.split != "test":
        return []
    stand = "text also stands" if texts.repeated == 1 else "texts also stand"
    return [f"{texts.repeated:,} {source.split} {stand} in train, by which figures on {source.split} look better"]


def _read(path: Path, names: list[str]) -> ReadData:
    """
    Args:
        names: what the task calls its counts, for files that are older than such names.
    """
    where = Location(str(path), 1)
    try:
        content = json.loads(path.read_bytes())
        version = content.get("schema_version", 1) if isinstance(content, dict) else 1
        if isinstance(version, int) and version > DATA_VERSION:
            use = f"this halluc reads up to version {DATA_VERSION}: use the halluc that wrote it, or {_DATA_HELP}"
            raise HallucError("R102", f"{path} is of schema version {version}", help=use)
        return ReadData.model_validate(content, context=names)
    except json.JSONDecodeError as error:
        where, told = Location(str(path), error.lineno, error.colno), error.msg
    except UnicodeDecodeError:
        told = "it is not UTF-8"
    except ValidationError as error:
        told = error.errors()[0]["msg"]
    raise HallucError("R101", f"data.json is damaged: {told}", where, _DATA_HELP)


def _inputs(source: Evaluated) -> dict[str, str]:
    """The sha256 of every file that was trained on or evaluated, as it was at the time."""
    evaluation = source.record.stages.get("eval")
    found = evaluation.detail.get("inputs") if evaluation else None
    return {**(found if isinstance(found, dict) else {}), **source.record.inputs}


def _evaluated(source: Evaluated, texts: Texts, inputs: dict[str, str]) -> SplitRow:
    """The evaluated split as its predictions have it."""
    section = source.config.get("data")
    named = section.get(source.split) if isinstance(section, dict) else None
    reference = str(named or "")
    if reference not in inputs:  # a corpus that ships is named by another word than its file
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


def gates(source: Evaluated) -> tuple[list[GateResult], list[str]]:
    """The bounds that the last evaluation was held to.

    Raises:
        HallucError R101: they are not on record as they should be.
    """
    evaluation = source.record.stages.get("eval")
    recorded = evaluation.detail.get("gates") if evaluation else None
    if recorded is None:
        asked = bool(source.config.get("gates"))
        told = f"Whether the gates were met is not on record: `halluc eval --run {source.run.path}` records it."
        return [], [told] if asked else []
    try:
        return [GateResult.model_validate(gate) for gate in recorded], []
    except (TypeError, ValidationError):
        path = source.run.path / "run.json"
        help = f"evaluate again: halluc eval --run {source.run.path}"
        raise HallucError("R101", f"{path} is damaged: no gates in stages.eval.detail", help=help) from None


_STATES = {
    "running": "has not ended, or was killed",
    "failed": "failed",
    "interrupted": "was interrupted",
}


OF_TRAINING = "Figures are of the training split: they tell what the model remembers."


def state(source: Evaluated) -> list[str]:
    """What a reader must know before believing a figure: how the commands ended, and which split this is."""
    notes = []
    for command, stage in source.record.stages.items():
        if stage.status in _STATES:
            ended = _STATES[stage.status]
            notes.append(f"The last `halluc {command}` of this run {ended}: what is shown may be of an earlier one.")
    if source.split == "train":
        notes.append(OF_TRAINING)
    if source.split == "dev" and source.chosen_on_dev:
        notes.append("Dev chose the checkpoint: figures on it are a little better than on new data.")
    return notes
