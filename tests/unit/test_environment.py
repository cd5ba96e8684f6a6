"""What torch's native libraries read from the environment, and that it bounds what they keep."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from halluc.engine import environment

PREFIXES = ("ONEDNN_", "DNNL_", "LRU_CACHE", "GOMP_", "OMP_", "KMP_")

# Memory in use by the heap after steps of a linear layer on batches of 100 different sizes, less that after the first.
MANY_SHAPES = """
import ctypes
import halluc.engine
import torch

class Usage(ctypes.Structure):
    names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()
    _fields_ = [(name, ctypes.c_size_t) for name in names]

libc = ctypes.CDLL("libc.so.6")
libc.mallinfo2.restype = Usage
linear = torch.nn.Linear(384, 1536)

def used_after(rows):
    with torch.autocast("cpu", torch.bfloat16):
        linear(torch.randn(rows, 384, requires_grad=True)).float().sum().backward()
    linear.zero_grad()
    usage = libc.mallinfo2()
    return usage.uordblks + usage.hblkhd

first = used_after(1000)
print(max(used_after(rows) for rows in range(700, 800)) - first)
"""


def test_what_the_user_left_open_is_set():
    environ: dict[str, str] = {}
    environment.prepare(environ, modules={})
    assert environ["ONEDNN_PRIMITIVE_CACHE_CAPACITY"] == environ["LRU_CACHE_CAPACITY"] == "32"
    assert environ["GOMP_SPINCOUNT"] == str(environment.SPINS)
    assert environment.waiting(environ) == "short spin, GOMP_SPINCOUNT=10000"


@pytest.mark.parametrize(
    ("theirs", "name"),
    [
        ({"ONEDNN_PRIMITIVE_CACHE_CAPACITY": "7"}, "ONEDNN_PRIMITIVE_CACHE_CAPACITY"),
        ({"DNNL_PRIMITIVE_CACHE_CAPACITY": "7"}, "ONEDNN_PRIMITIVE_CACHE_CAPACITY"),
        ({"LRU_CACHE_CAPACITY": "7"}, "LRU_CACHE_CAPACITY"),
        ({"GOMP_SPINCOUNT": "7"}, "GOMP_SPINCOUNT"),
        ({"OMP_WAIT_POLICY": "active"}, "GOMP_SPINCOUNT"),
        ({"KMP_BLOCKTIME": "1"}, "GOMP_SPINCOUNT"),
    ],
)
def test_what_the_user_has_set_stays(theirs, name):
    environ = dict(theirs)
    environment.prepare(environ, modules={})
    assert environ.get(name) == theirs.get(name)
    assert theirs.items() <= environ.items()


def test_nothing_is_set_that_comes_too_late():
    environ: dict[str, str] = {}
    environment.prepare(environ, modules={"torch": object()})
    assert environ == {}
    assert environment.waiting(environ) == "default of OpenMP, because torch was imported before halluc"


@pytest.mark.parametrize("name", ["GOMP_SPINCOUNT", "OMP_WAIT_POLICY", "KMP_BLOCKTIME"])
def test_waiting_that_the_user_chose_is_named(name):
    environ = {name: "7"}
    environment.prepare(environ, modules={})
    assert environment.waiting(environ) == f"{name}=7, as set"


@pytest.mark.parametrize("module", ["halluc.engine.runtime", "halluc.engine.scratch", "halluc.workflows.checkpointing"])
def test_the_environment_is_set_before_torch_is_imported(module):
    """Where a module of halluc is the first to import torch."""
    script = f"""
import os, sys
class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            print(os.environ.get("LRU_CACHE_CAPACITY"), flush=True)
            os._exit(0)
sys.meta_path.insert(0, Watch())
import {module}
"""
    assert _python(script) == "32"


@pytest.mark.skipif(sys.platform != "linux", reason="mallinfo2 is glibc's")
def test_memory_does_not_grow_with_the_number_of_tensor_shapes():
    assert int(_python(MANY_SHAPES)) < 80 << 20  # 35 MB as it should be, 172 MB with the libraries' own capacities


@pytest.mark.skipif(sys.platform != "linux", reason="GNU OpenMP")
def test_openmp_reads_what_is_set_in_process():
    told = _python("import os; os.environ['OMP_DISPLAY_ENV'] = 'verbose'\nimport halluc.engine\nimport torch")
    assert f"GOMP_SPINCOUNT = '{environment.SPINS}'" in told


def _python(script: str) -> str:
    """What a script prints, the environment being as a user has it who set nothing."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(PREFIXES)}
    command, joined = [sys.executable, "-c", script], subprocess.STDOUT
    done = subprocess.run(command, env=environ, stdout=subprocess.PIPE, stderr=joined, text=True, check=True)
    return done.stdout.strip()
