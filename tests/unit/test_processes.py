"""Which process is alive."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from halluc.core.processes import is_running, start_time

linux = pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel of Linux")


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
