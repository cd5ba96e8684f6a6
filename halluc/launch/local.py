"""Cells in parallel on this machine, limited by cores and memory."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from halluc.core import memory, threads
from halluc.core.errors import HallucError
from halluc.core.messages import warn
from halluc.engine import environment
from halluc.launch.cell_process import CellProcess
from halluc.launch.orders import CellOrder
from halluc.launch.scheduling import Ended, in_parallel
from halluc.workflows.experiments import StudyRun, in_this_process

MOST_JOBS = 1_000
# The minimum memory of a process: Python with torch.
_LEAST_MEMORY = 512 << 20


def launch(study_run: StudyRun, jobs: str) -> bool:
    """A launcher of ``jobs`` cells at once; a single experiment, or a single job, runs in this process.

    Raises:
        HallucError C019: ``jobs`` is not a number, or there are several processes already (torchrun).
    """
    cores, devices = threads.cores(), gpus()
    count = min(number(jobs, len(devices) or cores), len(study_run.cells))
    _refuse_under_torchrun("--jobs", "whose processes train one cell together")
    if count <= 1:
        return in_this_process(study_run)
    return in_parallel(study_run, LocalProcesses(count, cores, devices))


def gpus(environ: Mapping[str, str] = os.environ, driver: Path = Path("/proc/driver/nvidia/gpus")) -> list[str]:
    """The NVIDIA GPUs that this process may use, named as in CUDA_VISIBLE_DEVICES.

    torch is not used, as importing it takes seconds.
    """
    named = environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [name.strip() for name in named.split(",") if name.strip() not in ("", "-1")]
    return [str(index) for index in range(len(list(driver.iterdir())))] if driver.is_dir() else []


def number(jobs: str, auto: int, option: str = "--jobs") -> int:
    """The number given by ``--jobs``; ``auto`` is the number for ``--jobs auto``.

    Raises:
        HallucError C019: it is neither ``auto`` nor a number from 1 to 1000.
    """
    if jobs == "auto":
        return auto
    if not re.fullmatch(r"[0-9]{1,9}", jobs) or not 1 <= int(jobs) <= MOST_JOBS:
        message = f"`{option} {jobs}` must be `auto` or a number from 1 to {MOST_JOBS:,}"
        help = f"`{option} auto` is one for each GPU" + " or core" * (option == "--jobs")
        raise HallucError("C019", message, help=help)
    return int(jobs)


def training_processes(processes: str) -> int:
    """The number given by ``--processes``: ``auto`` is one per GPU, and 1 without a GPU.

    Raises:
        HallucError C019: it is neither ``auto`` nor a number from 1 to 1000; or this is a process of torchrun.
    """
    count = number(processes, max(1, len(gpus())), "--processes")
    if count > 1:
        _refuse_under_torchrun("--processes", "which has started this process")
    return count


def _refuse_under_torchrun(option: str, why: str) -> None:
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise HallucError("C019", f"{option} cannot be used under torchrun, {why}", help="remove one of them")


class LocalProcesses:
    """Parallel processes on this machine."""

    retries = 2

    def __init__(self, at_once: int, cores: int, devices: Sequence[str] = ()) -> None:
        """``devices``: GPUs; each process gets the one with the fewest processes."""
        self.at_once, self.devices = at_once, list(devices)
        self.environment = environment.of_process(at_once, cores)
        self.device_of: dict[str, str] = {}
        self.running: dict[str, CellProcess] = {}
        self.peak = _LEAST_MEMORY
        self.is_short = False

    def has_room(self) -> bool:
        """Whether another process may start: the limit is not reached, and memory suffices for it and for the growth of
        the others."""
        if not self.running:
            return True
        if len(self.running) >= self.at_once:
            return False
        free, used = memory.available(), self._watch()
        if free is None or free >= self.peak + sum(max(0, self.peak - one) for one in used):
            return True
        if not self.is_short:
            self.is_short = True
            text = f"{free / 1e9:.1f} GB of memory are free, but a cell needs {self.peak / 1e9:.1f} GB"
            warn(f"{text}: no further cell starts until more memory is free (running: {len(used)})")
        return False

    def _watch(self) -> list[int]:
        """The memory of each process in bytes; the maximum of any process so far is stored in ``peak``."""
        known = [memory.of_process(one.process.pid) for one in self.running.values()]
        self.peak = max(self.peak, *(most for _, most in known))
        return [now for now, _ in known]

    def start(self, order: CellOrder, log: Path) -> None:
        variables = self.environment
        if self.devices:
            in_use = Counter(self.device_of[slug] for slug in self.running)
            self.device_of[order.slug] = min(self.devices, key=in_use.__getitem__)
            variables = {**variables, "CUDA_VISIBLE_DEVICES": self.device_of[order.slug]}
        self.running[order.slug] = CellProcess(order, log, variables)

    def ended(self) -> Sequence[Ended]:
        if self.running:
            self._watch()
        results = [(slug, over) for slug, one in self.running.items() if (over := one.ended()) is not None]
        for slug, _ in results:
            del self.running[slug]
        return [Ended(slug, *over) for slug, over in results]

    def stop(self) -> None:
        for one in self.running.values():
            one.stop()

    def kill(self) -> None:
        for one in self.running.values():
            one.kill()
        self.running.clear()
