"""The provenance of a run: code, versions, hardware, inputs."""

from __future__ import annotations

import functools
import os
import platform
import subprocess
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from halluc.core.files import sha256_of
from halluc.core.threads import cores

_PACKAGES = (
    "torch",
    "transformers",
    "accelerate",
    "tokenizers",
    "numpy",
    "seqeval",
    "nlpaug",
    "safetensors",
    "pydantic",
)


def versions() -> dict[str, str]:
    """The versions of Python and of the packages that affect results."""
    return {"python": platform.python_version(), **versions_of(_PACKAGES)}


@functools.cache
def versions_of(packages: tuple[str, ...]) -> dict[str, str]:
    """The versions of the installed ones of these packages; not to be changed, since it is cached."""
    results = {}
    for package in packages:
        try:
            results[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return results


def git_state(folder: Path) -> dict[str, Any] | None:
    """The commit of the checkout that contains ``folder``, and whether files differ from it; None outside of one."""

    def git(*arguments: str) -> str | None:
        try:
            done = subprocess.run(
                ["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=10, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    commit = git("rev-parse", "HEAD")
    if commit is None:
        return None
    return {"commit": commit, "dirty": bool(git("status", "--porcelain", "--untracked-files=no"))}


def hardware() -> dict[str, Any]:
    """The machine without its name: processor, cores that this process may use, memory."""
    results: dict[str, Any] = {"system": platform.system(), "machine": platform.machine(), "cores": cores()}
    try:
        results["memory_bytes"] = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        pass  # not available on this system
    return results


def cpu_flags() -> list[str]:
    """The vector instructions of the processor, which affect 8-bit results; empty if unknown (only Linux)."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    listed = next((line.partition(":")[2].split() for line in lines if line.startswith(("flags", "Features"))), [])
    return [flag for flag in listed if flag.startswith(("avx", "amx", "asimd", "sve", "i8mm"))]


def input_hashes(paths: Iterable[Path]) -> dict[str, str]:
    return {str(path): file_sha256(path) for path in paths}


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file; within a process a file is read again only if its time or size has changed.

    Raises:
        OSError: it cannot be read.
    """
    status = path.stat()
    return _digest(path, status.st_mtime_ns, status.st_size)


@functools.lru_cache(maxsize=4096)
def _digest(path: Path, changed: int, size: int) -> str:
    """The hash of a file; cached, since the cells of a study read the same files again and again."""
    return sha256_of(path)


def changed_inputs(inputs: Mapping[str, str]) -> list[str]:
    """The files whose content has changed; missing files are ignored."""
    existing = [Path(path) for path in inputs if Path(path).is_file()]
    return [path for path, digest in input_hashes(existing).items() if digest != inputs[path]]
