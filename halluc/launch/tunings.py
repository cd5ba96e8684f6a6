"""``halluc tune``, in this process, or with the trials of a batch on a Ray cluster."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from halluc.components import TABLE
from halluc.config.search_space import load_space
from halluc.launch import ray_commands
from halluc.launch.ray_commands import NodeCommand
from halluc.launch.studies import LaunchOptions
from halluc.workflows import tuning, tuning_results
from halluc.workflows.tuning_trials import Trials


def tune(
    config: Path, overrides: Sequence[str], fresh: bool, where: LaunchOptions, arguments: Callable[[int], Sequence[str]]
) -> None:
    """Like ``tuning.tune``; on a cluster the trials of a batch run at once, and their results are read here.

    Args:
        arguments: the command line that runs one trial.

    Raises:
        HallucError C020: a batch is one trial. Others: as ``tuning.tune`` and ``ray_commands.run``.
    """

    def spread(trials: Trials, numbers: Sequence[int]) -> None:
        commands = [
            NodeCommand(
                tuple(arguments(number)),
                partial(trials.is_finished, number),
                trials.home / f"{tuning_results.slug(number)}.log",
            )
            for number in numbers
        ]
        ray_commands.run(commands, where.address, trials.space.whole, "trial")

    if where.on is None:
        tuning.tune(config, overrides, fresh=fresh)
        return
    if load_space(config, overrides, table=TABLE).tune.batch == 1:
        where.refuse_cluster("runs the trials of a batch at once, and `tune.batch` is 1")
    tuning.tune(config, overrides, fresh=fresh, spread=spread)
