"""``halluc run``, with one of the launchers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from halluc.core import threads
from halluc.core.errors import HallucError
from halluc.launch import local, ray_tasks, slurm
from halluc.workflows import experiments
from halluc.workflows.cell_selection import EVERY_CELL, Selection


@dataclass(frozen=True)
class LaunchOptions:
    """Where the cells run: in this process, in ``jobs`` processes at once, or ``on`` a cluster.

    Raises:
        HallucError C019: ``jobs`` is not a number. C020: options that do not go together.
    """

    jobs: str | None = None
    on: Literal["slurm", "ray"] | None = None
    address: str | None = None
    dry_run: bool = False

    def __post_init__(self) -> None:
        if self.jobs is not None:
            local.number(self.jobs, threads.cores())
        wrong = {
            "--jobs cannot be combined with --on: a cluster has its own limits": self.jobs is not None
            and self.on is not None,
            "--address requires --on ray": self.address is not None and self.on != "ray",
            "--dry-run requires --on slurm": self.dry_run and self.on != "slurm",
        }
        for message in (message for message, is_so in wrong.items() if is_so):
            raise HallucError("C020", message, help="remove one of them")

    def refuse_cluster(self, why: str) -> None:
        """
        Raises:
            HallucError C020: there is ``--on``.
        """
        if self.on is not None:
            raise HallucError("C020", f"--on {self.on} {why}", help="leave it out")


HERE = LaunchOptions()


def run(
    config: Path, overrides: Sequence[str] = (), *, selection: Selection = EVERY_CELL, where: LaunchOptions = HERE
) -> experiments.CellOutcome:
    """Like ``experiments.run``, with the cells on the chosen backend; for SLURM they are only submitted.

    Raises:
        HallucError: as ``experiments.run``, ``local.launch``, ``ray_tasks.launch`` and ``slurm.submit``.
    """
    if where.on == "slurm":
        return slurm.submit(config, overrides, selection, dry_run=where.dry_run)
    launcher: experiments.Launcher = experiments.in_this_process
    if where.on == "ray":
        launcher = partial(ray_tasks.launch, address=where.address)
    elif where.jobs is not None:
        launcher = partial(local.launch, jobs=where.jobs)
    return experiments.run(config, overrides, selection=selection, launcher=launcher)
