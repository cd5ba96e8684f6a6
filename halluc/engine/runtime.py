"""Device, precision and processes, through accelerate: set by the environment, not by flags."""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import datetime
import gc
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import InitProcessGroupKwargs, broadcast_object_list, set_seed

from halluc.core.errors import HallucError
from halluc.engine import environment


@dataclass(frozen=True)
class Runtime:
    """The device and precision of tensor computations.

    ``sample`` is the seed for dropout in forward passes without gradients; None: no dropout.
    """

    accelerator: Accelerator
    precision: str
    sample: int | None = None

    @property
    def device(self) -> torch.device:
        device: torch.device = self.accelerator.device
        return device

    @property
    def ranks(self) -> int:
        return int(self.accelerator.num_processes)

    @property
    def rank(self) -> int:
        return int(self.accelerator.process_index)

    @property
    def is_main(self) -> bool:
        return bool(self.accelerator.is_main_process)

    def from_main(self, value: Any) -> Any:
        """The main process's ``value``, in every process."""
        return broadcast_object_list([value])[0] if self.ranks > 1 else value

    def peak_memory(self) -> int | None:
        """The maximum bytes of tensors on a CUDA device so far; None on other devices."""
        return torch.cuda.max_memory_allocated(self.device) if self.device.type == "cuda" else None

    def seed(self, number: int) -> None:
        """Seed the generators of this device.

        ``torch.manual_seed`` seeds all kinds of devices, which takes as long as a tiny step on a machine without a GPU.
        """
        if self.device.type == "cpu":
            torch.default_generator.manual_seed(number)
        else:
            torch.manual_seed(number)

    def release_memory(self) -> None:
        """Return free memory to the system, between phases that need blocks of other sizes."""
        if self.device.type == "cpu":
            _trim()

    def wait(self) -> None:
        self.accelerator.wait_for_everyone()


def start(precision: str, seed: int) -> Runtime:
    """Choose device and precision, and seed every generator.

    Raises:
        HallucError C201: fp16 without CUDA.
    """
    cuda = torch.cuda.is_available()
    if precision == "fp16" and not cuda:
        raise HallucError("C201", "`train.precision: fp16` needs CUDA", help="use auto, bf16 or fp32 here")
    if precision == "auto":
        precision = "bf16" if computes_bf16(cuda) else "fp32"
    # accelerate keeps its settings for the whole process; a second experiment in it needs its own.
    AcceleratorState._reset_state()
    # A model that accelerate prepared and its `forward` reference each other: the tensors of the previous experiment
    # stay until cycles are collected, which depends on the number of objects, not on their size.
    gc.collect()
    # The other processes wait while the main process evaluates: that may exceed the default timeout of ten minutes.
    patience = InitProcessGroupKwargs(timeout=datetime.timedelta(hours=6))
    accelerator = Accelerator(
        mixed_precision="no" if precision == "fp32" else precision, cpu=not cuda, kwargs_handlers=[patience]
    )
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        atexit.unregister(_leave_group)  # once, however many experiments this process runs
        atexit.register(_leave_group)
    set_seed(seed)
    if not cuda:
        _trim()
        _keep_freed_memory()
    return Runtime(accelerator, precision)


# Variables that launchers set for each process of a group.
_OF_GROUP = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")


@contextlib.contextmanager
def alone(precision: str, seed: int) -> Iterator[Runtime]:
    """``start`` for this process alone: other processes of its torchrun group neither take part nor wait.

    Raises:
        HallucError C201: fp16 without CUDA.
    """
    of_group = {name: os.environ.pop(name) for name in _OF_GROUP if name in os.environ}
    AcceleratorState._reset_state(reset_partial_state=True)
    try:
        yield start(precision, seed)
    finally:
        AcceleratorState._reset_state(reset_partial_state=True)
        os.environ.update(of_group)


def _leave_group() -> None:
    """Stop the threads of the process group: one that still runs while the interpreter exits aborts the process."""
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def _glibc() -> ctypes.CDLL | None:
    """The C library if it is glibc, which alone has ``malloc_trim``."""
    try:
        libc = ctypes.CDLL("libc.so.6")
        return libc if hasattr(libc, "malloc_trim") else None
    except OSError:
        return None


def _keep_freed_memory() -> None:
    """Make glibc keep up to a gigabyte of freed tensor memory. Otherwise it is returned to the system and faulted in
    again in every step, which takes some per cent of its time."""
    libc = _glibc()
    if libc is not None:
        trim_threshold, mmap_threshold = -1, -3  # M_TRIM_THRESHOLD, M_MMAP_THRESHOLD in malloc.h
        libc.mallopt(mmap_threshold, 32 << 20)
        libc.mallopt(trim_threshold, 1 << 30)


def _trim() -> None:
    libc = _glibc()
    if libc is not None:
        libc.malloc_trim(0)


def computes_bf16(cuda: bool) -> bool:
    """Whether the device has bf16 arithmetic; if it is emulated, fp32 is faster."""
    if cuda:
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    # Not public, but the only place where torch reports it; if it is missing, the answer is no.
    supported = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return bool(supported and supported())


def default_device() -> torch.device:
    """The GPU if there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def attention_for(device_type: str) -> str | None:
    """The attention implementation. On a CPU, explicit matrix products are seven times as fast as SDPA's kernel for
    short texts (measured). None: SDPA if the model supports it, which DeBERTa for example does not."""
    return "eager" if device_type == "cpu" else None


def describe(runtime: Runtime) -> dict[str, Any]:
    """Facts besides the config on which results depend, for run.json."""
    results: dict[str, Any] = {
        "device": runtime.device.type,
        "precision": runtime.precision,
        "threads": torch.get_num_threads(),
        "thread_waiting": environment.waiting(),
        "processes": runtime.ranks,
    }
    if runtime.device.type == "cuda":
        results["gpu"] = torch.cuda.get_device_name(runtime.device)
        results["cuda"] = torch.version.cuda
    return results
