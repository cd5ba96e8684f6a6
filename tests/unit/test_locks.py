"""Lock files: one holder, freed by any end of it, never shared with children, and named only while it lives."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from halluc.core import locks
from halluc.core.errors import EXIT_ENVIRONMENT, HallucError
from halluc.core.locks import Owner, locked
from halluc.core.processes import start_time

HOLDS = """
import os, sys
from pathlib import Path
from halluc.core.locks import locked
with locked(Path(sys.argv[1]), Path("the run"), waits="wait" in sys.argv):
    child = os.fork() if "fork" in sys.argv else None
    if child == 0:
        os.close(1)
        sys.stdin.read()
        os._exit(0)
    print("locked", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    """Start processes that hold ``tmp_path/.lock`` until their input ends."""
    started = []

    def hold(*options: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", HOLDS, str(tmp_path / ".lock"), *options]
        started.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        return started[-1]

    yield hold
    for process in started:
        process.kill()
        process.communicate()


def refusal(folder: Path) -> HallucError:
    with pytest.raises(HallucError) as caught, locked(folder / ".lock", Path("the run")):
        pass
    assert caught.value.code == "R103"
    return caught.value


def test_a_living_owner_is_named(tmp_path, holder):
    process = holder()
    assert process.stdout.readline() == "locked\n"
    error = refusal(tmp_path)
    assert error.message == f"the run is being written by process {process.pid}"
    assert error.help == "wait for it, or stop it"


@pytest.mark.parametrize("fork", [(), ("fork",)])
def test_a_killed_owner_frees_the_lock_though_a_child_lives(tmp_path, holder, fork):
    process = holder(*fork)
    assert process.stdout.readline() == "locked\n"
    process.kill()
    process.wait()
    with locked(tmp_path / ".lock", Path("the run")):
        assert json.loads((tmp_path / ".lock").read_text())["pid"] == os.getpid()


def test_one_that_waits_gets_the_lock_when_it_is_free(tmp_path, holder):
    first = holder()
    assert first.stdout.readline() == "locked\n"
    second = holder("wait")
    time.sleep(0.3)
    first.communicate("")
    assert second.stdout.readline() == "locked\n"


def write(folder: Path, content: str) -> None:
    (folder / ".lock").write_text(content)


@pytest.fixture
def ended() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.fixture
def held(tmp_path, holder):
    """The lock is held, but what its file says is up to the test."""
    process = holder()
    assert process.stdout.readline() == "locked\n"
    return process


def owner(pid: int, host: str | None = None, started: str | None = None) -> str:
    return json.dumps({"pid": pid, "host": host or socket.gethostname(), "started": started})


@pytest.mark.usefixtures("held")
def test_an_owner_that_has_ended_is_not_named(tmp_path, ended):
    write(tmp_path, owner(ended, started="1"))
    error = refusal(tmp_path)
    expected = "the run is locked: the process that locked it has ended, but a child process still holds the lock"
    assert error.message == expected
    assert f"fuser -v {tmp_path / '.lock'}" in error.help


@pytest.mark.usefixtures("held")
def test_an_id_that_another_process_has_got_is_not_the_owner(tmp_path, held):
    for pid in (os.getpid(), held.pid):
        write(tmp_path, owner(pid, started="1"))
        error = refusal(tmp_path)
        assert "the process that locked it has ended" in error.message
        assert str(pid) not in error.message


@pytest.mark.usefixtures("held")
def test_a_process_of_another_host_is_named_with_it(tmp_path, ended):
    write(tmp_path, owner(ended, "node7", "5"))
    error = refusal(tmp_path)
    assert error.message == f"the run is being written by process {ended} on host node7"
    assert error.help == "wait for it, or stop it on that host"


@pytest.mark.usefixtures("held")
@pytest.mark.parametrize("content", ["", "x", "[1]", "{}", '{"pid": null, "host": "a"}', "\x00", "1.5", "null"])
def test_an_empty_lock_file_names_no_owner(tmp_path, content):
    write(tmp_path, content)
    assert refusal(tmp_path).message == "the run is being written by another process"


def test_the_next_owner_is_waited_for_where_the_file_still_names_the_last_one(tmp_path, holder, ended, monkeypatch):
    process = holder()
    assert process.stdout.readline() == "locked\n"
    content = (tmp_path / ".lock").read_text()
    write(tmp_path, owner(ended, started="1"))
    monkeypatch.setattr(locks.time, "sleep", lambda _: write(tmp_path, content))
    assert refusal(tmp_path).message == f"the run is being written by process {process.pid}"


def test_this_process_is_distinguished(tmp_path):
    with locked(tmp_path / ".lock", Path("the run")):
        assert refusal(tmp_path).message == "the run is being written by this process"
    with locked(tmp_path / ".lock", Path("the run")):
        pass


def test_the_lock_file_names_only_its_present_owner(tmp_path):
    write(tmp_path, "9" * 500)
    with locked(tmp_path / ".lock", Path("the run")):
        known = json.loads((tmp_path / ".lock").read_text())
    assert known == {"pid": os.getpid(), "host": socket.gethostname(), "started": start_time(os.getpid())}
    assert Owner(**known) == Owner.this_process()


def test_a_full_disk_or_a_file_system_without_locks_is_an_error_of_the_environment(tmp_path, monkeypatch):
    with pytest.raises(HallucError, match="cannot write") as caught, locked(tmp_path / "no" / ".lock", tmp_path):
        pass
    assert (caught.value.code, caught.value.exit_code) == ("E401", EXIT_ENVIRONMENT)

    def without(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(locks.fcntl, "flock", without)
    with pytest.raises(HallucError, match="cannot lock") as caught, locked(tmp_path / ".lock", Path("the run")):
        pass
    assert (caught.value.code, caught.value.message) == ("E401", "cannot lock the run: Operation not supported")
