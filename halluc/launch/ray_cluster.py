"""A Ray cluster: the connection, its nodes, and whether they can run halluc on shared files."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import signal
import socket
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from halluc import __version__
from halluc.config.launching import LaunchConfig, RayConfig
from halluc.config.loading import LoadedConfig
from halluc.core.errors import HallucError, environment_error, require_package
from halluc.core.files import make_folder, write_text

_CONNECT_SECONDS, _NODE_SECONDS = 10.0, 120.0
_UNITS = {"M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_START = "start a cluster with `ray start --head` (docs/scale.md), and set --address HOST:PORT"


def imported() -> Any:
    require_package("ray", "--on ray", "ray")
    import ray
    import ray.exceptions

    return ray


@contextlib.contextmanager
def connected(ray: Any, address: str | None) -> Iterator[None]:
    """
    Raises:
        HallucError E483: there is no cluster, or one of another version of Ray or Python.
    """
    address = address or os.environ.get("RAY_ADDRESS") or "auto"
    if address != "auto":
        _refuse_unreachable(address)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        ray.init(address=address, log_to_driver=False, configure_logging=False, namespace="halluc")
    except (ConnectionError, RuntimeError, ValueError) as error:
        text = " ".join(str(error).split())[:300]
        raise environment_error("E483", f"no Ray cluster at {address}: {text}", _START) from None
    finally:
        if threading.current_thread() is threading.main_thread():
            for number, handler in handlers.items():
                signal.signal(number, handler)  # restore halluc's handlers: Ray sets its own
    # Ray prints lost nodes to standard output, which may be a JSON document.
    with contextlib.redirect_stdout(sys.stderr):
        try:
            yield
        finally:
            ray.shutdown()


def _refuse_unreachable(address: str) -> None:
    match = re.fullmatch(r"\[?([A-Za-z0-9._:-]+?)\]?:(\d{1,5})", address)
    if not match or not 0 < int(match[2]) < 1 << 16:
        raise HallucError("C020", f"`--address {address}` does not have the form HOST:PORT", help="as 10.0.0.1:6379")
    try:
        socket.create_connection((match[1], int(match[2])), timeout=_CONNECT_SECONDS).close()
    except OSError as error:
        raise environment_error("E483", f"no Ray cluster at {address}: {error.strerror or error}", _START) from None


@contextlib.contextmanager
def marker(home: Path) -> Iterator[Path]:
    """A file with a random text in the folder of the results: a node that can read it shares the storage."""
    make_folder(home)
    path = Path.cwd() / home / f".ray-{secrets.token_hex(8)}"
    write_text(path, secrets.token_hex(16))
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def refuse_unfit(ray: Any, wanted: Iterable[RayConfig], marker: Path) -> None:
    """
    Raises:
        HallucError E483: no node has the requested resources; a node has another halluc, or other files.
    """
    alive = nodes(ray)
    for config in {str(one): one for one in wanted}.values():
        if not any(capacity(node, config) for node in alive):
            lacking = ", ".join(
                f"{value:,} {name.removeprefix('num_')}" for name, value in resources(config).items() if value
            )
            message = f"no node of the cluster has {lacking}"
            raise environment_error("E483", message, "lower `launch.ray`, or add nodes")
    facts = _node_facts(ray, alive, marker)
    ours = (__version__, sys.version_info[:2])
    for name, (version, python, text) in facts.items():
        if (version, python) != ours:
            installed = "no halluc" if version is None else f"halluc {version} with Python {'.'.join(map(str, python))}"
            here = f"halluc {__version__} with Python {ours[1][0]}.{ours[1][1]}"
            message = f"node {name} has {installed}, and this machine {here}"
            raise environment_error("E483", message, "install the same version on all nodes")
        if text != marker.read_text():
            message = f"node {name} cannot access {marker.parent}: the nodes do not share storage"
            raise environment_error(
                "E483", message, "put `runs_dir`, config and data on storage that all nodes share, at the same path"
            )


def _node_facts(ray: Any, nodes: Sequence[dict[str, Any]], marker: Path) -> dict[str, tuple[Any, Any, Any]]:
    """For each node: the version of halluc (None: not installed), that of Python, and the text of the marker."""

    # Serialised by value: a node may not have halluc.
    def inspect_node(path: str, folder: str) -> tuple[Any, Any, Any]:
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
        affinity = NodeAffinitySchedulingStrategy(node_id=node["NodeID"], soft=False)
        task = ray.remote(inspect_node).options(num_cpus=0, max_retries=0, scheduling_strategy=affinity)
        tasks[f"{node['NodeManagerHostname']} ({node['NodeID'][:8]})"] = task.remote(str(marker), str(Path.cwd()))
    try:
        return dict(zip(tasks, ray.get(list(tasks.values()), timeout=_NODE_SECONDS), strict=True))
    except ray.exceptions.RayError as error:
        message = " ".join(str(error).split())[:300]
        raise environment_error(
            "E483", f"a node of the cluster does not respond: {message}", "see `ray status`"
        ) from None


def result_of(ray: Any, task: Any) -> Any:
    """The result of a task that has ended; None if its node or its process was lost, or it was cancelled.

    Raises:
        HallucError: as raised by the task.
    """
    try:
        return ray.get(task)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, HallucError):
            raise error.cause from None
        raise
    except ray.exceptions.RayError:
        return None


def settings(loaded: LoadedConfig) -> RayConfig:
    return (loaded.experiment.launch or LaunchConfig()).ray


def variables(configs: Sequence[LoadedConfig]) -> dict[str, str]:
    """The environment variables that the configs name, with their local values. All configs have the same overrides."""
    files = {file for one in configs for file in one.files}
    texts = [file.read_text(encoding="utf-8", errors="replace") for file in files if file.is_file()]
    texts += [override for one in configs[:1] for override in one.overrides]
    names = {name for text in texts for name in re.findall(r"\$\{([A-Za-z_][A-Za-z0-9_]*)", text)}
    return {name: os.environ[name] for name in sorted(names) if name in os.environ}


def nodes(ray: Any) -> list[dict[str, Any]]:
    """The nodes that run tasks."""
    return [node for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU", 0) > 0]


def resources(config: RayConfig) -> dict[str, float]:
    memory = {} if config.memory is None else {"memory": int(config.memory[:-1]) * _UNITS[config.memory[-1]]}
    return {"num_cpus": config.cpus, "num_gpus": config.gpus, **memory}


def capacity(node: dict[str, Any], config: RayConfig) -> int:
    """How many tasks a node can run at once."""
    names = {"num_cpus": "CPU", "num_gpus": "GPU", "memory": "memory"}
    wanted = {names[name]: value for name, value in resources(config).items() if value}
    return min(int(node["Resources"].get(name, 0) // value) for name, value in wanted.items())


def cluster_capacity(ray: Any, config: RayConfig) -> int:
    return sum(capacity(node, config) for node in nodes(ray))
