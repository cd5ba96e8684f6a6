"""``halluc predict``, in this process or by shards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from halluc.core.messages import tell
from halluc.launch.ray_commands import NodeCommand, Sharing
from halluc.workflows import ensembles, prediction, prediction_shards
from halluc.workflows.cell_selection import parse_shard
from halluc.workflows.prediction import InputJob, Write


def predict(
    job: InputJob,
    target: Path | None,
    sink: Callable[[], AbstractContextManager[Write]],
    sharing: Sharing,
    arguments: Callable[[str], Sequence[str]],
    jobs: int,
) -> None:
    """Predict here, one shard of the texts, or all shards on a cluster. Parts are joined when none is missing.

    Args:
        target: the output that ``sink`` writes; None: standard output. arguments: the command line of a shard ``I/N``.

    Raises:
        HallucError: as ``prediction.predict``, ``prediction_shards.of`` and ``ray_commands.run``.
    """
    is_file = job.source is not None and job.source.is_file()
    has_parts = target is not None and is_file and prediction_shards.has_parts(target)
    if sharing.shard is None and sharing.on is None and not has_parts:
        prediction.predict(job, sink, jobs=jobs)
        return
    parts = prediction_shards.of(job, target)
    if sharing.shard is not None:
        number, count = parse_shard(sharing.shard)
        prediction.predict(job, lambda: parts.writer(number, count), jobs=jobs, shard=(number, count))
        tell("when all parts exist, the same command without --shard merges them")
        return
    if sharing.on is not None and not parts.complete_set():

        def command(number: int, of: int) -> NodeCommand:
            part = parts.path(number, of)
            return NodeCommand(tuple(arguments(f"{number}/{of}")), part.is_file, part.with_name(f"{part.name}.log"))

        trained, _ = ensembles.locate(job.reference, job.members, job.overrides)
        sharing.run(command, trained.job.loaded)
    if parts.complete_set():
        prediction_shards.join(parts)
    else:  # the parts next to it belong to another prediction
        prediction.predict(job, sink, jobs=jobs)
