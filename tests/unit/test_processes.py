"""Which process is alive, and children that do not outlive their parent."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from halluc.core.processes import is_running, start_time

PARENT = r"""
import multiprocessing, os, sys, time
from halluc.core import processes
if sys.argv[1] == "watched":
    processes._killed_by_kernel = lambda parent: False
def work(parent):
    processes.end_with_parent(parent)
    os.write(1, f"{os.getpid()}\n".encode())
    time.sleep(60)
context = multiprocessing.get_context("fork")
for _ in range(3):
    context.Process(target=work, args=(os.getpid(),)).start()
time.sleep(60)
"""


linux = pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel of Linux")


@pytest.mark.parametrize("by", [pytest.param("kernel", marks=linux), "watched"])
def test_children_end_with_a_parent_that_is_killed(by):
    with subprocess.Popen([sys.executable, "-c", PARENT, by], stdout=subprocess.PIPE, text=True) as parent:
        children = [int(parent.stdout.readline()) for _ in range(3)]
        assert all(map(is_running, children))
        parent.kill()
        parent.wait()
        deadline = time.monotonic() + 10
        while any(map(is_running, children)):
            assert time.monotonic() < deadline, "a child outlives its parent"
            time.sleep(0.01)


def test_a_process_that_has_ended_does_not_run_though_nobody_waited_for_it():
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert is_running(process.pid)
    assert is_running(os.getpid())
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert not is_running(process.pid)
    process.communicate()
    assert not is_running(process.pid)
    assert not is_running(10**30)


@linux
def test_a_start_time_tells_two_processes_apart():
    assert start_time(os.getpid()) == start_time(os.getpid())
    time.sleep(0.05)  # a clock tick is 10 ms
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert int(start_time(process.pid)) > int(start_time(os.getpid()))
    process.communicate(b"\n")
    assert start_time(process.pid) is None


@linux
def test_a_child_whose_parent_ended_before_it_could_ask_ends_too():
    code = "from halluc.core.processes import end_with_parent; end_with_parent(1); print('lives on')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
