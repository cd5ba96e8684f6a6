"""What is known of a run beside its figures: the data, the gates, and what a reader should be told."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import BaseModel, ValidationError

from halluc.core.errors import HallucError, Location
from halluc.report.collect.reading import Evaluated
from halluc.report.collect.shown import Texts
from halluc.runs.reports import Data, GateResult, SplitRow

_DATA_HELP = "restore it, or remove it: the report then tells of the evaluated split alone"


class _Split(BaseModel):
    source: str
    sentences: int | None = None
    tokens: int | None = None
    mentions: int | None = None
    entity_free: int | None = None
    duplicates: int | None = None
    labels: dict[str, int] = {}


class _Check(BaseModel):
    """What is shown of ``data.json``."""

    scheme: str | None = None
    splits: dict[str, _Split] = {}
    warnings: list[str] = []


def data(source: Evaluated, texts: Texts) -> tuple[Data, list[str]]:
    """The splits that were trained on and the evaluated one, and what is to be said of them.

    Raises:
        HallucError R101: ``data.json`` is damaged.
    """
    notes = []
    try:
        check = _read(source.run.path / "data.json")
    except FileNotFoundError:
        check = _Check()
        notes.append("data.json is missing: training data and their warnings are not told. `halluc train` writes it.")
    inputs = _inputs(source)
    rows = [
        SplitRow(name=name, sha256=inputs.get(split.source), **split.model_dump())
        for name, split in check.splits.items()
    ]
    if source.split not in check.splits:
        rows.append(_evaluated(source, texts, inputs))
    made = Data(splits=rows, scheme=check.scheme, warnings=check.warnings, withheld=source.record.gap)
    return made, notes


def _read(path: Path) -> _Check:
    content = path.read_bytes()
    try:
        return _Check.model_validate_json(content)
    except ValidationError as error:
        where, told = Location(str(path), 1), error.errors()[0]["msg"]
    try:
        json.loads(content)
    except json.JSONDecodeError as error:
        where = Location(str(path), error.lineno, error.colno)
    except UnicodeDecodeError:
        told = "it is not UTF-8"
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
        sentences=texts.examples,
        tokens=texts.tokens,
        mentions=texts.labels.total(),
        entity_free=texts.entity_free,
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


def state(source: Evaluated) -> list[str]:
    """What a reader must know before believing a figure: how the commands ended, and which split this is."""
    notes = []
    for command, stage in source.record.stages.items():
        if stage.status in _STATES:
            ended = _STATES[stage.status]
            notes.append(f"The last `halluc {command}` of this run {ended}: what is shown may be of an earlier one.")
    if source.split == "train":
        notes.append("Figures are of the training split: they tell what the model remembers.")
    if source.split == "dev" and source.chosen_on_dev:
        notes.append("Dev chose the checkpoint: figures on it are a little better than on new data.")
    return notes
