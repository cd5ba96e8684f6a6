"""Models that are fitted once and cached by fingerprint, so that every run with the same data and settings shares one.

A fitted model is a folder ``<method>-<fingerprint>``. It is created atomically with one rename, and its ``fitted.json``
has the SHA-256 of every other file. While the model is trained, checkpoints are in a folder next to it: if the process
is killed, the next one resumes from there. A lock lets one process train while others wait for its model.
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
from typing import Any

from halluc.augmentation.methods.base import Workspace
from halluc.core.edits import Editable
from halluc.core.files import make_folder, read_regular, replace_folder, write_json
from halluc.core.locks import locked
from halluc.core.messages import warn
from halluc.engine.references import ModelSource
from halluc.runs.directory import FITTED_RECORD
from halluc.runs.provenance import file_sha256

# Part of every fingerprint: models fitted differently by an earlier version are not reused.
_VERSION = 1


@dataclass(frozen=True)
class Fitted:
    """A fitted model: its files, and the facts recorded by its maker."""

    folder: Path
    facts: dict[str, Any]


@dataclass(frozen=True)
class Fitting:
    """How a fitted model is made.

    ``identity`` is everything that the model depends on, as JSON values: settings, seed, digests of data. ``make`` gets
    a folder for checkpoints, which may have those of a killed process, and returns a function that writes the model to
    a folder and returns the facts for ``Fitted``, plain JSON values.
    """

    method: str
    identity: Mapping[str, Any]
    make: Callable[[Path], Callable[[Path], dict[str, Any]]]

    @property
    def fingerprint(self) -> str:
        text = json.dumps({"version": _VERSION, **self.identity}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def fitted(workspace: Workspace, fitting: Fitting) -> Fitted:
    """The fitted model: loaded if it exists already, otherwise made now.

    Raises:
        HallucError E401: it cannot be written: the disk is full or read-only; existing files stay. Also whatever
            ``fitting.make`` raises.
    """
    name = f"{fitting.method}-{fitting.fingerprint[:16]}"
    folder, work = workspace.folder / name, workspace.folder / f"{name}.checkpoints"
    make_folder(workspace.folder)
    with locked(workspace.folder / f"{name}.lock", folder, waits=True):
        model = _read(folder, fitting.fingerprint)
        if model is None:
            write = fitting.make(work)
            replace_folder(folder, lambda new: _write(new, write, fitting))
            model = _read(folder, fitting.fingerprint)
            assert model is not None, "what was written can be read"
        shutil.rmtree(work, ignore_errors=True)
    return model


def _write(folder: Path, write: Callable[[Path], dict[str, Any]], fitting: Fitting) -> None:
    facts = write(folder)
    files = {str(path.relative_to(folder)): file_sha256(path) for path in sorted(folder.rglob("*")) if path.is_file()}
    record = {"fingerprint": fitting.fingerprint, "identity": fitting.identity, "facts": facts, "files": files}
    write_json(folder / FITTED_RECORD, record)


def _read(folder: Path, fingerprint: str) -> Fitted | None:
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
            os.utime(folder)  # `halluc clean` deletes those that were not used recently
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
    if not source.local or not folder.is_dir():  # a name on the hub, whose files may be in the cache
        return {"hub": source.name, "revision": source.revision}
    return {"files": {path.name: file_sha256(path) for path in sorted(folder.iterdir()) if path.is_file()}}
