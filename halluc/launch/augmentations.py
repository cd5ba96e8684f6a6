"""``halluc augment``, in this process, or with its candidates made by shards on a Ray cluster."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from halluc.augmentation.pipeline.shards import Shard, is_finished
from halluc.core import latest
from halluc.core.errors import HallucError
from halluc.launch.ray_commands import NodeCommand, Sharing
from halluc.workflows import augmentation_runs, augmented_corpus, job, run_locations
from halluc.workflows.cell_selection import Selection


def augment(
    config: Path,
    overrides: Sequence[str],
    run: Path | None,
    selection: Selection,
    options: augmentation_runs.PreviewOptions,
    sharing: Sharing,
    arguments: Callable[[str], Sequence[str]],
) -> None:
    """Like ``augmentation_runs.augment``; on a cluster the candidates are made by shards, and then processed here.

    Args:
        arguments: the command line of a shard ``I/N``.

    Raises:
        HallucError C020: it cannot be divided into shards. Others: as ``augmentation_runs.augment`` and
            ``Sharing.run``.
    """
    if sharing.on is not None:
        if run is None or options != augmentation_runs.NO_PREVIEW:
            help = "use a folder that all nodes share: --run DIR"
            raise HallucError("C020", "--on ray needs --run", help=help)
        loaded = job.load(config, overrides)
        if loaded.experiment.augment is not None:  # otherwise ``augmentation_runs.augment`` reports it
            home = run_locations.claim(latest.resolve(run), loaded, "augment", help="use an empty folder").augment
            wanted = augmented_corpus.fingerprint(loaded)

            def command(number: int, of: int) -> NodeCommand:
                folder = home / Shard(number, of).folder
                log = home.parent / f"augment-{number}-of-{of}.log"
                return NodeCommand(tuple(arguments(f"{number}/{of}")), lambda: is_finished(folder, wanted), log)

            sharing.run(command, loaded)
    augmentation_runs.augment(config, overrides, run=run, selection=selection, options=options)
