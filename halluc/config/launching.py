"""The section ``launch``: the resources of a cell on a cluster. It does not affect results, and is not hashed.

Texts have no blanks, quotes or line ends, since they become lines of a batch script.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from halluc.config.section import Section, SmallCount

# Options that halluc sets itself, by their name in sbatch.
OWN_OPTIONS = (
    "account", "array", "chdir", "cpus-per-task", "dependency", "gpus", "job-name", "mem", "no-requeue", "open-mode",
    "output", "parsable", "partition", "qos", "requeue", "signal", "test-only", "time", "wait", "wrap",
)  # fmt: skip

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@,+-]{0,99}$", max_length=100)]
Memory = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,6}[MGT]$", max_length=8)]
Time = Annotated[str, Field(pattern=r"^([0-9]{1,3}-)?[0-9]{1,4}(:[0-5][0-9]){0,2}$", max_length=14)]
Cores = Annotated[int, Field(ge=1, le=1_024)]


def _free(option: str) -> str:
    name = option.removeprefix("--").partition("=")[0]
    # sbatch accepts any unambiguous prefix of an option.
    taken = next((own for own in OWN_OPTIONS if own.startswith(name)), None)
    if taken is not None:
        raise ValueError(f"`{option}`: halluc sets `--{taken}` itself")
    return option


Option = Annotated[
    str,
    Field(pattern=r"^--[a-z][a-z-]{1,40}(=[A-Za-z0-9_.,:@%+/*()\[\]-]{1,200})?$", max_length=250),
    AfterValidator(_free),
]


class SlurmConfig(Section):
    """The resources of each task of a job array."""

    partition: Name | None = Field(default=None, description="one or several partitions; null: default of the cluster")
    time: Time | None = Field(default=None, description="time limit, such as `04:00:00`; null: that of the partition")
    gpus: int = Field(default=0, ge=0, le=64, description="number of GPUs per task")
    cpus: Cores = Field(default=1, description="CPU cores per task, and threads of its training")
    memory: Memory | None = Field(
        default=None, description="memory per task, such as `8G`; null: default of the cluster"
    )
    account: Name | None = Field(default=None, description="account to charge")
    qos: Name | None = Field(default=None, description="quality of service (QOS)")
    concurrency: SmallCount | None = Field(
        default=None, description="maximum number of simultaneous tasks; null: no limit"
    )
    options: Annotated[list[Option], Field(max_length=50)] = Field(
        default=[], description="further options of sbatch, such as `--constraint=a100`"
    )


class RayConfig(Section):
    """The resources of a task on a Ray cluster, such as a cell."""

    cpus: Cores = Field(default=1, description="CPU cores per cell, and threads of its training")
    gpus: Annotated[float, Field(ge=0, le=64)] = Field(
        default=0.0, description="number of GPUs per cell; 0.5: two cells share a GPU"
    )
    memory: Memory | None = Field(default=None, description="memory per cell, such as `8G`; null: not counted")
    retries: int = Field(default=3, ge=0, le=100, description="how often a cell is restarted after its node was lost")


class LaunchConfig(Section):
    """The resources for commands with `--on`; others ignore this section."""

    slurm: SlurmConfig = Field(default=SlurmConfig(), description="for `halluc run --on slurm`")
    ray: RayConfig = Field(default=RayConfig(), description="for `--on ray`")
