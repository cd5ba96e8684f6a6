"""``study.json``: the figures of a study as they were counted last, and whether they still stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from halluc import __version__
from halluc.config.loading import sha256_of_tree
from halluc.core.errors import HallucError
from halluc.core.files import sha256_of, write_json
from halluc.report.collect.several import task_of
from halluc.runs.directory import RunDir
from halluc.runs.records import read_record
from halluc.runs.studies import Plain, StudyFigures

if TYPE_CHECKING:
    from halluc.commands.study import Place

STUDY_FIGURES = "study.json"


def fingerprint(name: str, places: Sequence[Place], split: str, references: Mapping[str, Plain]) -> str:
    """Hash of all that the figures of a study depend on; where its folder lies is none of it."""
    cells = [
        [place.slug, dict(place.choice), _is_run(place.run), task_of(place.run), *_hashes(place.run, split)]
        for place in places
    ]
    return sha256_of_tree(
        {"halluc": __version__, "name": name, "split": split, "references": dict(references), "cells": cells}
    )


def _is_run(run: RunDir) -> bool:
    try:
        run.read()
    except HallucError:
        return False
    return True


def _hashes(run: RunDir, split: str) -> list[str | None]:
    return [sha256_of(file) if file.is_file() else None for file in (run.ledger(split), run.predictions(split))]


def kept(home: Path, wanted: str) -> StudyFigures | None:
    """The figures in ``study.json``, where their fingerprint is the one wanted."""
    try:
        found = read_record(
            home / STUDY_FIGURES, StudyFigures, damaged="R101", other_version="R102", help="count it anew"
        )
    except (FileNotFoundError, HallucError):
        return None  # none, of another halluc, or damaged: it is written anew
    return found if found.fingerprint == wanted else None


def moved(found: StudyFigures, places: Sequence[Place]) -> StudyFigures:
    """The figures with their runs named where they lie now."""
    now = {place.slug: str(place.run.path) for place in places}
    cells = [cell.model_copy(update={"runs": [now[Path(run).name] for run in cell.runs]}) for cell in found.cells]
    return found.model_copy(update={"cells": cells})


def keep(home: Path, found: StudyFigures) -> None:
    """Write ``study.json``.

    Raises:
        HallucError E401: the disk is full, read-only or forbidden.
    """
    write_json(home / STUDY_FIGURES, found.model_dump(mode="json"))
