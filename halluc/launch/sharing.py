"""Divides the work of one command into shards, for separate calls of the command or for the nodes of a Ray cluster."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from halluc.config.loading import LoadedConfig
from halluc.core.errors import HallucError
from halluc.launch import ray_cluster, ray_commands
from halluc.launch.ray_commands import NodeCommand

__all__ = ["NodeCommand", "Sharing"]


@dataclass(frozen=True)
class Sharing:
    """How the work is divided: only one ``shard`` here (``I/N``), or all ``shards`` on a Ray cluster.

    Raises:
        HallucError C020: options that do not go together.
    """

    shard: str | None = None
    on: Literal["ray"] | None = None
    address: str | None = None
    shards: int | None = None

    def __post_init__(self) -> None:
        wrong = {
            "--address and --shards require --on ray": self.on is None and bool(self.address or self.shards),
            "--shard cannot be combined with --on ray, which starts all shards": self.on is not None
            and self.shard is not None,
        }
        for message in (message for message, is_so in wrong.items() if is_so):
            raise HallucError("C020", message, help="remove one of them")

    def run(self, command: Callable[[int, int], NodeCommand], loaded: LoadedConfig) -> None:
        """Run the command of each shard on the cluster; it is called with the shard's number and their total.

        Raises:
            HallucError: as ``ray_commands.run``.
        """
        count = self.shards or 2 * max(1, ray_commands.cluster_capacity(self.address, ray_cluster.settings(loaded)))
        ray_commands.run([command(number, count) for number in range(1, count + 1)], self.address, loaded)
