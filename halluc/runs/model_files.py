"""Size and SHA-256 of the files of a model, recorded when it is published and compared when it is used."""

from __future__ import annotations

from pathlib import Path

from halluc.core.files import irregular, sha256_of
from halluc.runs.directory import RunDir
from halluc.runs.schema import FileHash

# What transformers and tokenizers look for in a model folder. A file of another kind, such as README.md, may be added.
_READ = (".json", ".safetensors", ".bin", ".index", ".model", ".txt", ".jinja", ".py", ".pt", ".h5", ".msgpack")


def described(file: Path) -> FileHash:
    """Size and SHA-256 of a file; raises OSError where it cannot be read."""
    return FileHash(bytes=file.stat().st_size, sha256=sha256_of(file))


def difference(file: Path, expected: FileHash) -> str | None:
    """What is wrong with a file, as a phrase that follows its name; None where it is as expected."""
    try:
        size, kind = file.stat().st_size, irregular(file)
        if kind is not None:
            return f"is {kind}"
        if size != expected.bytes:
            return f"has {size:,} bytes, not {expected.bytes:,}"
        return None if sha256_of(file) == expected.sha256 else "is not what was written"
    except OSError as error:
        return f"cannot be read: {error.strerror}"


def published(run: RunDir) -> dict[str, FileHash]:
    """The files of ``model/`` by their path in it, for ``RunFile.model_files``."""
    files = sorted(path for path in run.model.rglob("*") if path.is_file())
    return {path.relative_to(run.model).as_posix(): described(path) for path in files}


def changed(run: RunDir) -> list[str]:
    """Files of ``model/`` that are not what the training published: edited, missing, or added and read by transformers.

    Empty where nothing was recorded (runs of earlier versions), and where the whole model was removed.

    Raises:
        HallucError R101, R102: ``run.json`` cannot be read.
    """
    expected = run.read().model_files
    if not expected or not run.model.is_dir():
        return []
    edited = [name for name, file in expected.items() if difference(run.model / name, file) is not None]
    added = [path.name for path in run.model.iterdir() if path.name not in expected and path.suffix in _READ]
    return sorted(edited + added)
