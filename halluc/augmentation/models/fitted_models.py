"""A cache of fitted models by fingerprint: runs with the same data and settings share a model.

A fitted model is a folder ``<method>-<fingerprint>``, created with one rename, whose ``fitted.json`` has the SHA-256 of
every other file. During training, checkpoints are in a folder next to it, from which the next process resumes if this
one is killed. A lock lets one process train while others wait for its model.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from halluc.augmentation.methods.base import Workspace
from halluc.core.edits import Editable
from halluc.core.files import make_folder, read_regular, replace_folder, write_json
from halluc.core.locks import locked
from halluc.core.messages import warn
from halluc.engine.references import ModelSource
from halluc.runs.directory import FITTED_RECORD
from halluc.runs.provenance import file_sha256

# A part of every fingerprint, so that models that an earlier version fitted differently are not reused.
_VERSION = 1


@dataclass(frozen=True)
class Fitted:
    """A fitted model: its files, and its facts."""

    folder: Path
    facts: dict[str, Any]


class UnsavedModel(NamedTuple):
    """A trained model before it is in the cache: its facts as JSON values, and a function that writes its files."""

    facts: dict[str, Any]
    write: Callable[[Path], object]


def fit_or_load(
    workspace: Workspace, method: str, identity: Mapping[str, Any], train: Callable[[Path], UnsavedModel]
) -> Fitted:
    """The fitted model of a method from the cache; if it is not there, it is trained.

    Args:
        identity: all that the model depends on, as JSON values: settings, seed, digests of data.
        train: called with a folder for checkpoints, which may have those of a killed process.

    Raises:
        HallucError E401: the disk is full or read-only. Also the errors of ``train``.
    """
    text = json.dumps({"version": _VERSION, **identity}, sort_keys=True)
    fingerprint = hashlib.sha256(text.encode()).hexdigest()
    name = f"{method}-{fingerprint[:16]}"
    folder, work = workspace.folder / name, workspace.folder / f"{name}.checkpoints"
    make_folder(workspace.folder)
    with locked(workspace.folder / f"{name}.lock", folder, waits=True):
        model = _read_fitted(folder, fingerprint)
        if model is None:
            trained = train(work)
            replace_folder(folder, lambda new: _write(new, trained, fingerprint, identity))
            model = _read_fitted(folder, fingerprint)
            assert model is not None, "it was just written"
        shutil.rmtree(work, ignore_errors=True)
    return model


def _write(folder: Path, trained: UnsavedModel, fingerprint: str, identity: Mapping[str, Any]) -> None:
    trained.write(folder)
    files = {str(path.relative_to(folder)): file_sha256(path) for path in sorted(folder.rglob("*")) if path.is_file()}
    record = {"fingerprint": fingerprint, "identity": identity, "facts": trained.facts, "files": files}
    write_json(folder / FITTED_RECORD, record)


def _read_fitted(folder: Path, fingerprint: str) -> Fitted | None:
    """A fitted model with verified files; None if there is none, or if it is damaged."""
    if not folder.is_dir():
        return None
    try:
        record = json.loads(read_regular(folder / FITTED_RECORD))
        if record["fingerprint"] != fingerprint:
            raise ValueError(f"{FITTED_RECORD} is of another model")
        for name, sha256 in record["files"].items():
            if file_sha256(folder / name) != sha256:
                raise ValueError(f"{name} was changed")
        facts = dict(record["facts"])
        with contextlib.suppress(OSError):
            os.utime(folder)  # `halluc clean` deletes models that were not used recently
        return Fitted(folder, facts)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        warn(f"the fitted model in {folder} is damaged ({error}): it is fitted again")
        return None


def digest_of(examples: Iterable[Editable]) -> str:
    """SHA-256 of examples, for fingerprints."""
    digest = hashlib.sha256()
    for example in examples:
        digest.update(repr(tuple(example)).encode("utf-8", "surrogatepass"))
        digest.update(b"\n")
    return digest.hexdigest()


def digest_of_model(source: ModelSource) -> dict[str, Any]:
    """The identity of a pre-trained model's weights: the SHA-256 of its files, or its name on the hub."""
    folder = Path(source.name)
    if source.gguf is not None:
        return {"files": {source.gguf: file_sha256(folder / source.gguf)}}
    if not source.local or not folder.is_dir():  # on the hub; its files may be in the local cache
        return {"hub": source.name, "revision": source.revision}
    return {"files": {path.name: file_sha256(path) for path in sorted(folder.iterdir()) if path.is_file()}}
