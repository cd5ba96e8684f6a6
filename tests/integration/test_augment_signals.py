"""``halluc augment`` with busy worker processes, whose main process or workers are killed: real processes."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from halluc.core.processes import is_running

pytestmark = pytest.mark.skipif(
    not Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").is_file(), reason="child processes are found in /proc"
)

# Seconds for what takes less than one on a machine that has nothing else to do.
PATIENCE = 30

FILES = ("train.jsonl", "provenance.jsonl")


def start(folder: Path, name: str, command: str = "augment") -> subprocess.Popen[str]:
    config = folder / "big.yaml"
    config.write_text(
        "name: big\ntask: {type: token_classification}\ndata: {format: conll, train: demo:ner}\nmodel: {name: none}\n"
        "augment: {size: 30x, workers: 2, methods: [{type: mention_replacement}, {type: noise}]}\n"
    )
    arguments = [command, str(config), "-q", "--set", f"runs_dir={folder / name}"]
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [sys.executable, "-m", "halluc", *arguments], stdout=pipe, stderr=pipe, text=True, start_new_session=True
    )


def finish(process: subprocess.Popen[str]) -> str:
    told = process.communicate(timeout=120)[1]
    assert process.returncode == 0, told
    return told


def made(folder: Path, name: str) -> list[bytes]:
    (run,) = (path for path in (folder / name / "big").iterdir() if not path.is_symlink())
    assert {path.name for path in (run / "augment").iterdir()} == {*FILES, "manifest.json"}
    return [(run / "augment" / file).read_bytes() for file in FILES]


def children(process: int) -> list[int]:
    found = []
    for thread in Path(f"/proc/{process}/task").iterdir():
        found += map(int, (thread / "children").read_text().split())
    return found


def cpu_ticks(process: int) -> int:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """An augmentation under way, and its two workers, which have done some work."""
    process = start(tmp_path, "disturbed")
    deadline = time.monotonic() + 120
    while len(workers := children(process.pid)) < 2 or min(map(cpu_ticks, workers)) < 5:
        assert time.monotonic() < deadline, "the workers do not begin"
        assert process.poll() is None, process.communicate()
        time.sleep(0.005)
    yield process, workers
    for one in (process.pid, *workers):
        if is_running(one):
            os.kill(one, signal.SIGKILL)
    process.communicate()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    folder = tmp_path_factory.mktemp("whole")
    finish(start(folder, "whole"))
    return made(folder, "whole")


def wait_for_end(workers: list[int]) -> None:
    deadline = time.monotonic() + PATIENCE
    while any(map(is_running, workers)):
        assert time.monotonic() < deadline, "a worker goes on without its parent"
        time.sleep(0.005)


def test_a_killed_main_process_leaves_no_worker_and_no_lock(busy, undisturbed, tmp_path):
    process, workers = busy
    process.kill()
    process.wait()
    again = start(tmp_path, "disturbed")
    wait_for_end(workers)
    finish(again)
    assert made(tmp_path, "disturbed") == undisturbed


def test_a_worker_that_is_asked_to_end_ends_without_a_traceback(busy, undisturbed, tmp_path):
    process, workers = busy
    os.kill(workers[0], signal.SIGTERM)
    told = process.communicate(timeout=PATIENCE)[1]
    assert process.returncode == 4
    assert told.splitlines()[0] == "error[E430]: a worker process was killed"
    assert "Traceback" not in told
    wait_for_end(workers)
    finish(start(tmp_path, "disturbed"))
    assert made(tmp_path, "disturbed") == undisturbed


@pytest.mark.parametrize("to", ["the main process", "each process", "the group"])
def test_sigterm_ends_the_command_as_ctrl_c_does(busy, undisturbed, tmp_path, to):
    process, workers = busy
    if to == "the group":
        os.killpg(process.pid, signal.SIGTERM)  # as batch systems and `timeout` send it
    else:
        for one in (process.pid, *(workers if to == "each process" else ())):
            with contextlib.suppress(ProcessLookupError):  # a worker that the main process has ended meanwhile
                os.kill(one, signal.SIGTERM)
    told = process.communicate(timeout=PATIENCE)[1]
    assert (process.returncode, told) == (130, "interrupted\n")
    wait_for_end(workers)
    if to == "the group":  # what stays behind is the same for all of them
        finish(start(tmp_path, "disturbed"))
        assert made(tmp_path, "disturbed") == undisturbed


def test_a_killed_worker_is_reported_and_frees_the_lock(busy, undisturbed, tmp_path):
    process, workers = busy
    os.kill(workers[1], signal.SIGKILL)
    told = process.communicate(timeout=PATIENCE)[1]
    assert (process.returncode, told.splitlines()[0]) == (
        4,
        "error[E430]: a worker process was killed",
    )
    wait_for_end(workers)
    finish(start(tmp_path, "disturbed"))
    assert made(tmp_path, "disturbed") == undisturbed
