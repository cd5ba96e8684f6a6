"""The cache of a study's figures: ``study.json`` for the default split and reference, separate files for others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from halluc import __version__
from halluc.analysis.points import StudyCell
from halluc.config.hashing import sha256_of_tree
from halluc.config.slugs import slug_of
from halluc.core.errors import HallucError
from halluc.core.files import write_json
from halluc.core.messages import say
from halluc.runs.directory import RunDir
from halluc.runs.evaluations import task_of
from halluc.runs.integrity import recorded_evaluations
from halluc.runs.provenance import file_sha256
from halluc.runs.records import content_sha256, read_record
from halluc.runs.studies import Plain, StudyFigures, StudyFile

# Increased with every change of the figures or their computation: figures of another version are computed again.
METHOD = 4


def file_of(home: Path, split: str | None, references: Mapping[str, Plain]) -> Path:
    """The cache file for a split and references; None and empty: the defaults."""
    return home / ("-".join(["study", *[part for part in (split, slug_of(references)) if part]]) + ".json")


def fingerprint(name: str, places: Sequence[StudyCell], split: str, references: Mapping[str, Plain]) -> str:
    """Hash of everything that the figures of a study depend on, except the path of its folder."""
    cells = [
        [
            place.slug,
            dict(place.choice),
            _on_record(place.run, split),
            task_of(place.run),
            _hashes(place.run, split, "dev"),  # dev selects the best value of a setting
        ]
        for place in places
    ]
    by = {"halluc": __version__, "method": METHOD}
    return sha256_of_tree({**by, "name": name, "split": split, "references": dict(references), "cells": cells})


def _on_record(run: RunDir, split: str) -> dict[str, str] | None:
    """The hashes recorded by the evaluation: files that do not match them are not used. None if there is no run."""
    try:
        return recorded_evaluations(run.read()).get(split, {})
    except HallucError:
        return None


def _hashes(run: RunDir, *splits: str) -> list[str | None]:
    files = [file(split) for split in splits for file in (run.ledger, run.predictions, run.evaluation)]
    return [file_sha256(file) if file.is_file() else None for file in files]


def load(file: Path, wanted: str) -> StudyFigures | None:
    """The cached figures of a file, if they have the wanted fingerprint."""
    try:
        cached = read_record(file, StudyFile, damaged="R101", other_version="R102", help="compute it again")
    except FileNotFoundError:
        return None
    except HallucError as error:
        if error.code != "R102":
            say(f"note: {error.message}: the figures are computed again", style="yellow")
        return None
    if cached.fingerprint != wanted:
        return None
    figures = cached.model_dump(mode="json", exclude={"sha256"})
    if cached.sha256 not in (None, content_sha256(figures)):
        say(f"note: {file} was changed after halluc wrote it: the figures are computed again", style="yellow")
        return None
    return StudyFigures.model_validate(figures)


def with_current_paths(figures: StudyFigures, places: Sequence[StudyCell]) -> StudyFigures:
    """The figures with the current paths of their runs."""
    now = {place.slug: str(place.run.path) for place in places}
    return figures.model_copy(
        update={
            "cells": [
                cell.model_copy(update={"runs": [now[Path(run).name] for run in cell.runs]}) for cell in figures.cells
            ]
        }
    )


def store(file: Path, result: StudyFigures) -> str | None:
    """Write the figures; returns a message if that fails, since a report does not need the cache."""
    try:
        figures = result.model_dump(mode="json")
        write_json(file, {**figures, "sha256": content_sha256(figures)})
    except HallucError as error:
        return f"{error.message}: the figures are not cached, and will be computed again"
    return None
