"""A Ray cluster of several nodes on loopback, by `ray start`; each node ends by its own processes."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from halluc.core.processes import is_running
from tests.ports import free_ports

_MARK, _TRIES = "HALLUC_TEST_NODE", 4


def lacks() -> str | None:
    """Why no cluster can be started here; None where one can be tried."""
    return (
        None if Path(sys.executable).with_name("ray").is_file() else 'ray is not installed: pip install "halluc[ray]"'
    )


def _of_node(session: int, mark: str) -> list[int]:
    """The processes of the session of a node, and those whose environment has its mark, as those of cells."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError):
            is_marked = f"{_MARK}={mark}\0".encode() in (process / "environ").read_bytes()
            if is_marked or (process / "stat").read_text().rpartition(")")[2].split()[3] == str(session):
                found.append(int(process.name))
    return found


class Node:
    """One `ray start --block`; a head has its address."""

    def __init__(self, folder: Path, log: Path, head: str | None, cpus: int, environ: dict[str, str]) -> None:
        self.address = head or f"127.0.0.1:{free_ports(1)[0]}"
        where = ["--head", f"--port={self.address.split(':')[1]}", "--include-dashboard=false", f"--temp-dir={folder}"]
        command = [str(Path(sys.executable).with_name("ray")), "start", "--block", f"--num-cpus={cpus}"]
        command += ["--node-ip-address=127.0.0.1", "--object-store-memory=80000000", "--disable-usage-stats"]
        command += where if head is None else [f"--address={head}"]
        with log.open("wb") as file:
            self.mark, self.log, self.environ = uuid.uuid4().hex, log, environ
            marked = {**environ, _MARK: self.mark}
            self.process = subprocess.Popen(command, stdout=file, stderr=file, env=marked, start_new_session=True)

    def is_up(self) -> bool:
        return "Ray runtime started" in self.log.read_text(errors="replace")

    def kill(self) -> None:
        """SIGKILL to all processes of the node, as a machine that loses its power."""
        while processes := [one for one in _of_node(self.process.pid, self.mark) if is_running(one)]:
            for process in processes:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
            time.sleep(0.05)
        self.process.wait()


@contextlib.contextmanager
def cluster(workers: int) -> Iterator[list[Node]]:
    """A head without cores, and nodes of one core.

    Raises:
        RuntimeError: it does not come up.
    """
    folder = Path(tempfile.mkdtemp(prefix="ray-", dir="/tmp"))
    environ = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0", "RAY_DISABLE_MEMORY_MONITOR": "1"}
    nodes: list[Node] = []
    try:
        for number in range(workers + 1):
            nodes.append(_started(folder / f"node-{number}.log", nodes[0].address if nodes else None, environ))
        yield nodes
    finally:
        for node in reversed(nodes):
            node.kill()
        shutil.rmtree(folder, ignore_errors=True)


def replace_killed(nodes: list[Node]) -> None:
    """
    Raises:
        RuntimeError: a node does not come up.
    """
    for number, node in enumerate(nodes):
        if node.process.poll() is not None:
            nodes[number] = _started(node.log, nodes[0].address, node.environ)


def _started(log: Path, head: str | None, environ: dict[str, str]) -> Node:
    """The head, or a node of one core; Ray gives one up that is not there after 30 s, as on a busy machine."""
    for _ in range(_TRIES):
        node = Node(log.parent / "ray", log, head, 0 if head is None else 1, environ)
        while node.process.poll() is None:
            if node.is_up():
                return node
            time.sleep(0.2)
        node.kill()
    raise RuntimeError(f"a node of Ray does not come up: {log.read_text(errors='replace')[-1500:]}")
