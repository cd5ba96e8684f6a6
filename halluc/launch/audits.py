"""``halluc audit``, in this process, or with its cross-fitted models trained on a Ray cluster."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from halluc.launch import ray_commands
from halluc.launch.ray_commands import NodeCommand
from halluc.launch.studies import LaunchOptions
from halluc.workflows import audit as auditing
from halluc.workflows import cross_fitting
from halluc.workflows.cross_fitting import CrossFitting, Folds
from halluc.workflows.job import Job
from halluc.workflows.trained_models import Trained


def audit(
    target: Path,
    overrides: Sequence[str],
    options: auditing.AuditOptions,
    where: LaunchOptions,
    arguments: Callable[[int], Sequence[str]],
) -> None:
    """Like ``auditing.audit``; only the models are trained on the cluster.

    Args:
        arguments: the command line that trains the model without a part, from 1.

    Raises:
        HallucError C020: the cluster has nothing to train, since train is not audited. Others: as ``auditing.audit``
            and ``ray_commands.run``.
    """

    def fitted(job: Job, count: int) -> tuple[Folds, list[Trained]]:
        runs = list(map(CrossFitting.of(job, count).run, range(count)))
        commands = [
            NodeCommand(tuple(arguments(part)), run.is_trained, run.path.with_name(f"{run.path.name}.log"))
            for part, run in enumerate(runs, start=1)
        ]
        ray_commands.run(commands, where.address, job.loaded, "model")
        return cross_fitting.fit_models(job, count)

    if where.on is None:
        auditing.audit(target, overrides, options)
        return
    if options.splits and "train" not in options.splits:
        where.refuse_cluster("trains the models that judge train, which is not audited")
    auditing.audit(target, overrides, options, fitted)
