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
def test_a_start_time_distinguishes_two_processes():
    assert start_time(os.getpid()) == start_time(os.getpid())
    time.sleep(0.05)  # a clock tick is 10 ms
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert int(start_time(process.pid)) > int(start_time(os.getpid()))
    process.communicate(b"\n")
    assert start_time(process.pid) is None


@linux
def test_a_process_is_asked_to_end_when_its_parent_is_killed():
    child = (
        "import os, signal, sys, time\n"
        "from halluc.core.processes import end_with\n"
        "signal.signal(signal.SIGTERM, lambda *_: (os.write(1, b'asked'), os._exit(0)))\n"
        "there = end_with(int(sys.argv[1]))\n"
        "os.write(1, b'%d %s ' % (os.getpid(), str(there).encode()))\n"
        "time.sleep(60)\n"
    )
    parent = f"import os, subprocess, sys\nsubprocess.run([sys.executable, '-c', {child!r}, str(os.getpid())])\n"
    process = subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE)
    told = b""
    while told.count(b" ") < 2:
        told += os.read(process.stdout.fileno(), 100)
    assert told.split()[1] == b"True"
    process.kill()
    assert process.communicate(timeout=30)[0] == b"asked"


def test_a_process_whose_parent_has_ended_before_is_reported_so():
    code = "import sys; from halluc.core.processes import end_with; sys.exit(end_with(1) and 1)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
