"""Diagnosis of this installation: versions, devices, threads, precision, and the requirements of each extra."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from importlib import metadata
from typing import Any

from packaging.requirements import Requirement

from halluc import __version__
from halluc.core.errors import environment_error
from halluc.core.messages import put
from halluc.runs import provenance
from halluc.runs.results import DoctorResult, ExtraState, RequirementState

# Programs that a config may use, and what needs them.
_PROGRAMS = {"apertium": "back_translation, engine apertium", "git": "the commit in run.json"}
# Extras for the developers of halluc.
_OWN = frozenset({"dev", "browser"})


def diagnose() -> DoctorResult:
    """Inspect the installed packages and the devices that torch finds; nothing is trained or written.

    Raises:
        HallucError E411: halluc runs from a folder without being installed.
    """
    try:
        extras = metadata.metadata("halluc").get_all("Provides-Extra") or []
    except metadata.PackageNotFoundError:
        help = "run pip install -e . in a checkout, or pip install halluc"
        raise environment_error(
            "E411", "halluc is not installed as a package, so its requirements are unknown", help
        ) from None
    result = DoctorResult(
        halluc=__version__,
        versions=provenance.versions(),
        hardware=provenance.hardware(),
        device=_device(),
        required=list(_requirements("")),
        extras=[
            ExtraState(name=name, for_development=name in _OWN, requirements=list(_requirements(name)))
            for name in extras
        ],
        programs={name: (shutil.which(name), use) for name, use in _PROGRAMS.items()},
    )
    put(result)
    return result


def _device() -> dict[str, Any]:
    """As in ``run.json``; of several GPUs the first one, and their number."""
    from halluc.engine import runtime  # before torch, which reads its thread settings once

    result = runtime.describe(runtime.start("auto", seed=1))
    if result["device"] == "cuda":
        import torch

        result["gpus"] = torch.cuda.device_count()
        result["gpu_memory_bytes"] = torch.cuda.get_device_properties(0).total_memory
    return result


def _requirements(extra: str) -> Iterator[RequirementState]:
    """The requirements of halluc itself (``extra`` is empty), or of one extra."""
    for line in metadata.requires("halluc") or ():
        requirement = Requirement(line)
        of_extra = re.search(r"""extra == ['"]([^'"]+)""", str(requirement.marker or ""))
        if (of_extra[1] if of_extra else "") != extra:
            continue
        try:
            version: str | None = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            version = None
        fits = version is not None and requirement.specifier.contains(version, prereleases=True)
        yield RequirementState(name=requirement.name, asks=str(requirement.specifier), version=version, fits=fits)
