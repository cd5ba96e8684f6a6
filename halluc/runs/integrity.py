"""Whether the files of a run are unchanged: their SHA-256 hashes, as recorded in ``run.json``.

``train`` and ``eval`` record the hashes of their files in ``stages.<command>.detail.files`` when they end, ``augment``
in its manifest. A command that is killed earlier leaves the old hashes, or none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from halluc.core.files import irregular
from halluc.runs.directory import RunDir
from halluc.runs.provenance import file_sha256
from halluc.runs.records import content_sha256
from halluc.runs.schema import RunFile, Stage

FILES = "files"
# Files that transformers and tokenizers read in a model folder. Other files, such as README.md, may be added.
_OF_A_MODEL = (".json", ".safetensors", ".bin", ".index", ".model", ".txt", ".jinja", ".py", ".pt", ".h5", ".msgpack")
# The message about a file that did not exist when the training ended.
ADDED = "was added after training"
Hashes = dict[str, str]

_OF_TRAINING = TypeAdapter(Hashes)
_OF_EVALUATION = TypeAdapter(dict[str, Hashes])


def of_training(run: RunDir) -> Hashes:
    """The hashes of the files that a training writes and a report reads, by their path in the run."""
    sources = sorted((run.path / "source").glob("*"))
    return _hashes(run, (run.config, *sources, run.data, run.coverage, run.withheld, *run.bases, run.events))


def of_evaluation(run: RunDir, split: str) -> Hashes:
    """The hashes of all files of the evaluation of a split, by their path in the run."""
    reports = [run.report(split, suffix) for suffix in ("json", "txt")]
    return _hashes(run, (run.evaluation(split), run.ledger(split), run.predictions(split), *reports, run.confidence))


def of_model(run: RunDir) -> Hashes:
    """The hashes of the files of ``model/``, by their path in it, for ``RunFile.model_files``."""
    files = sorted(path for path in run.model.rglob("*") if path.is_file())
    return {path.relative_to(run.model).as_posix(): file_sha256(path) for path in files}


def model_digest(folder: Path) -> str | None:
    """A hash of the files of a model folder that a library reads; None if there is no such folder."""
    if not folder.is_dir():
        return None
    files = {path.name: file_sha256(path) for path in folder.iterdir() if path.suffix in _OF_A_MODEL and path.is_file()}
    return content_sha256(files)


def changed_model_files(run: RunDir, record: RunFile) -> dict[str, str]:
    """Problems of files of ``model/``, by their path in it, as words that follow the name: a file was edited, is
    missing, or was added and is of a kind that transformers reads.

    Empty if nothing was recorded (runs of earlier versions), or if the whole model was removed.
    """
    if not record.model_files or not run.model.is_dir():
        return {}
    known = record.model_files
    added = {path.name for path in run.model.iterdir() if path.suffix in _OF_A_MODEL} - known.keys()
    result = problems(run.model, known, "the training") | dict.fromkeys(added, ADDED)
    return dict(sorted(result.items()))


def confidence_problem(run: RunDir, record: RunFile) -> str | None:
    """The problem of ``confidence.json``, as words that follow its name; None if the newest evaluation wrote it.

    Evaluations of several splits write it in turn, so it is valid if it belongs to one of them.
    """
    recorded = {files.get(run.confidence.name) for files in recorded_evaluations(record).values()} - {None}
    results = [problem(run.confidence, sha256, "the evaluation") for sha256 in recorded if sha256 is not None]
    return None if None in results else next(iter(results), None)


def _hashes(run: RunDir, paths: Iterable[Path]) -> Hashes:
    return {str(path.relative_to(run.path)): file_sha256(path) for path in paths if path.is_file()}


def recorded_training(record: RunFile) -> Hashes:
    """The record of a finished training; empty if one is running, or was of an earlier version."""
    stage = record.stages.get("train")
    result: Hashes = {} if stage is None or stage.status != "done" else _recorded(stage, _OF_TRAINING)
    return result


def recorded_evaluations(record: RunFile) -> dict[str, Hashes]:
    """The records of evaluations, by split; without splits that were evaluated by an earlier version."""
    stage = record.stages.get("eval")
    results: dict[str, Hashes] = {} if stage is None else _recorded(stage, _OF_EVALUATION)
    return results


def _recorded(stage: Stage, kind: TypeAdapter[Any]) -> Any:
    try:
        return kind.validate_python(stage.detail.get(FILES, {}))
    except ValidationError:
        return {}  # run.json was changed, which is reported separately


def problems(folder: Path, recorded: Mapping[str, str], when: str) -> dict[str, str]:
    """Problems of files, in words, by their path in ``folder``; unchanged files have no entry.

    Args:
        when: the end of "was changed after …".
    """
    results = {name: problem(folder / name, sha256, when) for name, sha256 in recorded.items()}
    return {name: text for name, text in results.items() if text is not None}


def problem(path: Path, sha256: str, when: str) -> str | None:
    """The problem of one file, as words that follow its name; None if its hash is ``sha256``."""
    kind = irregular(path)
    if kind is not None:
        return f"is {kind}, not a file"
    try:
        return None if file_sha256(path) == sha256 else f"was changed after {when}"
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
