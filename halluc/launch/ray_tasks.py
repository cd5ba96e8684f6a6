"""Cells as tasks of a Ray cluster: each starts the process of a cell on its node. Ray keeps nothing that matters: what
is done is in the run directories, on storage that all nodes share."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from halluc import __version__
from halluc.config.launching import LaunchConfig, RayConfig
from halluc.config.matrix import Cell
from halluc.core.errors import HallucError, environment_error
from halluc.core.files import make_folder, write_text
from halluc.launch.cell_process import CellProcess
from halluc.launch.orders import CellOrder
from halluc.launch.scheduling import Ended, side_by_side
from halluc.workflows.experiments import StudyRun

_CONNECT_SECONDS, _NODE_SECONDS, _PAUSE = 10.0, 120.0, 0.2
_UNITS = {"M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_START = "start a cluster with `ray start --head` (docs/scale.md), and name it with --address HOST:PORT"


def launch(asked: StudyRun, address: str | None) -> bool:
    """A launcher of cells on a Ray cluster.

    Raises:
        HallucError C020: no address, or no study. E420: ray is not installed. E483: no cluster, or none that suits.
    """
    if not asked.study.axes:
        raise HallucError("C020", "--on ray is for a study, and this config has no `matrix`", help="docs/studies.md")
    ray = _imported()
    with _connected(ray, address), _marker(asked.study.home) as marker:
        _refuse_unfit(ray, asked.cells, marker)
        return side_by_side(asked, RayTasks(ray, asked.cells))


class RayTasks:
    """The tasks of cells. All are handed to Ray at once, which starts each where its resources are free."""

    def __init__(self, ray: Any, cells: Sequence[Cell]) -> None:
        self.ray = ray
        self.settings = {str(cell.slug): _settings(cell) for cell in cells}
        self.variables = _variables(cells)
        self.retries = max(one.retries for one in self.settings.values())
        places = sum(_places(node, one) for node in _nodes(ray) for one in list(self.settings.values())[:1])
        self.at_once = max(1, min(places, len(cells)))
        self.running: dict[Any, str] = {}

    def has_room(self) -> bool:
        return True

    def start(self, order: CellOrder, log: Path) -> None:
        asked = self.settings[order.slug]
        # Only the scheduler starts tasks again: Ray would not wait for a process that is writing its checkpoint.
        task = self.ray.remote(run_on_node).options(max_retries=0, name=order.slug, **_resources(asked))
        environment = {**self.variables, "OMP_NUM_THREADS": str(asked.cpus)}
        self.running[task.remote(order.to_json(), str(log), str(Path.cwd()), environment)] = order.slug

    def ended(self) -> Sequence[Ended]:
        if not self.running:
            return []
        ready, _ = self.ray.wait(list(self.running), num_returns=len(self.running), timeout=_PAUSE)
        return [Ended(self.running.pop(one), *self._result(one)) for one in ready]

    def _result(self, task: Any) -> tuple[int, str]:
        try:
            code, answers = self.ray.get(task)
            return code, answers
        except self.ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, HallucError):
                raise error.cause from None
            raise
        except self.ray.exceptions.RayError:  # its node or its process was lost, or it was cancelled
            return -signal.SIGKILL, ""

    def stop(self) -> None:
        for one in self.running:
            self.ray.cancel(one)

    def kill(self) -> None:
        for one in self.running:
            self.ray.cancel(one, force=True)
        self.running.clear()


def run_on_node(order: str, log: str, folder: str, variables: dict[str, str]) -> tuple[int, str]:
    """On a node: run the process of a cell, and tell how it ended. A task that is cancelled ends with a checkpoint."""
    process = CellProcess(CellOrder.of_json(order), Path(folder, log), {**os.environ, **variables}, Path(folder))
    while True:
        try:
            ended = process.ended()
            if ended is not None:
                return ended
            time.sleep(_PAUSE)
        except KeyboardInterrupt:  # so Ray cancels a task
            process.stop()


def _imported() -> Any:
    try:
        import ray
        import ray.exceptions
    except ModuleNotFoundError:
        message, help = "--on ray needs ray, which is not installed", 'install it: pip install "halluc[ray]"'
        raise environment_error("E420", message, help) from None
    return ray


@contextlib.contextmanager
def _connected(ray: Any, address: str | None) -> Iterator[None]:
    """
    Raises:
        HallucError E483: there is no cluster, or one of another version of Ray or Python.
    """
    address = address or os.environ.get("RAY_ADDRESS") or "auto"
    if address != "auto":
        _refuse_dead(address)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        ray.init(address=address, log_to_driver=False, configure_logging=False, namespace="halluc")
    except (ConnectionError, RuntimeError, ValueError) as error:
        told = " ".join(str(error).split())[:300]
        raise environment_error("E483", f"no Ray cluster at {address}: {told}", _START) from None
    finally:
        if threading.current_thread() is threading.main_thread():
            for number, handler in before.items():
                signal.signal(number, handler)  # those of halluc: Ray sets its own
    try:
        yield
    finally:
        ray.shutdown()


def _refuse_dead(address: str) -> None:
    match = re.fullmatch(r"\[?([A-Za-z0-9._:-]+?)\]?:(\d{1,5})", address)
    if not match or not 0 < int(match[2]) < 1 << 16:
        raise HallucError("C020", f"`--address {address}` is not of the form HOST:PORT", help="as 10.0.0.1:6379")
    try:
        socket.create_connection((match[1], int(match[2])), timeout=_CONNECT_SECONDS).close()
    except OSError as error:
        raise environment_error("E483", f"no Ray cluster at {address}: {error.strerror or error}", _START) from None


@contextlib.contextmanager
def _marker(home: Path) -> Iterator[Path]:
    """A file with a random text in the folder of the study: a node that sees it shares the storage."""
    make_folder(home)
    path = Path.cwd() / home / f".ray-{secrets.token_hex(8)}"
    write_text(path, secrets.token_hex(16))
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def _refuse_unfit(ray: Any, cells: Sequence[Cell], marker: Path) -> None:
    """
    Raises:
        HallucError E483: no node has what a cell asks for; a node has another halluc, or other files.
    """
    nodes = _nodes(ray)
    for asked in {str(_settings(cell)): _settings(cell) for cell in cells}.values():
        if not any(_places(node, asked) for node in nodes):
            wanted = ", ".join(
                f"{value:,} {name.removeprefix('num_')}" for name, value in _resources(asked).items() if value
            )
            message = f"no node of the cluster has {wanted}"
            raise environment_error("E483", message, "lower `launch.ray`, or add nodes")
    told = _ask(ray, nodes, marker)
    ours = (__version__, sys.version_info[:2])
    for name, (version, python, text) in told.items():
        if (version, python) != ours:
            theirs = "no halluc" if version is None else f"halluc {version} with Python {'.'.join(map(str, python))}"
            message = (
                f"node {name} has {theirs}, and this machine halluc {__version__} with Python {ours[1][0]}.{ours[1][1]}"
            )
            raise environment_error("E483", message, "install the same version on all nodes")
        if text != marker.read_text():
            message = f"node {name} does not see {marker.parent}: the nodes share no storage"
            raise environment_error(
                "E483", message, "put `runs_dir`, config and data on storage that all nodes share, at the same path"
            )


def _ask(ray: Any, nodes: Sequence[dict[str, Any]], marker: Path) -> dict[str, tuple[Any, Any, Any]]:
    """What each node has: the version of halluc (None: it has none), that of Python, and the text of the marker."""

    def look(path: str, folder: str) -> tuple[Any, Any, Any]:  # sent by value: a node may have no halluc
        import os
        import sys

        try:
            import halluc

            version = halluc.__version__
        except ImportError:
            version = None
        try:
            with open(path, encoding="utf-8") as file:  # noqa: PTH123
                text = file.read() if os.path.isdir(folder) else None  # noqa: PTH112
        except OSError:
            text = None
        return version, sys.version_info[:2], text

    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    tasks = {}
    for node in nodes:
        there = NodeAffinitySchedulingStrategy(node_id=node["NodeID"], soft=False)
        task = ray.remote(look).options(num_cpus=0, max_retries=0, scheduling_strategy=there)
        tasks[f"{node['NodeManagerHostname']} ({node['NodeID'][:8]})"] = task.remote(str(marker), str(Path.cwd()))
    try:
        return dict(zip(tasks, ray.get(list(tasks.values()), timeout=_NODE_SECONDS), strict=True))
    except ray.exceptions.RayError as error:
        told = " ".join(str(error).split())[:300]
        raise environment_error("E483", f"a node of the cluster does not answer: {told}", "see `ray status`") from None


def _nodes(ray: Any) -> list[dict[str, Any]]:
    """Those that run tasks."""
    return [node for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU", 0) > 0]


def _settings(cell: Cell) -> RayConfig:
    return (cell.loaded.experiment.launch or LaunchConfig()).ray


def _resources(asked: RayConfig) -> dict[str, float]:
    memory = {} if asked.memory is None else {"memory": int(asked.memory[:-1]) * _UNITS[asked.memory[-1]]}
    return {"num_cpus": asked.cpus, "num_gpus": asked.gpus, **memory}


def _places(node: dict[str, Any], asked: RayConfig) -> int:
    """How many cells fit on a node at once."""
    names = {"num_cpus": "CPU", "num_gpus": "GPU", "memory": "memory"}
    wanted = {names[name]: value for name, value in _resources(asked).items() if value}
    return min(int(node["Resources"].get(name, 0) // value) for name, value in wanted.items())


def _variables(cells: Sequence[Cell]) -> dict[str, str]:
    """The environment variables that the config names, as they are here."""
    files = {file for cell in cells for file in cell.loaded.files}
    texts = [file.read_text(encoding="utf-8", errors="replace") for file in files if file.is_file()]
    texts += [override for cell in cells[:1] for override in cell.loaded.overrides]
    names = {name for text in texts for name in re.findall(r"\$\{([A-Za-z_][A-Za-z0-9_]*)", text)}
    return {name: os.environ[name] for name in sorted(names) if name in os.environ}
