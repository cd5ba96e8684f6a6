"""The part of the API for runs and the installation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from halluc.api.calls import Callbacks, Source
from halluc.core.messages import listening

if TYPE_CHECKING:  # each function imports its workflow: `import halluc` loads neither numpy nor torch
    from halluc.runs.results import DoctorResult, ListedRun


def list_runs(folder: Source = "runs") -> list[ListedRun]:
    """The runs and studies of a folder with state and main figures, newest first, as ``halluc runs``.

    Raises:
        HallucError: the folder does not exist, or has no run.
    """
    from halluc.workflows import run_listing

    with listening(Callbacks(None, None)):
        return run_listing.list_runs(Path(folder))


def doctor() -> DoctorResult:
    """Versions, devices, and what halluc and each extra need, as ``halluc doctor``.

    ``missing`` in the result lists required packages that are not installed, or have another version.

    Raises:
        HallucError: halluc runs from a folder without being installed.
    """
    from halluc.workflows import diagnosis

    with listening(Callbacks(None, None)):
        return diagnosis.diagnose()
