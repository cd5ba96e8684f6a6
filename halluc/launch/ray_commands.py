"""Commands as tasks of a Ray cluster, such as the shards of a prediction, or the trials of a tuning: each runs on a
node, and writes its result to storage that all nodes share."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from halluc.config.launching import RayConfig
from halluc.config.loading import LoadedConfig
from halluc.core.errors import EXIT_BUG, EXIT_DATA, EXIT_DONE, HallucError, environment_error
from halluc.core.files import unwritable
from halluc.core.messages import say, say_end_of, tell
from halluc.launch import ray_cluster

_PAUSE = 0.2
# How many seconds cancelled commands have to end, as with a checkpoint.
_END_SECONDS = 60.0
# halluc as a process that ends with its parent: otherwise it would hold locks that the restarted command needs.
_HALLUC = "from halluc.core import processes; processes.end_with_parent(); from halluc.__main__ import main; main()"


@dataclass(frozen=True)
class NodeCommand:
    """A command, whether its result exists, and the file of its output."""

    arguments: tuple[str, ...]
    is_done: Callable[[], bool]
    log: Path


def run(
    commands: Sequence[NodeCommand], address: str | None, loaded: LoadedConfig, each: str = "shard"
) -> None:  # fmt: skip
    """Run the commands whose results do not exist yet; if a node is lost, its command restarts on another.

    Args:
        loaded: a config with the resources of a command, and the environment variables that it needs.
        each: a noun for the result of a command, for messages.

    Raises:
        HallucError E420: ray is not installed. E481: a command failed. E480: its node was lost too often. E483: there
            is no suitable cluster.
    """
    waiting = [one for one in commands if not one.is_done()]
    if not waiting:
        return
    ray = ray_cluster.imported()
    with ray_cluster.connected(ray, address), ray_cluster.marker(waiting[0].log.parent) as marker:
        config = ray_cluster.settings(loaded)
        ray_cluster.refuse_unfit(ray, [config], marker)
        tasks = _Tasks(ray, config, len(commands), len(commands) - len(waiting), each, ray_cluster.variables([loaded]))
        tasks.run(waiting)


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
            HallucError: as ``run`` of this module.
        """
        count = self.shards
        if count is None:
            ray = ray_cluster.imported()
            with ray_cluster.connected(ray, self.address):
                count = 2 * max(1, ray_cluster.cluster_capacity(ray, ray_cluster.settings(loaded)))
        run([command(number, count) for number in range(1, count + 1)], self.address, loaded)


class _Tasks:
    """The tasks of commands on a cluster."""

    def __init__(
        self, ray: Any, config: RayConfig, total: int, done: int, each: str, variables: Mapping[str, str]
    ) -> None:  # fmt: skip
        self.ray, self.config, self.total, self.done, self.each = ray, config, total, done, each
        self.variables = {**variables, "OMP_NUM_THREADS": str(config.cpus)}
        self.running: dict[Any, NodeCommand] = {}
        self.lost: dict[Path, int] = {}

    def run(self, commands: Sequence[NodeCommand]) -> None:
        try:
            for one in commands:
                self._start(one)
            while self.running:
                ready, _ = self.ray.wait(list(self.running), num_returns=1)
                for task in ready:
                    self._end(self.running.pop(task), task)
        finally:
            for task in self.running:
                self.ray.cancel(task)
            if self.running:
                self.ray.wait(list(self.running), num_returns=len(self.running), timeout=_END_SECONDS)

    def _start(self, command: NodeCommand) -> None:
        task = self.ray.remote(run_on_node).options(max_retries=0, **ray_cluster.resources(self.config))
        self.running[task.remote(command.arguments, str(command.log), str(Path.cwd()), self.variables)] = command

    def _end(self, command: NodeCommand, task: Any) -> None:
        code = ray_cluster.result_of(self.ray, task)
        if code is None:
            code = -signal.SIGKILL
        if code in (EXIT_DONE, EXIT_DATA) and command.is_done():
            self.done += 1
            tell(f"{self.done:,} of {self.total:,} {self.each}s")
            command.log.unlink(missing_ok=True)
            return
        lost = self.lost.get(command.log, 0)
        if code >= 0 or lost >= self.config.retries:
            say_end_of(command.log)
            if code < 0:
                help = f"there may be too little memory; the same command continues with the remaining {self.each}s"
                raise environment_error("E480", f"a {self.each} was lost {lost + 1} times ({command.log})", help)
            message = f"a {self.each} ended with exit code {code} ({command.log})"
            raise HallucError("E481", message, help="see its own message above", exit_code=code or EXIT_BUG)
        self.lost[command.log] = lost + 1
        again = f"is restarted ({lost + 1} of {self.config.retries})"
        say(f"a {self.each} was lost with its node and {again}", style="yellow")
        self._start(command)


def run_on_node(arguments: Sequence[str], log: str, folder: str, variables: Mapping[str, str]) -> int:
    """On a node: run ``halluc`` with these arguments, and return its exit code; cancelling the task ends it.

    Raises:
        HallucError E401: ``log``, the file of its output, cannot be written.
    """
    path = Path(folder, log)
    try:
        file = path.open("wb")
    except OSError as error:
        raise unwritable(path, error) from error
    with file:
        process = subprocess.Popen(
            [sys.executable, "-c", _HALLUC, *arguments], cwd=folder, env={**os.environ, **variables},
            stdin=subprocess.DEVNULL, stdout=file, stderr=file, process_group=0,
        )  # fmt: skip
    while (code := process.poll()) is None:
        try:
            time.sleep(_PAUSE)
        except KeyboardInterrupt:  # this is how Ray cancels a task
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
    return code
